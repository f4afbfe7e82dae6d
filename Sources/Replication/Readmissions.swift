import Proto
import Time

/// Damps flapping: each time that the same replica is taken in again within an hour, it waits twice as long as the last
/// time.
struct Readmissions: Sendable {
  private struct Entry {
    var replica: ReplicaID
    var admittedAt: MonotonicTime
    var waited: Milliseconds
  }
  private var entries: [Entry] = []
  private static let countMax = 16

  /// How long `replica` must stay before it is taken in.
  func wait(for replica: ReplicaID, now: MonotonicTime, config: ReplicaConfig) -> Milliseconds {
    guard let entry = entries.first(where: { $0.replica == replica }),
      now - entry.admittedAt < config.readmissionMemory
    else { return 0 }
    let doubled = Milliseconds(entry.waited.rawValue &* 2)
    return entry.waited == 0 ? config.readmissionWait : min(doubled, config.readmissionWaitMax)
  }

  mutating func admitted(_ replica: ReplicaID, after waited: Milliseconds, now: MonotonicTime) {
    entries.removeAll { $0.replica == replica }
    if entries.count == Self.countMax { entries.removeFirst() }
    entries.append(Entry(replica: replica, admittedAt: now, waited: waited))
  }
}
