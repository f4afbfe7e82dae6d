import Digests
import Octets
public import Proto
public import Time

/// Whom the waiting rooms of a shard call next, as its primary decides: what it has heard of buyers lately, and how
/// many calls each rate allows. Not replicated: what it decides becomes records, and who becomes primary begins anew
/// with everybody taken for present.
public struct QueueDesk: Sendable {
  /// What the primary knows of one room.
  fileprivate struct Attention: Sendable {
    let incarnation: UInt64
    let round: UInt16
    /// From here on signs of life are heard.
    let since: MonotonicTime
    /// Until when `credit` is counted.
    var countedAt: MonotonicTime
    /// In calls a minute times milliseconds: a call costs 60,000.
    var credit: Int64 = 0
    /// Of the room's calls that came to nothing, those that are counted back.
    var unclaimed: UInt32
    /// By join: seconds from `since` to the last sign of life.
    var seen = PagedArray<UInt32>()
    /// Places that were passed over and whose buyers are back, by position.
    var back = MinHeap<UInt64>()
    var isBack: Set<UInt32> = []
  }

  private var attention: [UInt32: Attention] = [:]

  static let callCost: Int64 = 60_000
  /// Positions that are looked at for one record.
  static let looksMax = 4_096

  public init() {}

  /// Forgets everything: another replica decides.
  public mutating func clear() { attention = [:] }

  /// The buyer of a place that exists has shown a sign of life.
  public mutating func saw(_ place: PlaceID, in inventory: Inventory, at now: MonotonicTime) {
    guard let room = inventory.rooms[place.slot], room.round == place.round, place.join < room.joined else { return }
    attend(room, at: now)
    attention[place.slot]?.saw(place.join, at: now)
    guard room.state(place.join) == .passedOver, attention[place.slot]?.isBack.insert(place.join).inserted == true,
      let order = inventory.events[place.slot].layout.definition.waitingRoom?.order,
      let position = room.position(place.join, order)
    else { return }
    attention[place.slot]?.back.insert(UInt64(position) << 32 | UInt64(place.join))
  }

  private mutating func attend(_ room: Room, at now: MonotonicTime) {
    if let known = attention[room.slot], known.incarnation == room.incarnation, known.round == room.round { return }
    attention[room.slot] = Attention(
      incarnation: room.incarnation, round: room.round, since: now, countedAt: now, unclaimed: room.unclaimed)
  }

  /// What is to be logged now, for all rooms: at least every 25 ms.
  ///
  /// - Parameter secret: random bytes of this process, from which the rooms' keys follow.
  public mutating func decide(
    _ inventory: Inventory, at now: MonotonicTime, secret: (UInt64, UInt64, UInt64, UInt64)
  ) -> [Command] {
    if inventory.rooms.isEmpty {
      if !attention.isEmpty { attention = [:] }
      return []
    }
    var commands: [Command] = []
    for slot in inventory.rooms.keys.sorted() {
      guard let room = inventory.rooms[slot], let terms = inventory.events[slot].layout.definition.waitingRoom else {
        continue
      }
      let ref = inventory.events[slot].ref
      guard room.keys != nil else {
        if terms.opensAt ?? .distantPast <= inventory.now {
          commands.append(.onQueue(ref, Self.opening(room, inventory.shard, secret)))
        }
        continue
      }
      attend(room, at: now)
      guard var desk = attention.removeValue(forKey: slot) else { continue }
      let calls = desk.calls(room, terms, inventory, at: now)
      attention[slot] = desk
      if let calls { commands.append(.onQueue(ref, .call(calls))) }
    }
    for slot in attention.keys where inventory.rooms[slot] == nil { attention[slot] = nil }
    return commands
  }

  /// What the keys follow from: the process's secret, and what tells this room from all others.
  private struct KeyBlock: BitwiseCopyable {
    var secret: (UInt64, UInt64, UInt64, UInt64)
    var incarnation: UInt64
    var shard: UInt32
    var slot: UInt32
    var round: UInt32
    var which: UInt32
  }

