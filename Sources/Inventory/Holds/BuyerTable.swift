import Octets

/// How many seats and places each buyer has in living holds and orders, for events that limit it. Follows from the
/// holds: neither in the digest nor in snapshots.
struct BuyerTable: Sendable {
  private struct Entry: Sendable, BitwiseCopyable {
    var event: UInt32
    var count: UInt32
    /// Of a free entry: the next free one.
    var buyer: UInt64
    var form: UInt8
  }

  private var index = HashIndex()
  private var entries = PagedArray<Entry>()
  private var freeHead: UInt64?
  private let salt: UInt64

  init(salt: UInt64) { self.salt = salt }

  var bytes: Int { index.bytes + entries.bytes }

  private func hash(_ event: UInt32, _ buyer: RawSpan) -> UInt64 { stableHash(buyer, seed: salt ^ UInt64(event)) }

  private func find(_ event: UInt32, _ buyer: RawSpan, _ cells: CellStore) -> UInt32? {
    var probe = index.probe(hash(event, buyer))
    while let place = index.next(&probe) {
      let entry = entries[Int(place)]
      if entry.event == event, cells.equals(PackedText(form: entry.form, word: entry.buyer), buyer) { return place }
    }
    return nil
  }

  func count(_ event: UInt32, _ buyer: RawSpan, _ cells: CellStore) -> UInt64 {
    find(event, buyer, cells).map { UInt64(entries[Int($0)].count) } ?? 0
  }

  mutating func add(_ count: UInt32, _ event: UInt32, _ buyer: RawSpan, _ cells: inout CellStore) {
    if let place = find(event, buyer, cells) {
      entries[Int(place)].count += count
      return
    }
    let packed = cells.pack(buyer)
    let entry = Entry(event: event, count: count, buyer: packed.word, form: packed.form)
    if let place = freeHead {
      freeHead = entries[Int(place)].form == 1 ? entries[Int(place)].buyer : nil
      entries[Int(place)] = entry
      index.insert(hash(event, buyer), UInt32(place))
    } else {
      entries.append(entry)
      index.insert(hash(event, buyer), UInt32(entries.count - 1))
    }
  }

  mutating func subtract(_ count: UInt32, _ event: UInt32, _ buyer: RawSpan, _ cells: inout CellStore) {
    guard let place = find(event, buyer, cells) else { preconditionFailure("what was added is subtracted") }
    entries[Int(place)].count -= count
    if entries[Int(place)].count == 0 {
      cells.free(PackedText(form: entries[Int(place)].form, word: entries[Int(place)].buyer))
      index.remove(hash(event, buyer), place)
      // Form 1: another free one follows.
      entries[Int(place)] = Entry(event: 0, count: 0, buyer: freeHead ?? 0, form: freeHead == nil ? 0 : 1)
      freeHead = UInt64(place)
    }
  }
}
