import Octets
import RESP

/// A RESP command with places to fill in, taken apart once: the tool runs on the processors it measures. In its words
/// `{event}`, `{seat}` and `{buyer}` stand for an event's id, a seat's number and `b` with a buyer's number; other
/// braces stand for themselves.
package struct CommandTemplate: Sendable {
  private enum Part: Sendable {
    case text([UInt8])
    case event, seat, buyer
  }

  private let words: [[Part]]

  package init(_ words: [String]) { self.words = words.map(Self.parts) }

  private static func parts(of word: String) -> [Part] {
    var parts: [Part] = []
    var rest = word[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      if open > rest.startIndex { parts.append(.text(Array(rest[..<open].utf8))) }
      switch rest[rest.index(after: open)..<close] {
      case "event": parts.append(.event)
      case "seat": parts.append(.seat)
      case "buyer": parts.append(.buyer)
      default: parts.append(.text(Array(rest[open...close].utf8)))
      }
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.text(Array(rest.utf8))) }
    return parts
  }

  /// Appends the command for the first of `seats`, or with its last word once for each of them.
  package func write(
    event: [UInt8], seats: [Int], buyer: UInt64, repeatsLastWord: Bool = false, into out: inout [UInt8]
  ) {
    let repeats = repeatsLastWord ? seats.count - 1 : 0
    out.append(UInt8(ascii: "*"))
    out.putDecimal(Int64(words.count + repeats))
    out.putLineEnd()
    for word in words { write(word, event, seats[0], buyer, &out) }
    guard repeats > 0, let last = words.last else { return }
    for seat in seats.dropFirst() { write(last, event, seat, buyer, &out) }
  }

  private func write(_ word: [Part], _ event: [UInt8], _ seat: Int, _ buyer: UInt64, _ out: inout [UInt8]) {
    var length = 0
    for part in word {
      switch part {
      case .text(let text): length += text.count
      case .event: length += event.count
      case .seat: length += digitCount(UInt64(seat))
      case .buyer: length += 1 + digitCount(buyer)
      }
    }
    out.append(UInt8(ascii: "$"))
    out.putDecimal(Int64(length))
    out.putLineEnd()
    for part in word {
      switch part {
      case .text(let text): out += text
      case .event: out += event
      case .seat: out.putDecimal(Int64(seat))
      case .buyer:
        out.append(UInt8(ascii: "b"))
        out.putDecimal(Int64(buyer))
      }
    }
    out.putLineEnd()
  }

  private func digitCount(_ number: UInt64) -> Int {
    var (count, rest) = (1, number)
    while rest >= 10 { (count, rest) = (count + 1, rest / 10) }
    return count
  }
}
