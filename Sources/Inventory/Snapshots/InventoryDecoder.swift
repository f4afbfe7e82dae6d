public import Octets
public import Proto
import Time

extension Inventory {
  /// Reads a snapshot, chunk by chunk; where the chunks are cut does not matter. Whatever the bytes are, it never
  /// traps.
  public struct Decoder: Sendable {
    private var inventory: Inventory
    /// Bytes of items that are not complete yet.
    private var pending: [UInt8] = []
    /// The waiting room whose places are being read, how many must come, and the slot of the last room.
    private var room: Room?
    private var placesWanted: UInt32 = 0
    private var lastRoom: UInt32?
    private var last: SnapshotItem?
    private var slotCount = 0
    private var freeHead = HoldSlab.none
    private var freeCount = 0
    private var eventCount = 0
    /// Orders as they come, by slot; their numbers are checked and given once all are there.
    private var orders: [SnapshotOrder] = []
    private var orderCount = 0
    private var expectedDigest: UInt64?

    private static let itemBytesMax = EventDefinition.Limit.encodedBytes + 1 << 20

    /// - Parameter keyLimits: those of an inventory that begins empty; a snapshot brings its own.
    public init(shard: ShardID, keyLimits: KeyLimits = KeyLimits(), tableSalt: UInt64 = 0) {
      inventory = Inventory(shard: shard, keyLimits: keyLimits, tableSalt: tableSalt)
    }

    public mutating func feed(_ chunk: RawSpan) throws(DecodeError) {
      pending.put(chunk)
      // Out of self while it is read: items change everything else.
      let bytes = pending
      var start = 0
      while bytes.count - start >= 5 {
        var header = ByteReader(bytes.rawSpan.extracting(start..<(start + 5)))
        guard let kind = SnapshotItem(rawValue: try header.u8()) else { throw .invalid(field: "snapshot item") }
        let count = try header.count(limit: Self.itemBytesMax, field: "snapshot item")
        guard bytes.count - start - 5 >= count else { break }
        var reader = ByteReader(bytes.rawSpan.extracting((start + 5)..<(start + 5 + count)))
        try take(kind, &reader)
        try reader.finish()
        start += 5 + count
      }
      pending = start == 0 ? bytes : Array(bytes[start...])
    }

    /// The inventory, once all chunks were fed and its digest is what the writer's was.
    public consuming func finish() throws(DecodeError) -> Inventory {
      guard pending.isEmpty, let expectedDigest else { throw .truncated(bytesNeeded: 1, bytesAvailable: 0) }
      guard inventory.digest == expectedDigest else { throw .corrupt(field: "snapshot digest") }
      return inventory
    }

    /// As `finish`, for tests of what the decoder lets through by itself: without a look at the digest.
    package consuming func finishUnverified() throws(DecodeError) -> Inventory {
      guard pending.isEmpty, expectedDigest != nil else { throw .truncated(bytesNeeded: 1, bytesAvailable: 0) }
      return inventory
    }

    private mutating func take(_ kind: SnapshotItem, _ reader: inout ByteReader) throws(DecodeError) {
      guard (last == nil) == (kind == .header), last != .end, kind.rank >= last?.rank ?? 0 else {
        throw .invalid(field: "snapshot order")
      }
      // What came before must be complete.
      if kind.rank > SnapshotItem.event.rank, inventory.events.count != eventCount {
        throw .invalid(field: "snapshot events")
      }
      if kind == .room || kind.rank > SnapshotItem.room.rank { try finishRoom() }
      if kind.rank > SnapshotItem.holds.rank, inventory.holds.count != slotCount {
        throw .invalid(field: "snapshot holds")
      }
      last = kind
      switch kind {
      case .header: try takeHeader(&reader)
      case .event: try takeEvent(&reader)
      case .room: try takeRoom(&reader)
      case .places:
        while reader.bytesLeft > 0 {
          guard room != nil else { throw .invalid(field: "snapshot place") }
          try room?.takePlace(&reader, now: inventory.now)
        }
      case .holds: while reader.bytesLeft > 0 { try takeSlot(&reader) }
      case .routerRows: while reader.bytesLeft > 0 { try inventory.takeRow(&reader) }
      case .routerKeys:
        while reader.bytesLeft > 0 {
          let position = inventory.routerKeys.log.tail
          inventory.digest &+= try inventory.routerKeys.take(&reader, eventCount: eventCount, now: inventory.now)
          inventory.seeRouterKey(at: position)
        }
      case .clientKeys:
        while reader.bytesLeft > 0 {
          inventory.digest &+= try inventory.clientKeys.take(&reader, eventCount: eventCount, now: inventory.now)
        }
      case .parkedKeys:
        while reader.bytesLeft > 0 {
          inventory.digest &+= try inventory.parkedKeys.take(&reader, eventCount: eventCount, now: inventory.now)
        }
      case .end:
        try checkRooms()
        try checkFreeList()
        try takeOrders()
        expectedDigest = try reader.u64()
      }
    }

