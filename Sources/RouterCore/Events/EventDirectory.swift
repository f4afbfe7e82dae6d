import Budgets
import Octets
import Synchronization
import Proto
import Threads
package import Time

/// What the process's loops know together: the newest entry of each event, made once, and what all of it takes.
///
/// Bounded: definitions, seat maps and plan bodies together take at most `bytesMax`. Over it, what was not used for the
/// longest time goes: plan bodies and maps first, because they are soon made again, then whole entries. What was used
/// within the last second stays, and whatever else is wanted meanwhile is refused; only a definition, without which
/// nothing can be sold, is always let in.
package final class EventDirectory: Sendable {
  package let bytesMax: Int
  private let countMax: Int
  private let state = Lock(State())
  /// Grows whenever entries were dropped: then loops let go of theirs.
  private let dropGeneration = Atomic<UInt64>(0)

  private struct State {
    var entries: [Bytes: EventEntry] = [:]
    var counts = Counts()
    /// Bytes of maps that were given up and that some loop still has.
    var promised = 0
  }

  package struct Counts: Equatable, Sendable {
    /// Bytes that definitions, maps and plan bodies take now, roughly.
    package var used = 0
    /// Maps, plan bodies and entries dropped for others, or because nobody read them.
    package var dropped: UInt64 = 0
    /// What did not fit.
    package var refused: UInt64 = 0
    package init() {}
  }

  package init(bytesMax: Int = 256 << 20, countMax: Int = 65_536) {
    (self.bytesMax, self.countMax) = (bytesMax, countMax)
  }

  package var counts: Counts { state.withLock { $0.counts } }
  package var generation: UInt64 { dropGeneration.load(ordering: .relaxed) }

  /// The newest entry of the event that any loop made.
  func find(_ id: Bytes) -> EventEntry? { state.withLock { $0.entries[id] } }

  /// The entry for this life of the event, if a loop made one.
  func find(_ id: Bytes, _ ref: EventRef) -> EventEntry? {
    state.withLock { state in
      guard let entry = state.entries[id], entry.ref == ref else { return nil }
      return entry
    }
  }

  /// Keeps `entry`, unless another loop was faster. Returns the one that counts.
  package func insert(_ entry: EventEntry, now: MonotonicTime) -> EventEntry {
    state.withLock { state in
      entry.use(now: now)
      if let other = state.entries[entry.id] {
        if other.ref == entry.ref { return other }
        drop(other, &state)
      }
      _ = makeRoom(for: entry.baseBytes, &state, keeping: entry, now: now, youngest: 0)
      if state.entries.count >= countMax { shedEntries(&state, now: now) }
      state.entries[entry.id] = entry
      state.counts.used += entry.baseBytes
      return entry
    }
  }

  /// The entry is of another life of the event.
  func remove(_ entry: EventEntry) {
    state.withLock { state in
      if state.entries[entry.id] === entry { drop(entry, &state) }
    }
  }

  // MARK: Maps

  /// A loop is about to subscribe to the event. False: there is no room for its map.
  func engage(_ entry: EventEntry, loop: Int, now: MonotonicTime) -> Bool {
    state.withLock { state in
      guard entry.copy.engage(loop: loop, now: now) else { return true }
      guard makeRoom(for: entry.mapBytes, &state, keeping: entry, now: now) else {
        _ = entry.copy.disengage(loop: loop)
        return false
      }
      state.counts.used += entry.mapBytes
      return true
    }
  }

  /// A loop has ended its subscription.
  func disengage(_ entry: EventEntry, loop: Int) {
    state.withLock { state in
      let wasGivenUp = entry.copy.isGivenUp
      guard entry.copy.disengage(loop: loop) else { return }
      state.counts.used -= entry.mapBytes
      if wasGivenUp { state.promised -= entry.mapBytes }
    }
  }

  /// Room for something that is soon gone: an answer that is being made. False: there is none.
  func reserve(_ byteCount: Int, now: MonotonicTime) -> Bool {
    state.withLock { state in
      guard makeRoom(for: byteCount, &state, keeping: nil, now: now) else { return false }
      state.counts.used += byteCount
      return true
    }
  }

  func release(_ byteCount: Int) { state.withLock { $0.counts.used -= byteCount } }

  // MARK: Plan bodies

  /// Room for the event's plan body, until it is dropped. False: there is none.
  func reservePlan(_ entry: EventEntry, now: MonotonicTime) -> Bool {
    state.withLock { state in
      guard entry.planReserved == 0 else { return true }
      guard makeRoom(for: entry.planBytes, &state, keeping: entry, now: now) else { return false }
      entry.planReserved = entry.planBytes
      state.counts.used += entry.planBytes
      return true
    }
  }

  /// Nobody will make the body, or nobody may find it: its entry was dropped meanwhile.
  func cancelPlan(_ entry: EventEntry) {
    state.withLock { state in
      _ = entry.dropPlanBody()
      state.counts.used -= entry.planReserved
      entry.planReserved = 0
    }
  }

  // MARK: Letting go

  /// What nobody used for so long is dropped even if there is room.
  private static let planIdleAfter: Milliseconds = 60_000
  private static let largeIdleAfter: Milliseconds = 300_000
  private static let largeBytes = 256 << 10

  /// Call it every few seconds.
  package func dropIdle(now: MonotonicTime) {
    state.withLock { state in
      for entry in Array(state.entries.values) {
        let idle = now - entry.usedAt
        if idle > Self.planIdleAfter { dropPlan(entry, &state) }
        if idle > Self.largeIdleAfter, entry.baseBytes >= Self.largeBytes { drop(entry, &state) }
      }
    }
  }

  private func fits(_ byteCount: Int, _ state: borrowing State) -> Bool {
    state.counts.used - state.promised + byteCount <= bytesMax
  }

  /// - Parameter youngest: what was used less than so many milliseconds ago stays.
  private func makeRoom(
    for byteCount: Int, _ state: inout State, keeping kept: EventEntry?, now: MonotonicTime,
    youngest: Milliseconds = 1_000
  ) -> Bool {
    if fits(byteCount, state) { return true }
    let entries = Array(state.entries.values)
    for age: Milliseconds in [60_000, 10_000, 1_000, 0] where age >= youngest {
      for isWhole in [false, true] {
        for entry in entries where entry !== kept && now - entry.usedAt >= age && !entry.isDropped {
          if isWhole {
            drop(entry, &state)
          } else {
            dropPlan(entry, &state)
            giveUpMap(entry, &state)
          }
          if fits(byteCount, state) { return true }
        }
      }
    }
    state.counts.refused &+= 1
    return false
  }

  /// There are as many entries as may be: those of the last seconds stay, if they are not all.
  private func shedEntries(_ state: inout State, now: MonotonicTime) {
    for age: Milliseconds in [60_000, 10_000, 1_000, 0] {
      for entry in Array(state.entries.values) where now - entry.usedAt >= age { drop(entry, &state) }
      if state.entries.count < countMax * 7 / 8 { return }
    }
  }

  private func drop(_ entry: EventEntry, _ state: inout State) {
    dropPlan(entry, &state)
    giveUpMap(entry, &state)
    state.entries[entry.id] = nil
    state.counts.used -= entry.baseBytes
    state.counts.dropped &+= 1
    entry.setDropped()
    dropGeneration.add(1, ordering: .relaxed)
  }

  private func dropPlan(_ entry: EventEntry, _ state: inout State) {
    guard entry.planReserved > 0, entry.dropPlanBody() else { return }
    state.counts.used -= entry.planReserved
    state.counts.dropped &+= 1
    entry.planReserved = 0
  }

  private func giveUpMap(_ entry: EventEntry, _ state: inout State) {
    guard entry.copy.giveUp() else { return }
    state.promised += entry.mapBytes
    state.counts.dropped &+= 1
  }
}
