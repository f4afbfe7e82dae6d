import Proto

/// From a 64-bit hash to 32-bit values. Several values may share a hash: the caller compares what they stand for.
///
/// Extendible hashing (Fagin, Nievergelt, Pippenger, Strong 1979): a directory over pages by the hash's top bits. A
/// full page is split in two, which moves at most 3,072 entries, so that no insert ever waits for the whole table to
/// grow.
struct HashIndex: Sendable {
  private struct Page: Sendable {
    /// `tag << 32 | value`; 0: empty. Linear probing from the tag's low bits.
    var slots: [UInt64]
    var used = 0
    /// Top bits of the tag that all entries of this page share.
    var depth: UInt32

    mutating func insert(_ slot: UInt64) {
      let mask = slots.count - 1
      var place = Int(truncatingIfNeeded: slot >> 32) & mask
      while slots[place] != 0 { place = (place + 1) & mask }
      slots[place] = slot
      used += 1
    }
  }

  private static let pageSlots = 4_096
  private static let depthMax: UInt32 = 16

  private var directory: [UInt32] = [0]
  private var depth: UInt32 = 0
  private var pages: [Page] = [Page(slots: Array(repeating: 0, count: 16), depth: 0)]
  private(set) var count = 0

  /// A walk over the values that may have the hash.
  struct Probe {
    fileprivate let page: Int
    fileprivate var place: Int
    fileprivate let tag: UInt32
  }

  @inline(__always) private static func tag(_ hash: UInt64) -> UInt32 {
    // 0 would look like an empty slot.
    max(UInt32(truncatingIfNeeded: hash >> 32), 1)
  }

  @inline(__always) func probe(_ hash: UInt64) -> Probe {
    let tag = Self.tag(hash)
    let page = Int(directory[Int(tag >> (32 - depth))])
    return Probe(page: page, place: Int(tag) & (pages[page].slots.count - 1), tag: tag)
  }

  @inline(__always) func next(_ probe: inout Probe) -> UInt32? {
    let mask = pages[probe.page].slots.count - 1
    while true {
      let slot = pages[probe.page].slots[probe.place]
      if slot == 0 { return nil }
      probe.place = (probe.place + 1) & mask
      if UInt32(truncatingIfNeeded: slot >> 32) == probe.tag { return UInt32(truncatingIfNeeded: slot) }
    }
  }

  mutating func insert(_ hash: UInt64, _ value: UInt32) {
    let tag = Self.tag(hash)
    var page = Int(directory[Int(tag >> (32 - depth))])
    while (pages[page].used + 1) * 4 > pages[page].slots.count * 3 {
      grow(page, tag)
      page = Int(directory[Int(tag >> (32 - depth))])
    }
    pages[page].insert(UInt64(tag) << 32 | UInt64(value))
    count += 1
  }

  /// Removes the entry with this very value; false: there is none.
  @discardableResult mutating func remove(_ hash: UInt64, _ value: UInt32) -> Bool {
    let tag = Self.tag(hash)
    let page = Int(directory[Int(tag >> (32 - depth))])
    let wanted = UInt64(tag) << 32 | UInt64(value)
    let mask = pages[page].slots.count - 1
    var hole = Int(tag) & mask
    while pages[page].slots[hole] != wanted {
      if pages[page].slots[hole] == 0 { return false }
      hole = (hole + 1) & mask
    }
    // What stands behind the hole moves up if its own walk would pass the hole.
    var place = hole
    while true {
      place = (place + 1) & mask
      let slot = pages[page].slots[place]
      if slot == 0 { break }
      let home = Int(truncatingIfNeeded: slot >> 32) & mask
      if (place - home) & mask >= (place - hole) & mask {
        pages[page].slots[hole] = slot
        hole = place
      }
    }
    pages[page].slots[hole] = 0
    pages[page].used -= 1
    count -= 1
    return true
  }

  private mutating func grow(_ page: Int, _ tag: UInt32) {
    let old = pages[page]
    // Beyond the deepest split a page just grows: entries that collide on purpose slow down, nothing breaks.
    if old.slots.count < Self.pageSlots || old.depth == Self.depthMax {
      var larger = Page(slots: Array(repeating: 0, count: old.slots.count * 2), depth: old.depth)
      for slot in old.slots where slot != 0 { larger.insert(slot) }
      pages[page] = larger
      return
    }
    if old.depth == depth {
      directory = directory.flatMap { [$0, $0] }
      depth += 1
    }
    var halves = (
      Page(slots: Array(repeating: 0, count: Self.pageSlots), depth: old.depth + 1),
      Page(slots: Array(repeating: 0, count: Self.pageSlots), depth: old.depth + 1)
    )
    for slot in old.slots where slot != 0 {
      if slot >> (63 - UInt64(old.depth)) & 1 == 0 { halves.0.insert(slot) } else { halves.1.insert(slot) }
    }
    pages[page] = halves.0
    pages.append(halves.1)
    let spread = 1 << Int(depth - old.depth)
    let start = Int(tag >> (32 - old.depth)) * spread
    for entry in (start + spread / 2)..<(start + spread) { directory[entry] = UInt32(pages.count - 1) }
  }

  var bytes: Int { pages.count < 2 ? pages[0].slots.count * 8 : pages.count * Self.pageSlots * 8 }
}