    private mutating func takeHeader(_ reader: inout ByteReader) throws(DecodeError) {
      let version = try reader.u8()
      guard version == Format.version else { throw .otherVersion(found: version) }
      guard try reader.u16() == inventory.shard.rawValue else { throw .invalid(field: "snapshot shard") }
      let stamp = try reader.stamp()
      guard (.zero...Inventory.stampMax).contains(stamp) else { throw .invalid(field: "snapshot stamp") }
      let nextSequence = try reader.u64()
      guard nextSequence <= HoldID.sequenceMax else { throw .invalid(field: "snapshot sequence") }
      slotCount = try reader.count(limit: HoldSlab.countMax, field: "snapshot slots")
      freeHead = try reader.u32()
      eventCount = try reader.count(limit: EventTable.countMax, field: "snapshot events")
      let clientBytes = try reader.u64()
      let clientWindow = try reader.i64()
      let routerWindow = try reader.i64()
      guard clientBytes <= 1 << 40, (0...Inventory.stampMax.rawValue).contains(clientWindow),
        (0...Inventory.stampMax.rawValue).contains(routerWindow)
      else { throw .invalid(field: "snapshot key limits") }
      inventory = Inventory(
        shard: inventory.shard,
        keyLimits: KeyLimits(
          clientBytes: Int(clientBytes), clientWindow: Milliseconds(clientWindow),
          routerWindow: Milliseconds(routerWindow)),
        tableSalt: inventory.tableSalt)
      orderCount = try reader.count(limit: HoldSlab.countMax, field: "snapshot orders")
      var sweep = Sweep()
      sweep.cursor = try reader.u32()
      for isPresent in [true, false] {
        for _ in 0..<(try reader.count(limit: eventCount, field: "snapshot sweep")) {
          if isPresent { sweep.present.append(try reader.u32()) } else { sweep.waiting.append(try reader.u32()) }
        }
      }
      inventory.sweep = sweep
      inventory.orders = OrderTable(restoring: orderCount)
      inventory.now = stamp
      inventory.loggedStamp = stamp
      inventory.nextSequence = nextSequence
      inventory.digest = sequenceTerm &* nextSequence
      inventory.holds.freeHead = freeHead
    }

    private mutating func takeEvent(_ reader: inout ByteReader) throws(DecodeError) {
      guard inventory.events.count < eventCount else { throw .invalid(field: "snapshot events") }
      guard let life = EventState.Life(rawValue: try reader.u8()) else { throw .invalid(field: "snapshot event") }
      if life == .free { return inventory.events.restore(.cleared(UInt32(inventory.events.count))) }
      let createdAt = try reader.stamp()
      let deletedAt = try reader.stamp()
      let incarnation = try reader.u64()
      let version = try reader.u64()
      let outline = try DefinitionOutline(decoding: &reader)
      let id = outline.definition.id
      guard !id.isEmpty, life == .deleted || inventory.events.slot(of: id) == nil, version < 1 << 47,
        createdAt <= inventory.now, life == .deleted || deletedAt == .zero
      else { throw .invalid(field: "snapshot event") }
      let slot = UInt32(inventory.events.count)
      inventory.restore(
        EventState(EventLayout(outline), slot: slot, incarnation: incarnation), life, createdAt, deletedAt)
      inventory.events[slot].set(version: version, &inventory.digest)
      try inventory.events[slot].takeTerms(&reader, nextSequence: inventory.nextSequence, &inventory.digest)
      try inventory.events[slot].takeBlocks(&reader, &inventory.digest)
    }

