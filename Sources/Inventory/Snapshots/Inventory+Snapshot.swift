import Octets
import Proto
import Time

/// A snapshot is a stream of items, cut into chunks wherever 64 KiB are full.
///
/// Layout of an item, little-endian: `kind: u8`, `bytes: u32`, then what the kind says. The kinds stand in the order of
/// `SnapshotItem.rank`; `header` and `end` are there once.
enum SnapshotItem: UInt8 {
  /// `version: u8`, `shard: u16`, `stamp: i64`, `nextSequence: u64`, `slots: u32`, `freeHead: u32`, `events: u32`, then
  /// the key limits: `clientBytes: u64`, `clientWindow: i64`, `routerWindow: i64`; then `orders: u32`, the numbers of
  /// orders that were ever used, and the sweep: `cursor: u32`, and the slots of the events of its pass and of those
  /// that wait, each behind a `u32` count.
  case header = 1
  /// One event, in the order of slots: `life: u8`; unless the slot is free, `createdAt: i64`, `deletedAt: i64`,
  /// `incarnation: u64`, `version: u64`, the definition; then, if its terms changed, `1:
  /// u8`, `version: u64`, its terms and its former prices (`FormerPrice.encode`), otherwise `0: u8`;
  /// then its blocks (`EventState.encodeBlocks`).
  case event = 2
  /// Slots in order: each a `status: u8`; a free one, the next free slot: `u32`; the others as `SnapshotItems.put`
  /// says.
  case holds = 3
  /// Routers' keys for holds, by router and by number; see `Inventory.put(_:into:)`.
  case routerRows = 4
  /// Entries of a key table as its words stand there, oldest first: for each `words: u32` and the words.
  case routerKeys = 5
  case clientKeys = 6
  case parkedKeys = 7
  /// `digest: u64`.
  case end = 8
  /// One waiting room, in the order of its events' slots: see `Room.encode`. Its places follow before the next.
  case room = 9
  /// The places of the room before it, in the order of their joins: see `Room.encodePlace`.
  case places = 10

  /// Where it stands: numbers are never given again, so those that came later stand in between.
  var rank: Int {
    switch self {
    case .header: 0
    case .event: 1
    case .room, .places: 2
    case .holds: 3
    case .routerRows: 4
    case .routerKeys: 5
    case .clientKeys: 6
    case .parkedKeys: 7
    case .end: 8
    }
  }
}

extension Inventory {
  /// Writes the state in chunks of at most 64 KiB: the same bytes on every replica at the same position. Works on a
  /// copy, on any thread.
  public func encodeSnapshot(_ emit: ([UInt8]) throws -> Void) rethrows {
    var out = SnapshotItems()
    out.begin(.header)
    out.bytes.append(Format.version)
    out.bytes.put(shard.rawValue)
    out.bytes.put(loggedStamp)
    out.bytes.put(nextSequence)
    out.bytes.put(UInt32(holds.count))
    out.bytes.put(holds.freeHead)
    out.bytes.put(UInt32(events.count))
    out.bytes.put(UInt64(keyLimits.clientBytes))
    out.bytes.put(keyLimits.clientWindow.rawValue)
    out.bytes.put(keyLimits.routerWindow.rawValue)
    out.bytes.put(UInt32(orders.slotCount))
    out.bytes.put(sweep.cursor)
    for slots in [sweep.present, sweep.waiting] {
      out.bytes.put(UInt32(slots.count))
      for slot in slots { out.bytes.put(slot) }
    }
    out.end()
    for slot in 0..<UInt32(events.count) {
      out.begin(.event)
      out.bytes.append(events[slot].life.rawValue)
      if events[slot].life != .free { put(event: slot, into: &out.bytes) }
      out.end()
      try out.flush(emit)
    }
    try putRooms(into: &out, emit)
    let places = orderPlaces
    if holds.count > 0 {
      out.begin(.holds)
      for slot in 0..<UInt32(holds.count) {
        put(slot, places, into: &out.bytes)
        if out.itemBytes >= SnapshotItems.itemBytesWanted {
          out.end()
          try out.flush(emit)
          out.begin(.holds)
        }
      }
      out.end()
    }
    try putRows(into: &out, emit)
    try put(routerKeys, .routerKeys, into: &out, emit)
    try put(clientKeys, .clientKeys, into: &out, emit)
    try put(parkedKeys, .parkedKeys, into: &out, emit)
    out.begin(.end)
    out.bytes.put(digest)
    out.end()
    try out.flush(emit, all: true)
  }

  private func putRooms(into out: inout SnapshotItems, _ emit: ([UInt8]) throws -> Void) rethrows {
    for (_, room) in rooms.sorted(by: { $0.key < $1.key }) {
      out.begin(.room)
      room.encode(into: &out.bytes)
      out.end()
      guard room.joined > 0 else { continue }
      out.begin(.places)
      for join in 0..<room.joined {
        room.encodePlace(join, into: &out.bytes)
        if out.itemBytes >= SnapshotItems.itemBytesWanted, join + 1 < room.joined {
          out.end()
          try out.flush(emit)
          out.begin(.places)
        }
      }
      out.end()
      try out.flush(emit)
    }
  }

