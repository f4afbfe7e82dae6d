import Octets
import Proto
import Time

/// What happens because time passes.
extension Model {
  mutating func advance(to stamp: Stamp) -> Bool {
    now = max(now, stamp)
    var changed = false
    let due = holds.indices.filter {
      [.held, .pending, .released].contains(holds[$0].life) && holds[$0].deadline <= now
    }
    for hold in due.sorted(by: { (holds[$0].deadline, holds[$0].slot) < (holds[$1].deadline, holds[$1].slot) }) {
      changed = true
      guard events[holds[hold].event].deletedAt == nil else {
        clear(hold)
        continue
      }
      switch holds[hold].life {
      case .held:
        giveBack(hold)
        holds[hold].life = .over
        freeSlots.append(holds[hold].slot)
        events[holds[hold].event].version += 1
      case .released:
        holds[hold].life = .over
        freeSlots.append(holds[hold].slot)
      default:
        giveBack(hold)
        holds[hold].life = .expired
        holds[hold].endedAt = holds[hold].deadline
        events[holds[hold].event].version += 1
      }
    }
    return changed
  }

  private mutating func clear(_ hold: Int) {
    holds[hold].life = .over
    freeSlots.append(holds[hold].slot)
  }

  /// A tick clears deleted events away: first their holds and orders, by slot.
  mutating func sweep() {
    for hold in holds.indices.filter({ holds[$0].life != .over && events[holds[$0].event].deletedAt != nil })
      .sorted(by: { holds[$0].slot < holds[$1].slot })
    { clear(hold) }
    for event in waiting where now > events[event].deletedAt ?? 0 { events[event].isCleared = true }
    waiting.removeAll { events[$0].isCleared }
  }

  /// The lowest that no event has.
  var freeEventSlot: UInt32 {
    let taken = Set(events.filter { !$0.isCleared }.map(\.slot))
    return (0...).first { !taken.contains($0) } ?? 0
  }

  mutating func giveBack(_ hold: Int) {
    let isSold = holds[hold].life == .confirmed
    for seat in holds[hold].seats { events[holds[hold].event].states[seat] = events[holds[hold].event].vacant(seat) }
    for area in holds[hold].areas {
      if isSold {
        events[holds[hold].event].areasSold[Int(area.area.rawValue)] -= Int(area.count)
      } else {
        events[holds[hold].event].areasHeld[Int(area.area.rawValue)] -= Int(area.count)
      }
    }
  }
}