    private mutating func takeRoom(_ reader: inout ByteReader) throws(DecodeError) {
      let slot = try reader.u32()
      guard Int(slot) < eventCount, slot > lastRoom ?? 0 || lastRoom == nil, inventory.events[slot].life == .living,
        inventory.events[slot].layout.needsPass
      else { throw .invalid(field: "snapshot room") }
      lastRoom = slot
      room = try Room(
        decoding: &reader, slot: slot, incarnation: inventory.events[slot].incarnation, salt: inventory.tableSalt,
        joined: &placesWanted)
    }

    /// All places of the room that was begun are there.
    private mutating func finishRoom() throws(DecodeError) {
      guard let done = room else { return }
      guard done.joined == placesWanted else { throw .invalid(field: "snapshot places") }
      inventory.rooms[done.slot] = done
      inventory.digest &+= done.digestTerm
      room = nil
    }

    /// Every event that has a waiting room has it in the snapshot.
    private func checkRooms() throws(DecodeError) {
      for slot in 0..<UInt32(inventory.events.count) {
        let event = inventory.events[slot]
        guard (event.life == .living && event.layout.needsPass) == (inventory.rooms[slot] != nil) else {
          throw .invalid(field: "snapshot rooms")
        }
      }
    }

    private mutating func takeSlot(_ reader: inout ByteReader) throws(DecodeError) {
      guard inventory.holds.count < slotCount else { throw .invalid(field: "snapshot slots") }
      guard let status = HoldStatus(rawValue: try reader.u8()) else { throw .invalid(field: "snapshot status") }
      guard status == .free else {
        if let order = try inventory.takeHold(status, &reader) { orders.append(order) }
        return
      }
      let next = try reader.u32()
      guard next == HoldSlab.none || Int(next) < slotCount else { throw .invalid(field: "snapshot free list") }
      let slot = inventory.holds.grow()
      var record = HoldRecord()
      record.detail = next
      inventory.holds[slot] = record
      inventory.digest &+= term(.free, UInt64(slot), UInt64(next))
      freeCount += 1
    }

    /// Numbers must be those from 0 on, each once.
    private mutating func takeOrders() throws(DecodeError) {
      var isUsed = [Bool](repeating: false, count: orderCount)
      // In the order of their places, so that each event's list grows one by one.
      orders.sort { ($0.place, $0.number) < ($1.place, $1.number) }
      for found in orders {
        guard Int(found.number) < orderCount, !isUsed[Int(found.number)] else {
          throw .invalid(field: "snapshot order number")
        }
        isUsed[Int(found.number)] = true
        inventory.orders.restore(found.order, as: found.number)
        let record = inventory.holds[found.order.slot]
        inventory.digest &+= inventory.stateTerm(found.order.slot, record)
        guard inventory.events[record.event].life == .living else { continue }
        guard Int(found.place) == inventory.events[record.event].orders.count else {
          throw .invalid(field: "snapshot order place")
        }
        inventory.events[record.event].orders.append(found.number)
      }
      inventory.orders.findFree { isUsed[Int($0)] }
      orders = []
      try checkSweep()
    }

    /// It must name every deleted event, once.
    private func checkSweep() throws(DecodeError) {
      let named = inventory.sweep.present + inventory.sweep.waiting
      var deleted = Set(
        (0..<UInt32(inventory.events.count)).filter { inventory.events[$0].life == .deleted })
      for slot in named {
        guard deleted.remove(slot) != nil else { throw .invalid(field: "snapshot sweep") }
      }
      guard deleted.isEmpty, inventory.sweep.present == inventory.sweep.present.sorted() else {
        throw .invalid(field: "snapshot sweep")
      }
    }

    /// The list must hold every free slot, once.
    private func checkFreeList() throws(DecodeError) {
      var slot = freeHead
      var count = 0
      while slot != HoldSlab.none {
        guard Int(slot) < inventory.holds.count, count < freeCount, inventory.holds[slot].status == .free else {
          throw .invalid(field: "snapshot free list")
        }
        slot = inventory.holds[slot].detail
        count += 1
      }
      guard count == freeCount else { throw .invalid(field: "snapshot free list") }
    }
  }
}