  private func put(event slot: UInt32, into out: inout [UInt8]) {
    out.put(events[slot].createdAt)
    out.put(events[slot].deletedAt)
    out.put(events[slot].incarnation)
    out.put(events[slot].version)
    out.append(contentsOf: events[slot].layout.encoded.array)
    events[slot].encodeTerms(into: &out)
    events[slot].encodeBlocks(into: &out)
  }

  /// By number: where each order stands in its event's list; 0 in a deleted event, which has none.
  private var orderPlaces: [UInt32] {
    var places = [UInt32](repeating: 0, count: orders.slotCount)
    for slot in 0..<UInt32(events.count) {
      for place in 0..<events[slot].orders.count { places[Int(events[slot].orders[place])] = UInt32(place) }
    }
    return places
  }

  /// Layout behind the status: `sequence: u64`, `secret: u64`, `event: u32`, `deadline: i64`; unless released, then the
  /// buyer (`u8` length), `seats: u32`, `areas: u32`, the seats (`u32` each), the areas (`u16`, `u32` each); of a hold
  /// `slack: u32`, of an order `number: u32`, `place: u32` in its event's list, `status: u8`, `secret: u64`,
  /// `createdAt: i64`, `expiresAt: i64`, `confirmedAt: i64`, `endedAt: i64`, the reference (`u8` length).
  private func put(_ slot: UInt32, _ places: [UInt32], into out: inout [UInt8]) {
    let record = holds[slot]
    out.append(record.status.rawValue)
    if record.status == .free {
      out.put(record.detail)
      return
    }
    out.put(record.sequence)
    out.put(record.secret)
    out.put(record.event)
    out.put(record.deadline)
    if record.status == .released { return }
    out.putShort(cells.unpack(record.buyer))
    let (seats, areas) = seatsAndAreas(record)
    out.put(UInt32(seats.count))
    out.put(UInt32(areas.count))
    for seat in seats { out.put(seat.rawValue) }
    for area in areas {
      out.put(area.area.rawValue)
      out.put(area.count)
    }
    if record.status.isOrder {
      let order = orders[record.slack]
      out.put(record.slack)
      out.put(places[Int(record.slack)])
      out.append(order.status.rawValue)
      out.put(order.secret)
      out.put(order.createdAt)
      out.put(order.expiresAt)
      out.put(order.confirmedAt)
      out.put(order.endedAt)
      out.putShort(cells.unpack(order.reference))
    } else {
      out.put(record.slack)
    }
  }

  private func putRows(into out: inout SnapshotItems, _ emit: ([UInt8]) throws -> Void) rethrows {
    guard ring.count > 0 else { return }
    out.begin(.routerRows)
    for router in ring.routers.sorted(by: { $0.id < $1.id }) {
      for chunk in router.chunks {
        for row in chunk.rows.indices {
          put(chunk.entry(row, router: router.id), into: &out.bytes)
          if out.itemBytes >= SnapshotItems.itemBytesWanted {
            out.end()
            try out.flush(emit)
            out.begin(.routerRows)
          }
        }
      }
    }
    out.end()
  }

  private func put(
    _ table: KeyTable, _ kind: SnapshotItem, into out: inout SnapshotItems, _ emit: ([UInt8]) throws -> Void
  ) rethrows {
    guard table.count > 0 else { return }
    out.begin(kind)
    var position = table.log.head
    while position < table.log.tail {
      let length = table.length(at: position, table.entry(at: position))
      out.bytes.put(UInt32(length))
      for word in position..<(position + length) { out.bytes.put(table.log[word]) }
      position += length
      if out.itemBytes >= SnapshotItems.itemBytesWanted {
        out.end()
        try out.flush(emit)
        out.begin(kind)
      }
    }
    out.end()
  }
}

/// Collects items and cuts them into chunks.
struct SnapshotItems {
  static let chunkBytes = 64 << 10
  static let itemBytesWanted = 32 << 10
  var bytes: [UInt8] = []
  private var itemStart = 0

  init() { bytes.reserveCapacity(2 * Self.chunkBytes) }

  var itemBytes: Int { bytes.count - itemStart }

  mutating func begin(_ kind: SnapshotItem) {
    bytes.append(kind.rawValue)
    bytes.put(UInt32(0))
    itemStart = bytes.count
  }

  mutating func end() { bytes.patch(UInt32(bytes.count - itemStart), at: itemStart - 4) }

  /// Hands over all full chunks; with `all`, the rest, too.
  mutating func flush(_ emit: ([UInt8]) throws -> Void, all: Bool = false) rethrows {
    var start = 0
    while bytes.count - start >= Self.chunkBytes {
      try emit(Array(bytes[start..<(start + Self.chunkBytes)]))
      start += Self.chunkBytes
    }
    if all, start < bytes.count {
      try emit(Array(bytes[start...]))
      start = bytes.count
    }
    bytes.removeFirst(start)
  }
}
