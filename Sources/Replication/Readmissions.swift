import Proto

/// Damps flapping: each time that the same replica is taken in again within an hour, it waits twice as long as the last
/// time.
struct Readmissions: Sendable {
  private struct Entry {
    var replica: ReplicaID
    var admittedAt: MonotonicMilliseconds
    var waited: MonotonicMilliseconds
  }
  private var entries: [Entry] = []
  private static let countMax = 16

  /// How long `replica` must stay before it is taken in.
  func wait(for replica: ReplicaID, now: MonotonicMilliseconds, config: ReplicaConfig) -> MonotonicMilliseconds {
    guard let entry = entries.first(where: { $0.replica == replica }),
      now - entry.admittedAt < config.readmissionMemory
    else { return 0 }
    return entry.waited == 0
      ? config.readmissionWait
      : min(entry.waited.multipliedReportingOverflow(by: 2).partialValue, config.readmissionWaitMax)
  }

  mutating func admitted(_ replica: ReplicaID, after waited: MonotonicMilliseconds, now: MonotonicMilliseconds) {
    entries.removeAll { $0.replica == replica }
    if entries.count == Self.countMax { entries.removeFirst() }
    entries.append(Entry(replica: replica, admittedAt: now, waited: waited))
  }
}