/// An order as a snapshot says it.
private struct SnapshotOrder: Sendable {
  var number: UInt32
  /// In its event's list.
  var place: UInt32
  var order: OrderRecord
}

extension Inventory {
  /// Adds a slot for an event that a snapshot says.
  fileprivate mutating func restore(
    _ event: EventState, _ life: EventState.Life, _ createdAt: Stamp, _ deletedAt: Stamp
  ) {
    var event = event
    event.createdAt = createdAt
    event.creation = event.creationTerm
    if life == .deleted { event.delete(at: deletedAt) }
    digest &+= event.creation &+ event.deletionTerm
    events.restore(event)
  }

  /// Takes a hold or order that a snapshot says, with its seats, if nothing contradicts it. An order's own record is
  /// returned, and its terms of the digest are left out.
  fileprivate mutating func takeHold(
    _ status: HoldStatus, _ reader: inout ByteReader
  ) throws(DecodeError) -> SnapshotOrder? {
    var order: OrderRecord?
    var orderPlace: UInt32 = 0
    var record = HoldRecord()
    record.status = status
    record.sequence = try reader.u64()
    record.secret = try reader.u64()
    record.event = try reader.u32()
    record.deadline = try reader.stamp()
    guard record.sequence < nextSequence, Int(record.event) < events.count, events[record.event].life != .free,
      (.zero..<Stamp(1 << 44)).contains(record.deadline)
    else { throw .invalid(field: "snapshot hold") }
    let slot = holds.grow()
    if status == .released {
      record.detailIsSeat = true
      releasedCount += 1
    } else {
      try takeContent(&record, slot, &reader)
      if status.isOrder {
        record.slack = try reader.u32()
        guard record.slack <= HoldRecord.low28 else { throw .invalid(field: "snapshot order number") }
        orderPlace = try reader.u32()
        if status != .closed { events[record.event].orderCount += 1 }
        order = try takeOrder(of: slot, status, &reader)
      } else {
        record.slack = try reader.u32()
        guard record.slack <= HoldRecord.low28 else { throw .invalid(field: "snapshot hold") }
        heldCount += 1
        events[record.event].holdCount += 1
      }
      digest &+= contentTerm(slot, record)
    }
    if status.hasDeadline { holds.insert(record, at: slot) } else { holds[slot] = record }
    if let order { return SnapshotOrder(number: record.slack, place: orderPlace, order: order) }
    digest &+= stateTerm(slot, record)
    return nil
  }

  private mutating func takeOrder(
    of slot: UInt32, _ holdStatus: HoldStatus, _ reader: inout ByteReader
  ) throws(DecodeError) -> OrderRecord {
    guard let status = OrderStatus(rawValue: try reader.u8()), HoldStatus(status) == holdStatus else {
      throw .invalid(field: "snapshot order status")
    }
    var order = OrderRecord(
      secret: try reader.u64(), slot: slot, status: status, createdAt: try reader.stamp(), expiresAt: try reader.stamp()
    )
    order.confirmedAt = try reader.stamp()
    order.endedAt = try reader.stamp()
    for stamp in [order.createdAt, order.expiresAt, order.confirmedAt, order.endedAt] {
      guard (.zero..<Stamp(1 << 44)).contains(stamp) else { throw .invalid(field: "snapshot order") }
    }
    let reference = try reader.bytes(Int(try reader.u8()))
    guard reference.byteCount <= OrderInfo.referenceBytesMax else { throw .invalid(field: "snapshot reference") }
    order.reference = cells.pack(reference)
    return order
  }