  private static func opening(
    _ room: Room, _ shard: ShardID, _ secret: (UInt64, UInt64, UInt64, UInt64)
  ) -> QueueCommand {
    func key(_ which: UInt32) -> Bytes {
      let block = KeyBlock(
        secret: secret, incarnation: room.incarnation, shard: UInt32(shard.rawValue), slot: room.slot,
        round: UInt32(room.round), which: which)
      return Bytes(sha256(of: block).bytes)
    }
    return .open(secret: key(1), placeKey: key(2))
  }
}

extension QueueDesk.Attention {
  fileprivate mutating func saw(_ join: UInt32, at now: MonotonicTime) {
    while seen.count <= Int(join) { seen.append(0) }
    seen[Int(join)] = UInt32(clamping: (now - since).seconds)
  }

  /// Whether the buyer was there lately. Who was not seen since this replica decides is taken to have been there then.
  private func isThere(_ join: UInt32, _ leaveAfter: UInt32, at now: MonotonicTime) -> Bool {
    let at = Int(join) < seen.count ? Int64(seen[Int(join)]) : 0
    return (now - since).seconds - at <= Int64(leaveAfter)
  }

  /// Whom to call now, and whom to pass over; nil: nothing is to be said.
  fileprivate mutating func calls(
    _ room: Room, _ terms: WaitingRoom, _ inventory: Inventory, at now: MonotonicTime
  ) -> QueueCalls? {
    let startsAt = inventory.startsAt(room.slot) ?? .distantPast
    let isDue = room.firstDeadline.map { $0 <= inventory.now } ?? false
    // An empty call says that time has passed: the room starts, or somebody's time is over.
    let note = isDue || (room.draw == nil && startsAt <= inventory.now)
    let empty = note ? QueueCalls(nextPosition: room.nextPosition, called: [], passedOver: []) : nil
    count(room, terms, at: now)
    guard room.draw != nil, !room.isPaused, Self.isOnSale(room.slot, inventory) else { return empty }
    var free = Int64(terms.maxInside ?? .max) - Int64(room.count(.called)) - Int64(room.count(.inside))
    var calls = QueueCalls(nextPosition: room.nextPosition, called: [], passedOver: [])
    func mayCall(_ credit: Int64) -> Bool { credit >= QueueDesk.callCost && free > 0 }
    while mayCall(credit), let next = back.removeFirst() {
      let join = UInt32(truncatingIfNeeded: next)
      isBack.remove(join)
      guard room.state(join) == .passedOver, isThere(join, terms.leaveAfter, at: now) else { continue }
      calls.called.append(join)
      (credit, free) = (credit - QueueDesk.callCost, free - 1)
    }
    var looks = 0
    while mayCall(credit), calls.nextPosition < room.joined, looks < QueueDesk.looksMax {
      let join = room.join(at: calls.nextPosition)
      calls.nextPosition += 1
      looks += 1
      guard room.state(join) == .waiting else { continue }
      if isThere(join, terms.leaveAfter, at: now) {
        calls.called.append(join)
        (credit, free) = (credit - QueueDesk.callCost, free - 1)
      } else {
        calls.passedOver.append(join)
      }
    }
    return calls.nextPosition == room.nextPosition && calls.called.isEmpty ? empty : calls
  }

  /// Adds what the rate allows for the time that went by, and the calls that came to nothing. What is not used up is
  /// kept for a second: calls come smoothly, also after a pause.
  private mutating func count(_ room: Room, _ terms: WaitingRoom, at now: MonotonicTime) {
    let rate = Int64(terms.admitPerMinute)
    credit += rate * (now - countedAt).rawValue + Int64(room.unclaimed &- unclaimed) * QueueDesk.callCost
    (countedAt, unclaimed) = (now, room.unclaimed)
    credit = min(credit, max(QueueDesk.callCost, rate * 1_000))
  }

  /// There is something to be had: nobody is let in to find nothing.
  private static func isOnSale(_ slot: UInt32, _ inventory: Inventory) -> Bool {
    let event = inventory.events[slot]
    if event.layout.isPaused || event.layout.onSaleAt ?? .distantPast > inventory.now { return false }
    return event.total.free > 0
  }
}
