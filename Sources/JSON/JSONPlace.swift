/// Where in a text something is, for people. Worked out only when something is wrong, by reading the text again.
public struct JSONPlace: Equatable, Sendable {
  /// 1-based.
  public var line: Int
  /// 1-based, in bytes.
  public var column: Int
  /// Keys and 0-based places: `plan.zones[0].rows[3].seats[2].seat_guid`; empty for the text as a whole.
  public var path: [UInt8]

  /// The place of `offset` in `text`, and the innermost value or key that it stands in. The text may be broken there,
  /// but not before.
  public init(of offset: Int, in text: RawSpan) {
    var scan = JSONPlaceScan()
    self = scan.place(of: offset, in: text)
  }

  fileprivate init(line: Int, column: Int, path: [UInt8]) {
    (self.line, self.column, self.path) = (line, column, path)
  }
}

/// Finds the places of several offsets of one text in one pass over it.
public struct JSONPlaceScan {
  private struct Level {
    /// nil: an object.
    var index: Int?
    var key: [UInt8] = []
    /// An object's colon was passed, so that a value comes.
    var isAtValue = false
  }

  private var line = 1
  private var column = 1
  /// Bytes whose line ends were counted.
  private var counted = 0
  /// The next byte of the structure.
  private var next = 0
  private var levels: [Level] = []

  public init() {}

  /// Where `offset` is; offsets go up from call to call, else the text is read from its beginning again.
  public mutating func place(of offset: Int, in text: RawSpan) -> JSONPlace {
    let end = min(max(offset, 0), text.byteCount)
    if end < counted { self = JSONPlaceScan() }
    while counted < end {
      if text.fast(counted) == 0x0A {
        line += 1
        column = 1
      } else {
        column += 1
      }
      counted += 1
    }
    while next < end { step(text) }
    if next == end, end < text.byteCount, text.fast(end) == 0x22 { takeKey(at: end, text) }
    return JSONPlace(line: line, column: column, path: path)
  }

  private mutating func step(_ text: RawSpan) {
    switch text.fast(next) {
    case 0x7B: levels.append(Level())
    case 0x5B: levels.append(Level(index: 0))
    case 0x7D, 0x5D: _ = levels.popLast()
    case 0x2C:
      guard var level = levels.popLast() else {
        // Broken before: there is nothing to find behind.
        next = text.byteCount
        return
      }
      if let index = level.index { level.index = index + 1 } else { level = Level() }
      levels.append(level)
    case 0x3A:
      if !levels.isEmpty { levels[levels.count - 1].isAtValue = true }
    case 0x22:
      takeKey(at: next, text)
      next += 1
      while next < text.byteCount, text.fast(next) != 0x22 {
        if text.fast(next) == 0x5C { next += 1 }
        next += 1
      }
    default: break
    }
    next += 1
  }

  /// The string at `start` is a key, if an object wants one.
  private mutating func takeKey(at start: Int, _ text: RawSpan) {
    guard let level = levels.last, level.index == nil, !level.isAtValue else { return }
    levels[levels.count - 1].key = Self.key(in: text, from: start)
  }

  private var path: [UInt8] {
    var path: [UInt8] = []
    for level in levels {
      if let index = level.index {
        path.append(0x5B)
        path.putJSON(index)
        path.append(0x5D)
      } else if !level.key.isEmpty {
        if !path.isEmpty { path.append(0x2E) }
        path.append(contentsOf: level.key)
      }
    }
    return path
  }

  /// The key at `start`, decoded if that is possible, at most 256 bytes of it.
  private static func key(in text: RawSpan, from start: Int) -> [UInt8] {
    var reader = JSONReader(text)
    reader.offset = start
    let key = (try? reader.string()) ?? []
    return key.count <= 256 ? key : []
  }
}

extension JSONError {
  /// This error, or what makes `text` no JSON at all, if something does: that is said first, so that a broken text
  /// never passes as one that merely says something wrong.
  public func preferringSyntax(in text: RawSpan) -> JSONError {
    if isSyntax { return self }
    var reader = JSONReader(text)
    do throws(JSONError) {
      try reader.skip()
      try reader.finish()
      return self
    } catch {
      return error
    }
  }
}
