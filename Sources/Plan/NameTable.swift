internal import Octets

/// Some names, numbered in the order in which they were added, found by their bytes: one blob and an open-addressing
/// table, so that a hundred thousand labels cost no allocation each and a look-up touches two cache lines.
struct NameTable: Sendable {
  private var blob: [UInt8] = []
  /// Where each name ends in the blob.
  private var ends: [UInt32] = []
  /// Number + 1; 0 is empty. At most half full.
  private var slots: [UInt32] = [UInt32](repeating: 0, count: 16)

  var count: Int { ends.count }

  mutating func reserve(_ names: Int, bytes: Int) {
    blob.reserveCapacity(bytes)
    ends.reserveCapacity(names)
    var size = 16
    while size < names * 2 { size *= 2 }
    if size > slots.count { rebuild(size) }
  }

  /// Adds a name; if it was there, returns its number and adds nothing.
  mutating func insert(_ name: RawSpan) -> Int? {
    if (ends.count + 1) * 2 > slots.count { rebuild(slots.count * 2) }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: stableHash(name)) & mask
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if isName(number, name) { return number }
      slot = (slot + 1) & mask
    }
    blob.put(name)
    ends.append(UInt32(truncatingIfNeeded: blob.count))
    slots[slot] = UInt32(truncatingIfNeeded: ends.count)
    return nil
  }

  func find(_ name: RawSpan) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: stableHash(name)) & mask
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if isName(number, name) { return number }
      slot = (slot + 1) & mask
    }
    return nil
  }

  func write(_ number: Int, into out: inout [UInt8]) {
    let range = range(number)
    out.put(blob.rawSpan.extracting(range))
  }

  @inline(__always) private func range(_ number: Int) -> Range<Int> {
    (number == 0 ? 0 : Int(ends[number - 1]))..<Int(ends[number])
  }

  @inline(__always) private func isName(_ number: Int, _ name: RawSpan) -> Bool {
    let range = range(number)
    return range.count == name.byteCount && blob.rawSpan.extracting(range).equals(name)
  }

  private mutating func rebuild(_ size: Int) {
    slots = [UInt32](repeating: 0, count: size)
    for number in 0..<ends.count {
      var slot = Int(truncatingIfNeeded: stableHash(blob.rawSpan.extracting(range(number)))) & (size - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = UInt32(truncatingIfNeeded: number + 1)
    }
  }
}
