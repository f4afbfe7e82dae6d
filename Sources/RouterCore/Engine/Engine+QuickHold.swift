package import Octets
import Plan
package import Proto

/// Who asked for a quick hold, and is told the result once, on the engine's loop.
package protocol QuickHoldOwner: AnyObject {
  func ended(_ hold: borrowing QuickHold, held: Outcome.Held)
  func ended(_ hold: borrowing QuickHold, refused: CallRefusal)
  /// Nothing happened: the event's definition is of another life of it, and is forgotten now. Not the end yet.
  func isStale(_ hold: borrowing QuickHold)
}

/// A hold of one seat, or of places in one area, of an event whose definition is known, while its shard decides: the
/// hot path.
///
/// No `Call` and no copies of the words: the command record is written straight into its shard's frame, what is kept
/// here has a fixed size, and the answer goes straight into the client's output.
package struct QuickHold {
  var owner: any QuickHoldOwner
  /// The owner's own number for it.
  package var number: UInt64
  package var event: EventEntry
  package var choice: SmallChoice
  /// Bytes of the caller's spelling of the seat if that was `#n`, leading zeros included; 0: it was the label.
  var numberSignBytes: UInt8
  package var startedAt: UInt64
  /// The outcome is what the client's key got before.
  package var isReplayed = false

  @inline(__always)
  package init(_ plain: consuming PlainHold, owner: any QuickHoldOwner, number: UInt64, startedAt: UInt64) {
    self.owner = owner
    self.number = number
    self.startedAt = startedAt
    choice = plain.choice
    numberSignBytes = plain.numberSignBytes
    event = plain.event
  }
}

/// A request that can be a quick hold, found by `Engine.plainHold`.
package struct PlainHold {
  package let event: EventEntry
  package let choice: SmallChoice
  let numberSignBytes: UInt8
}

/// Which requests these are: every door asks here, and none decides it by itself.
extension Engine {
  /// One seat of an event whose definition is known; nil: the general way finds out what it is, or what is wrong with
  /// it.
  @inline(__always)
  package func plainHold(of event: RawSpan, buyer: RawSpan, seat label: RawSpan) -> PlainHold? {
    guard Names.isName(buyer), label.byteCount <= 255, let event = findEvent(event), let seat = event.seat(label) else {
      return nil
    }
    return PlainHold(
      event: event, choice: .seat(seat), numberSignBytes: label.beginsWithNumberSign ? UInt8(label.byteCount) : 0)
  }

  /// As above, of places in one area.
  @inline(__always)
  package func plainHold(of event: RawSpan, buyer: RawSpan, area: RawSpan, count: UInt32) -> PlainHold? {
    guard Names.isName(buyer), count > 0, let event = findEvent(event), let area = event.area(area) else { return nil }
    return PlainHold(event: event, choice: .area(AreaCount(area: area, count: count)), numberSignBytes: 0)
  }
}

/// The quick holds under way, by the number that their handles carry.
struct QuickHolds {
  private var holds: [QuickHold?] = []
  private var free: [UInt32] = []

  /// What tells their handles from those of `Engine.makeHandle`.
  private static var mark: UInt64 { 1 << 63 }
  static func isOne(_ handle: RequestHandle) -> Bool { handle.rawValue & mark != 0 }

  mutating func insert(_ hold: consuming QuickHold) -> RequestHandle {
    if let place = free.popLast() {
      holds[Int(place)] = hold
      return RequestHandle(Self.mark | UInt64(place))
    }
    holds.append(hold)
    return RequestHandle(Self.mark | UInt64(holds.count - 1))
  }

  mutating func remove(_ handle: RequestHandle) -> QuickHold {
    let place = Int(truncatingIfNeeded: handle.rawValue & ~Self.mark)
    var taken: QuickHold?
    swap(&taken, &holds[place])
    guard let taken else { preconditionFailure("the forwarder completes a handle once") }
    free.append(UInt32(truncatingIfNeeded: place))
    return taken
  }
}

extension Engine {
  /// - Parameter key: the client's; empty: none.
  package func start(_ hold: consuming QuickHold, buyer: RawSpan, ttl: UInt32, key: RawSpan) {
    askForTurnEnd()
    let shard = hold.event.shard
    let record = SmallHold(event: hold.event.ref, ttl: ttl, secret: random.next(), choice: hold.choice)
    let handle = quickHolds.insert(hold)
    let isTaken: Bool
    if key.byteCount == 0 {
      let routerKey = forwarder.makeKey()
      isTaken = forwarder.submit(.command, to: shard, handle: handle, now: now) {
        record.encode(buyer: buyer, routerKey: routerKey, into: &$0)
      }
    } else {
      isTaken = forwarder.submit(.command, to: shard, handle: handle, now: now) {
        record.encode(buyer: buyer, key: key, into: &$0)
      }
    }
    if !isTaken {
      let hold = quickHolds.remove(handle)
      hold.owner.ended(hold, refused: .unavailable)
    }
  }

  /// Tells the doors of the holds that were granted.
  func completeHeld() {
    var batch: [HeldCompletion] = []
    swap(&batch, &heldDone)
    forwarder.takeHeld(into: &batch)
    for completion in batch {
      if QuickHolds.isOne(completion.handle) {
        let hold = quickHolds.remove(completion.handle)
        hold.owner.ended(hold, held: completion.held)
      } else {
        complete(Completion(handle: completion.handle, result: .outcome(.held(completion.held))))
      }
    }
    batch.removeAll(keepingCapacity: true)
    swap(&batch, &heldDone)
  }

  /// Tells the door of one that was not, or that was granted before.
  func end(_ ended: consuming QuickHold, _ completion: Completion) {
    var hold = ended
    hold.isReplayed = completion.isRepeat
    switch completion.result {
    case .outcome(.refused(.staleEvent)):
      forget(hold.event)
      hold.owner.isStale(hold)
    case .outcome(.held(let held)): hold.owner.ended(hold, held: held)
    case .outcome, .answer, .unavailable, .unknown, .diskFull, .overloaded, .malformed:
      hold.owner.ended(hold, refused: refusal(of: hold, completion.result))
    }
  }

  private func refusal(of hold: borrowing QuickHold, _ result: Completion.Result) -> CallRefusal {
    guard case .outcome(.refused(let refusal)) = result else { return self.refusal(of: result) }
    if case .seatsTaken(let lost) = refusal {
      return .seatsTaken(hold.spelledSeats.map { TakenSeat($0, lost.first?.state) })
    }
    return Translation.refusal(refusal, event: hold.event)
  }
}

extension QuickHold {
  /// The seat as the caller spelled it; none of an area.
  package var spelledSeats: [Bytes] {
    guard case .seat(let seat) = choice else { return [] }
    guard numberSignBytes > 0 else { return [event.index.label(seat)] }
    var text = [UInt8](repeating: UInt8(ascii: "0"), count: Int(numberSignBytes))
    text[0] = UInt8(ascii: "#")
    var rest = seat.rawValue
    var place = text.count
    while rest > 0, place > 1 {
      place -= 1
      text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    return [Bytes(text)]
  }
}

extension RawSpan {
  package var beginsWithNumberSign: Bool {
    guard byteCount > 0 else { return false }
    // Safe: there is a first byte.
    return unsafe unsafeLoad(fromUncheckedByteOffset: 0, as: UInt8.self) == UInt8(ascii: "#")
  }
}