  /// Buyer, seats and areas; what lives takes them.
  private mutating func takeContent(
    _ record: inout HoldRecord, _ slot: UInt32, _ reader: inout ByteReader
  ) throws(DecodeError) {
    let buyer = try reader.bytes(Int(try reader.u8()))
    guard (1...128).contains(buyer.byteCount) else { throw .invalid(field: "snapshot buyer") }
    let seatCount = try reader.count(limit: HoldView.seatsMax, field: "snapshot seats")
    let areaCount = try reader.count(limit: HoldView.areasMax, field: "snapshot areas")
    guard seatCount + areaCount > 0, cells.hasRoom(words: 70_000) else { throw .invalid(field: "snapshot hold") }
    record.buyer = cells.pack(buyer)
    let event = record.event
    let layout = events[event].layout
    var chain: CellStore.Chain?
    if seatCount != 1 || areaCount != 0 {
      chain = cells.begin(header: Contents.header(seats: seatCount, areas: areaCount))
      record.detail = chain!.first
    } else {
      record.detailIsSeat = true
    }
    var count = UInt64(seatCount)
    for _ in 0..<seatCount {
      let seat = try reader.u32()
      guard Int(seat) < layout.seatCount else { throw .invalid(field: "snapshot seat") }
      if chain != nil { cells.put(seat, to: &chain!) } else { record.detail = seat }
      guard record.status.lives else { continue }
      guard events[event].putBack(seat, for: slot, &digest) else { throw .invalid(field: "snapshot seat") }
      if record.status == .sold { events[event].sell(seat, of: slot, &digest) }
    }
    var price: Int64 = 0
    for _ in 0..<areaCount {
      let area = AreaCount(area: AreaIndex(try reader.u16()), count: try reader.u32())
      let index = Int(area.area.rawValue)
      guard index < events[event].areas.count else { throw .invalid(field: "snapshot area") }
      let (product, isTooLarge) = layout.areaPrices[index].multipliedReportingOverflow(by: Int64(area.count))
      let (sum, isTooMuch) = price.addingReportingOverflow(product)
      guard !isTooLarge, !isTooMuch, sum < 1 << 62 else { throw .invalid(field: "snapshot area") }
      price = sum
      cells.put(UInt32(area.area.rawValue), to: &chain!)
      cells.put(area.count, to: &chain!)
      count += UInt64(area.count)
      guard record.status.lives else { continue }
      guard events[event].putBack(area, isSold: record.status == .sold, &digest) else {
        throw .invalid(field: "snapshot area")
      }
    }
    guard count <= UInt64(UInt32.max) else { throw .invalid(field: "snapshot hold") }
    if record.status.lives, events[event].countsBuyers {
      // A limit that was lowered later does not take away what a buyer has.
      guard buyers.count(event, buyer, cells) + count <= UInt64(UInt32.max) else {
        throw .invalid(field: "snapshot buyer")
      }
      buyers.add(UInt32(count), event, buyer, &cells)
    }
  }
}

extension KeyTable {
  /// Takes an entry if its words are one, and returns its term of the digest.
  fileprivate mutating func take(
    _ reader: inout ByteReader, eventCount: Int, now: Stamp
  ) throws(DecodeError) -> UInt64 {
    let count = try reader.count(limit: 1 << 20, field: "snapshot key")
    guard count >= 4, reader.bytesLeft >= count * 8 else { throw .invalid(field: "snapshot key") }
    var words: [UInt64] = []
    words.reserveCapacity(count)
    for _ in 0..<count { words.append(try reader.u64()) }
    let entry = KeyEntry(words[0], words[1], words[2], words[3])
    let canonical = entry.words
    let outcomeAt = Int(KeyEntry.fixedWords + entry.keyWords)
    guard (words[0], words[1], words[2], words[3]) == canonical, entry.keyBytes > 0,
      Int(entry.event) < eventCount || entry.event == KeyEntry.noEvent, entry.stamp <= now, count > outcomeAt
    else { throw .invalid(field: "snapshot key") }
    switch entry.form {
    case .held: guard count == outcomeAt + 3, entry.subject != nil else { throw .invalid(field: "snapshot key") }
    case .encoded:
      let byteCount = words[outcomeAt]
      guard byteCount <= 8 << 20, count == outcomeAt + 1 + (Int(byteCount) + 7) / 8 else {
        throw .invalid(field: "snapshot key")
      }
      var bytes: [UInt8] = []
      for word in words[(outcomeAt + 1)...] { bytes.put(word) }
      var outcome = ByteReader(bytes.rawSpan.extracting(0..<Int(byteCount)))
      _ = try Outcome(decoding: &outcome)
      try outcome.finish()
    }
    let position = log.tail
    for word in words { append(word) }
    return end(position)
  }
}
