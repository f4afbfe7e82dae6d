internal import Flags
internal import Glibc

/// Where a command writes, and what it may read of its surroundings: tests give another one.
public struct Console {
  /// What the command is for: tables, JSON.
  public var out: (String) -> Void
  /// What a person may want to know besides.
  public var error: (String) -> Void
  public var environment: (String) -> String?
  /// Whether `error` is a terminal: only then there is a progress bar.
  public var isTerminal: Bool

  public init(
    out: @escaping (String) -> Void, error: @escaping (String) -> Void, environment: @escaping (String) -> String?,
    isTerminal: Bool
  ) {
    (self.out, self.error, self.environment, self.isTerminal) = (out, error, environment, isTerminal)
  }

  /// This process's own.
  public static var standard: Console {
    Console(
      out: { print($0, terminator: "") }, error: standardError, environment: environmentVariable,
      isTerminal: isatty(2) == 1)
  }

  func line(_ text: String = "") { out(text + "\n") }
  func note(_ text: String) { error(text + "\n") }
}

/// A bar on stderr for what takes longer than a second; nothing at all if that is no terminal.
struct Progress {
  private let console: Console
  private let title: String
  private let began = ContinuousClock.now
  private var shown = false

  init(_ title: String, _ console: Console) { (self.title, self.console) = (title, console) }

  /// - Parameter fraction: 0 to 1; nil: nobody knows how long it takes.
  mutating func update(_ fraction: Double?, _ detail: String = "") {
    let elapsed = ContinuousClock.now - began
    guard console.isTerminal, elapsed > .seconds(1) else { return }
    shown = true
    let width = 30
    let bar: String
    if let fraction {
      let filled = Int(min(max(fraction, 0), 1) * Double(width))
      bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
    } else {
      let place = Int(elapsed.components.seconds) % width
      bar = String(repeating: "·", count: place) + "█" + String(repeating: "·", count: width - 1 - place)
    }
    console.error("\r\u{1B}[K\(title) \(bar) \(fraction.map { "\(Int($0 * 100)) % " } ?? "")\(detail)")
  }

  /// Takes the bar away.
  mutating func finish() {
    if shown { console.error("\r\u{1B}[K") }
    shown = false
  }
}

/// Text in columns: the first line is the head.
func table(_ rows: [[String]]) -> String {
  guard let columns = rows.map(\.count).max() else { return "" }
  let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  return rows.map { row in
    let cells = row.enumerated().map { place, cell in
      place + 1 == row.count ? cell : cell + String(repeating: " ", count: widths[place] - cell.count)
    }
    return cells.joined(separator: "  ") + "\n"
  }.joined()
}
