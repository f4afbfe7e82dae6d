import Octets

/// Names of which each is had once.
struct UniqueNames {
  private var taken = NameTable()
  /// By the text before the number: the next number to try, so that many of one name take no longer each.
  private var next: [Bytes: Int] = [:]

  /// Takes a name; false if it is taken.
  mutating func take(_ name: Bytes) -> Bool { taken.insert(name.rawSpan) == nil }

  /// The name if nobody has it; else with the first number behind it that makes another of it: `Balcony (2)`.
  mutating func invent(_ name: Bytes) -> Bytes {
    if take(name) { return name }
    let stem = name.prefix(bytesMax: Names.bytesMax - 10)
    var number = next[stem] ?? 2
    while true {
      let numbered = Bytes(stem.array + Array(" (\(number))".utf8))
      number += 1
      if take(numbered) {
        next[stem] = number
        return numbered
      }
    }
  }
}

extension Bytes {
  /// So much of a text, without half a character.
  fileprivate func prefix(bytesMax: Int) -> Bytes {
    guard count > bytesMax else { return self }
    var end = bytesMax
    while end > 0, array[end] & 0xC0 == 0x80 { end -= 1 }
    return Bytes(Array(array[..<end]))
  }
}
