import Proto
import Time

/// Deleted events whose holds, orders and slots are being cleared away. Part of the replicated state: it moves on with
/// each tick of the log.
struct Sweep: Equatable, Sendable {
  /// Slots of events that this pass over the holds clears away, ascending; empty: no pass is under way.
  var present: [UInt32] = []
  /// Those that were deleted after it began.
  var waiting: [UInt32] = []
  /// The first slot of a hold that this pass has not looked at.
  var cursor: UInt32 = 0

  var isDue: Bool { !present.isEmpty || !waiting.isEmpty }

  /// Slots that one tick looks at, and those that it may clear away: some hundred microseconds.
  static let looksMax = 16_384
  static let clearsMax = 4_096
}

extension Inventory {
  /// Looks at some more holds. What belongs to a deleted event goes, and after a whole pass so do the events.
  mutating func sweepSlice() {
    if sweep.present.isEmpty {
      sweep.present = sweep.waiting.sorted()
      sweep.waiting = []
      sweep.cursor = 0
    }
    var (looks, clears) = (0, 0)
    while sweep.cursor < UInt32(holds.count), looks < Sweep.looksMax, clears < Sweep.clearsMax {
      let record = holds[sweep.cursor]
      looks += 1
      if record.status != .free, events[record.event].life == .deleted {
        clear(sweep.cursor, record)
        clears += 1
      }
      sweep.cursor += 1
    }
    guard sweep.cursor >= UInt32(holds.count) else { return }
    for event in sweep.present {
      // A key of the deleted event must be older than any event that gets its slot.
      if now > events[event].deletedAt { clearEvent(event) } else { sweep.waiting.append(event) }
    }
    sweep.present = []
  }

  /// Takes away a hold or order of a deleted event: nobody is told, because nobody can find it.
  mutating func clear(_ slot: UInt32, _ record: HoldRecord) {
    digest &-= stateTerm(slot, record)
    if record.status == .released {
      releasedCount -= 1
    } else {
      saveRouterKey(record)
      if record.status.lives { giveBack(slot, record) }
      digest &-= contentTerm(slot, record)
      forgetContent(record)
      if record.status == .held { heldCount -= 1 }
      if record.status.isOrder {
        cells.free(orders[record.slack].reference)
        orders.remove(record.slack)
      }
    }
    free(slot)
  }

  /// Takes away a deleted event that nothing belongs to any more.
  private mutating func clearEvent(_ event: UInt32) {
    digest &-= events[event].creation &+ events[event].deletionTerm
    events[event].forgetChanges(&digest)
    changedEvents.removeAll { $0 == event }
    events.clear(event)
  }
}
