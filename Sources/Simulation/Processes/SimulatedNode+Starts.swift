import ClusterMap
import Journal
import MemoryDisk
import Node
import Proto
import Replication
import ShardCore
import Time

// Who this process is among all that ever ran as its node: what a real one's identity, its notes of proposals and its
// loops do.
extension SimulatedNode {
  // MARK: The own name

  /// Takes the node's name for this process, in its directory and in the coordinator.
  func claim(_ log: Log) throws(JournalError) {
    let own = try StartRecord.read(storage)
    let place: UInt64
    do throws(StorageError) { place = try storage.place(of: "identity") } catch { throw .storage(error) }
    let claim = StartClaim(
      own: own, place: place, disk: log.replica.disk, recorded: world.coordinator.records[nodeName]?.record)
    if let staleness = claim.staleness {
      world.say("\(name): \(staleness)")
      world.count(.staleStart)
    }
    var starts = own ?? StartRecord(cluster: 1, shardCount: world.shardCount, place: place)
    starts.intended = claim.start
    if claim.staleness != nil { starts.stale = Set(world.shardIDs) }
    try starts.write(to: storage)
    start = claim.start
    record = NodeRecord(
      name: nodeName, disk: log.replica.disk, address: "\(name)/\(serial)", loops: 1, pid: serial, startedAt: .zero,
      start: start, isServing: false)
    world.coordinator.write(record, of: self)
    (starts.confirmed, starts.place, starts.presence) = (start, place, 0)
    try starts.write(to: storage)
    self.starts = starts
    notes = try ProposalNotes(storage, shardCount: world.shardCount)
    newestStarts = [:]
  }

  /// The log is read: from here on, what this process does counts.
  func serve() {
    record.isServing = true
    world.coordinator.write(record, of: self)
    lookAtOwnRecord()
  }

  private func lookAtOwnRecord() {
    later(world.draw(400_000...600_000)) { node in
      node.lookAtOwnRecord()
      node.world.coordinator.check(node)
    }
  }

  /// Its name has a later start: whatever this process would still say could be wrong.
  func replaced(by later: UInt64) {
    guard !isReplaced else { return }
    isReplaced = true
    world.say("\(name), start \(start), is replaced by start \(later)")
    takeAll(.halt(.replaced))
    self.later(world.draw(100...20_000)) { $0.crash(keepsPower: true) }
  }

  // MARK: The names of others

  /// A node's record is known.
  func met(_ record: NodeRecord, at process: SimulatedNode) {
    guard record.name != nodeName else {
      if record.start > start { replaced(by: record.start) }
      return
    }
    // A watch keeps the order; what a slow read brings does not.
    let isNewest = record.start >= newestStarts[record.name] ?? 0
    met(record.name, start: record.start)
    guard isNewest else { return }
    for link in links where link.target.nodeName == record.name { link.moved(to: process) }
  }

  /// Somebody speaks as this node. False: an earlier start, which has nothing more to say.
  @discardableResult func met(_ name: NodeName, start: UInt64) -> Bool {
    let known = newestStarts[name] ?? 0
    newestStarts[name] = max(known, start)
    if start > known, known > 0 {
      for link in links where link.target.nodeName == name { link.drop(before: start) }
      for input in inputs where input.name == name && input.start < start { input.pipe.cut { $0.lowerBound } }
    }
    return start >= known
  }

  // MARK: Notes on the disk

  /// A proposal's id is on the disk before the proposal leaves.
  func propose(_ entry: MapEntry, revision: UInt64, isNoted: Bool, shard: ShardID) {
    guard isNoted, lastNotes[shard] != entry.proposal else {
      return world.coordinator.propose(entry, revision: revision, shard: shard, from: self)
    }
    later(world.draw(50...1_000)) { node in
      do throws(JournalError) {
        try node.notes?.write(.made, [(shard, ProposalNotes.Note(proposal: entry.proposal, epoch: entry.epoch))])
      } catch {
        return node.fail()
      }
      node.lastNotes[shard] = entry.proposal
      node.world.coordinator.propose(entry, revision: revision, shard: shard, from: node)
    }
  }

  /// An entry that names this node is on its disk some time later.
  func enter(_ entry: MapEntry, shard: ShardID) {
    later(world.draw(50...1_000)) { node in
      do throws(JournalError) {
        try node.notes?.write(.entered, [(shard, ProposalNotes.Note(proposal: entry.proposal, epoch: entry.epoch))])
      } catch {
        node.fail()
      }
    }
  }

  /// The shard's end is believed again: the next process need not doubt it.
  func trust(_ shard: ShardID) {
    later(world.draw(50...1_000)) { node in
      guard node.starts?.stale.remove(shard) != nil else { return }
      do throws(JournalError) { try node.starts?.write(to: node.storage) } catch { node.fail() }
    }
  }
}
