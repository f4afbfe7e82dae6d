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
    let end = min(max(offset, 0), text.byteCount)
    line = 1
    column = 1
    for place in 0..<end {
      if text.fast(place) == 0x0A {
        line += 1
        column = 1
      } else {
        column += 1
      }
    }
    path = Self.path(of: end, in: text)
  }

  private struct Level {
    /// nil: an object.
    var index: Int?
    var key: [UInt8] = []
    /// An object's colon was passed, so that a value comes.
    var isAtValue = false
  }

  private static func path(of offset: Int, in text: RawSpan) -> [UInt8] {
    var levels: [Level] = []
    var place = 0
    scan: while place <= offset, place < text.byteCount {
      switch text.fast(place) {
      case 0x7B where place < offset: levels.append(Level())
      case 0x5B where place < offset: levels.append(Level(index: 0))
      case 0x7D where place < offset, 0x5D where place < offset:
        _ = levels.popLast()
      case 0x2C where place < offset:
        guard var level = levels.popLast() else { break scan }
        if let index = level.index { level.index = index + 1 } else { level = Level() }
        levels.append(level)
      case 0x3A where place < offset:
        if !levels.isEmpty { levels[levels.count - 1].isAtValue = true }
      case 0x22:
        let start = place
        place += 1
        while place < text.byteCount, text.fast(place) != 0x22 {
          if text.fast(place) == 0x5C { place += 1 }
          place += 1
        }
        if let level = levels.last, level.index == nil, !level.isAtValue {
          levels[levels.count - 1].key = key(in: text, from: start)
        }
      default: break
      }
      place += 1
    }
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
