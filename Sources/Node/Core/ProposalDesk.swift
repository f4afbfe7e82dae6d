import Journal
import Proto
import Replication
import Threads

/// Writes what the node's shards are about to propose to its disk before they do, on a thread of its own; all that
/// waits meanwhile is synced at once.
final class ProposalDesk: Sendable {
  private typealias Waiting = (shard: ShardID, note: ProposalNotes.Note, go: @Sendable () -> Void)
  private let notes: ProposalNotes
  private let worker = Worker(name: "proposals")
  private let waiting = Lock<[Waiting]>([])
  private let entered = Lock<[ShardID: ProposalNotes.Note]>([:])
  /// The newest note of each shard that is on the disk.
  private let written = Lock<[ShardID: ProposalNotes.Note]>([:])

  init(_ storage: any Storage, shardCount: Int) throws(JournalError) {
    notes = try ProposalNotes(storage, shardCount: shardCount)
  }

  /// The proposal that was noted last, by whichever process of this directory.
  func noted(_ shard: ShardID) throws(JournalError) -> UInt64? { try notes.note(.made, of: shard)?.proposal }

  /// The newest entry that is noted to have named this node's replica.
  func entered(_ shard: ShardID) throws(JournalError) -> EpochNote? {
    try notes.note(.entered, of: shard).map { EpochNote(epoch: $0.epoch, proposal: $0.proposal) }
  }

  /// Calls `go` once the note is durable; never if it cannot be written, after `fail`.
  func note(
    _ entry: MapEntry, of shard: ShardID, fail: @escaping @Sendable (JournalError) -> Void,
    go: @escaping @Sendable () -> Void
  ) {
    let note = ProposalNotes.Note(proposal: entry.proposal, epoch: entry.epoch)
    // A proposal that is sent again needs no second note.
    if written.withLock({ $0[shard] == note }) { return go() }
    waiting.withLock { $0.append((shard, note, go)) }
    // Refused only if a thousand wait already, or at the end: the proposal comes again by itself.
    _ = worker.run { [self] in writeWaiting(fail) }
  }

  /// Notes an entry that names this node's replica; in its own time.
  func enter(_ entry: MapEntry, of shard: ShardID, fail: @escaping @Sendable (JournalError) -> Void) {
    entered.withLock { $0[shard] = ProposalNotes.Note(proposal: entry.proposal, epoch: entry.epoch) }
    _ = worker.run { [self] in
      let batch = entered.withLock { entered in
        defer { entered = [:] }
        return entered.sorted { $0.key < $1.key }.map { (shard: $0.key, note: $0.value) }
      }
      guard !batch.isEmpty else { return }
      do throws(JournalError) { try notes.write(.entered, batch) } catch { fail(error) }
    }
  }

  private func writeWaiting(_ fail: (JournalError) -> Void) {
    var batch: [Waiting] = []
    waiting.withLock { swap(&batch, &$0) }
    guard !batch.isEmpty else { return }
    do throws(JournalError) {
      try notes.write(.made, batch.map { ($0.shard, $0.note) })
    } catch {
      return fail(error)
    }
    for item in batch {
      written.withLock { $0[item.shard] = item.note }
      item.go()
    }
  }

  /// Runs work that must not be on a loop, such as writing the directory's own record.
  func run(_ job: @escaping @Sendable () -> Void) { _ = worker.run(job) }

  /// As above, and waits for it. False: it was not run.
  func ran(_ job: @escaping @Sendable () -> Void) async -> Bool {
    await handedOver { handOver in
      let isTaken = worker.run {
        job()
        handOver(true)
      }
      if !isTaken { handOver(false) }
    }
  }

  func stop() { worker.stop() }
}
