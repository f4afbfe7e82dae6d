/// The names that an object may have, at most 64 of at most 24 bytes: matched by comparing words, without allocating.
public struct JSONFields: Sendable {
  private struct Name: Sendable {
    let text: StaticString
    let count: Int
    let first: UInt64
    let second: UInt64
    let third: UInt64
  }

  private let names: [Name]

  public init(_ texts: StaticString...) { self.init(texts) }

  public init(_ texts: [StaticString]) {
    precondition(texts.count <= 64, "fields are counted in a word of 64 bits")
    names = texts.map { text in
      precondition(text.utf8CodeUnitCount <= 24, "a field's name is compared as three words")
      var words: [UInt64] = [0, 0, 0]
      for place in 0..<text.utf8CodeUnitCount {
        // Safe: the place is below the literal's count.
        words[place / 8] |= UInt64(unsafe text.utf8Start[place]) << UInt64(place % 8 * 8)
      }
      return Name(text: text, count: text.utf8CodeUnitCount, first: words[0], second: words[1], third: words[2])
    }
  }

  @inline(__always) func index(of input: RawSpan, _ start: Int, _ end: Int) -> Int? {
    let count = end &- start
    let first = input.tail(start, count)
    for index in names.indices where names[index].count == count && names[index].first == first {
      if count <= 8
        || names[index].second == input.tail(start &+ 8, count &- 8)
          && names[index].third == input.tail(start &+ 16, count &- 16)
      {
        return index
      }
    }
    return nil
  }

  /// A field's name, for messages.
  public func name(_ index: Int) -> [UInt8] {
    var name: [UInt8] = []
    name.add(names[index].text)
    return name
  }
}

/// The keys of an object whose keys are data, by hash: few are compared one by one, many through a table. Two different
/// keys with the same hash would be refused as duplicates, which only someone who searches for such keys can bring
/// about.
struct KeySet: Sendable {
  private var hashes: [UInt64] = []
  private var table: [UInt64] = []

  /// False if it was there.
  mutating func insert(_ key: RawSpan) -> Bool {
    let hash = Self.hash(key)
    if table.isEmpty {
      for other in hashes where other == hash { return false }
      hashes.append(hash)
      if hashes.count > 16 { rebuild(64) }
      return true
    }
    guard place(hash) else { return false }
    hashes.append(hash)
    if hashes.count * 2 > table.count { rebuild(table.count * 4) }
    return true
  }

  private mutating func rebuild(_ size: Int) {
    table = [UInt64](repeating: 0, count: size)
    for hash in hashes { _ = place(hash) }
  }

  private mutating func place(_ hash: UInt64) -> Bool {
    var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
    while table[slot] != 0 {
      if table[slot] == hash { return false }
      slot = (slot + 1) & (table.count - 1)
    }
    table[slot] = hash
    return true
  }

  /// Never 0, which means an empty place.
  private static func hash(_ key: RawSpan) -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(key.byteCount)
    var offset = 0
    while offset < key.byteCount {
      hash = (hash ^ key.tail(offset, key.byteCount - offset)) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
      offset += 8
    }
    hash = hash &* 0xC4CE_B9FE_1A85_EC53
    hash ^= hash >> 29
    return hash == 0 ? 1 : hash
  }
}
