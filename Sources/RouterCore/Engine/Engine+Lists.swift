import Proto

/// Lists of an event's orders and holds: asked for slice after slice, so that none of them keeps a node's loop.
extension Engine {
  /// Slices of one call; then it ends with what was found, and its caller goes on from there.
  private static var slicesMax: Int { 64 }
  /// Entries of one slice, and bytes of a page's body, roughly, after which it ends: writing it takes a turn of the
  /// loop, and holds wait meanwhile.
  private static var sliceEntriesMax: Int { 128 }
  private static var pageBytesMax: Int { 96 << 10 }

  private static func bodyBytes(_ hold: HoldInfo) -> Int { 420 + 14 * hold.seats.count + 24 * hold.areas.count }

  func askForSlice(_ call: Call, _ event: EventEntry, after: UInt32) {
    call.sliceCount += 1
    switch call.operation {
    case .orders(let id, let filter, _, let limit):
      let left = min(limit - call.orders.count, Self.sliceEntriesMax)
      ask(
        .orders(id: id, filter, after: after, limit: UInt16(clamping: left)), of: event.shard, call,
        expectedBytes: Query.listBytes(limit: left))
    case .holds(let id, let buyer, _, let limit):
      let left = min(limit - call.holds.count, Self.sliceEntriesMax)
      ask(
        .holds(id: id, buyer: buyer, after: after, limit: UInt16(clamping: left)), of: event.shard, call,
        expectedBytes: Query.listBytes(limit: left))
    case .createEvent, .setEvent, .blockSeats, .deleteEvent, .reserve, .onHold, .onOrder, .hold, .order, .event, .plan,
      .seats, .copy,
      .availability, .seat, .events, .onQueue, .queue, .place, .leavePlace:
      preconditionFailure("these are no lists of an event")
    }
  }

  func tookSlice(_ call: Call, orders: [OrderInfo], next: UInt32?) {
    guard case .orders(_, _, _, let limit) = call.operation, let event = call.event else { return end(call, broken) }
    guard orders.allSatisfy({ $0.hold.event == event.ref }) else { return stale(call) }
    guard orders.allSatisfy({ event.fits($0.hold) }) else { return end(call, broken) }
    call.orders += orders
    call.listedBytes += orders.reduce(0) { $0 + Self.bodyBytes($1.hold) }
    if let next, call.orders.count < limit, mayGoOn(call) {
      askForSlice(call, event, after: next)
    } else {
      end(call, .orders(event, call.orders, next: next))
    }
  }

  func tookSlice(_ call: Call, holds: [HoldInfo], next: UInt32?) {
    guard case .holds(_, _, _, let limit) = call.operation, let event = call.event else { return end(call, broken) }
    guard holds.allSatisfy({ $0.event == event.ref }) else { return stale(call) }
    guard holds.allSatisfy({ event.fits($0) }) else { return end(call, broken) }
    call.holds += holds
    call.listedBytes += holds.reduce(0) { $0 + Self.bodyBytes($1) }
    if let next, call.holds.count < limit, mayGoOn(call) {
      askForSlice(call, event, after: next)
    } else {
      end(call, .holds(event, call.holds, next: next))
    }
  }

  private func mayGoOn(_ call: Call) -> Bool {
    call.sliceCount < Self.slicesMax && call.listedBytes < Self.pageBytesMax
  }
}
