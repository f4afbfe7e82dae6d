import Octets

/// A loop's own view of the events it knows, by id: looked up with the bytes as they came in, without making a key of
/// them.
///
/// Bounded: over `countMax` everything is forgotten, because it can be fetched again.
package struct EventIndex {
  private var slots: [EventEntry?]
  package private(set) var count = 0
  private let countMax: Int

  init(countMax: Int = 65_536) {
    slots = Array(repeating: nil, count: 64)
    self.countMax = countMax
  }

  @inline(__always) private func start(_ id: RawSpan) -> Int {
    Int(truncatingIfNeeded: stableHash(id)) & (slots.count &- 1)
  }

  func find(_ id: RawSpan) -> EventEntry? {
    var place = start(id)
    while let entry = slots[place] {
      if Self.isNamed(entry, id) { return entry }
      place = (place &+ 1) & (slots.count &- 1)
    }
    return nil
  }

  func find(_ id: Bytes) -> EventEntry? { find(id.rawSpan) }

  @inline(__always) private static func isNamed(_ entry: EventEntry, _ id: RawSpan) -> Bool {
    let own = entry.id
    return own.rawSpan.equals(id)
  }

  /// Puts the entry in, in place of one with the same id.
  mutating func insert(_ entry: EventEntry) {
    if count >= countMax { removeAll() }
    if (count + 1) * 2 > slots.count { grow() }
    let id = entry.id
    var place = start(id.rawSpan)
    while let other = slots[place] {
      if other.id == entry.id {
        slots[place] = entry
        return
      }
      place = (place + 1) & (slots.count - 1)
    }
    slots[place] = entry
    count += 1
  }

  mutating func remove(_ id: Bytes) {
    guard find(id) != nil else { return }
    let kept = slots.compactMap { $0 }.filter { $0.id != id }
    removeAll()
    for entry in kept { insert(entry) }
  }

  /// Removes the entries for which `condition` holds.
  mutating func removeAll(where condition: (EventEntry) -> Bool) {
    let kept = slots.compactMap { $0 }.filter { !condition($0) }
    guard kept.count < count else { return }
    removeAll()
    for entry in kept { insert(entry) }
  }

  mutating func removeAll() {
    slots = Array(repeating: nil, count: 64)
    count = 0
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: nil, count: old.count * 2)
    count = 0
    for case let entry? in old { insert(entry) }
  }

  /// All entries, in no particular order.
  var all: [EventEntry] { slots.compactMap { $0 } }
}
