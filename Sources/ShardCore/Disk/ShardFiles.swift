package import Inventory
package import Journal
import Octets
package import Proto

/// Loads a shard's newest readable snapshot and replays the log behind it. Reads the disk.
///
/// - Parameter limit: stop once this index is applied; nil: at the log's end.
package func loadShard(
  _ shard: ShardID, from journal: Log, upTo limit: UInt64? = nil, keyLimits: KeyLimits = KeyLimits(), salt: UInt64
) throws(JournalError) -> LoadedShard {
  var failure: JournalError?
  for header in journal.snapshots(of: shard) where header.end.index <= limit ?? .max {
    do throws(JournalError) {
      let inventory = try readInventory(journal, header, keyLimits: keyLimits, salt: salt)
      return try replay(shard, inventory, header.end, from: journal, upTo: limit)
    } catch {
      failure = error
    }
  }
  // Without a snapshot the log must reach back to the first record.
  if let failure, journal.firstIndex(of: shard) > 1 { throw failure }
  let empty = Inventory(shard: shard, keyLimits: keyLimits, tableSalt: salt)
  return try replay(shard, empty, LogEnd(), from: journal, upTo: limit)
}

private func readInventory(
  _ journal: Log, _ header: SnapshotHeader, keyLimits: KeyLimits, salt: UInt64
) throws(JournalError) -> Inventory {
  let reader = try journal.readSnapshot(header)
  var decoder = Inventory.Decoder(shard: header.shard, keyLimits: keyLimits, tableSalt: salt)
  while let chunk = try reader.nextChunk() {
    try decoding { () throws(DecodeError) in try decoder.feed(chunk.rawSpan) }
  }
  return try decoding { () throws(DecodeError) in
    let inventory = try decoder.finish()
    guard inventory.digest == header.digest else { throw .corrupt(field: "snapshot digest") }
    return inventory
  }
}

private func replay(
  _ shard: ShardID, _ start: Inventory, _ after: LogEnd, from journal: Log, upTo limit: UInt64?
) throws(JournalError) -> LoadedShard {
  var replayed = LoadedShard(inventory: start, end: after, epochs: [])
  do throws(JournalError) {
    try journal.replay([shard: after]) { (frame, records) throws(JournalError) in
      // Leaves the replay: all that was wanted is there, or the limit stands within a frame.
      if let limit, frame.lastIndex > limit { throw .notAvailable(shard: shard, firstIndex: limit) }
      try replayed.apply(frame, records)
    }
  } catch {
    guard let limit, replayed.end.index == limit, case .notAvailable = error else { throw error }
  }
  if let limit, replayed.end.index != limit { throw .notAvailable(shard: shard, firstIndex: limit) }
  replayed.epochs = journal.epochs(of: shard)
  return replayed
}

/// Loads several shards with one pass over the log. A shard that cannot be loaded has its error.
package func loadShards(
  _ shards: [ShardID], from journal: Log, keyLimits: KeyLimits = KeyLimits(), salt: () -> UInt64,
  replayed: (Int) -> Void = { _ in }
) -> [(shard: ShardID, result: Result<LoadedShard, JournalError>)] {
  // By number: each is changed where it stands, with each frame. A dictionary would take it out and put it back.
  var loaded = [LoadedShard?](repeating: nil, count: (shards.map { Int($0.rawValue) }.max() ?? -1) + 1)
  var starts: [ShardID: LogEnd] = [:]
  for shard in shards {
    var start = LoadedShard(
      inventory: Inventory(shard: shard, keyLimits: keyLimits, tableSalt: salt()), end: LogEnd(), epochs: [])
    if let header = journal.snapshots(of: shard).first {
      guard let inventory = try? readInventory(journal, header, keyLimits: keyLimits, salt: salt()) else { continue }
      start = LoadedShard(inventory: inventory, end: header.end, epochs: [])
      start.snapshotIndex = header.end.index
    }
    loaded[Int(shard.rawValue)] = start
    starts[shard] = start.end
  }
  // Told now and then: a frame may have one record.
  var untold = 0
  do throws(JournalError) {
    try journal.replay(starts) { (frame, records) throws(JournalError) in
      try loaded[Int(frame.shard.rawValue)]?.apply(frame, records)
      untold += Int(frame.count)
      guard untold >= 4_096 else { return }
      replayed(untold)
      untold = 0
    }
  } catch {
    // One of them is in the way of the others: each on its own, then.
    for place in loaded.indices { loaded[place] = nil }
  }
  replayed(untold)
  return shards.map { shard in
    var taken: LoadedShard?
    swap(&taken, &loaded[Int(shard.rawValue)])
    if var found = taken {
      found.epochs = journal.epochs(of: shard)
      return (shard, .success(found))
    }
    do throws(JournalError) {
      return (shard, .success(try loadShard(shard, from: journal, keyLimits: keyLimits, salt: salt())))
    } catch {
      return (shard, .failure(error))
    }
  }
}

extension ShardStart {
  /// What recovery found of a shard, and whether that is believed. A shard that cannot be loaded starts empty at its
  /// log's end, and suspect.
  ///
  /// - Parameters:
  ///   - isStale: the directory is older than its node was, or a copy.
  ///   - salt: random bits for the tables of one that starts empty.
  package init(
    of shard: ShardID, _ result: Result<LoadedShard, JournalError>, in journal: Log, isStale: Bool,
    keyLimits: KeyLimits = KeyLimits(), salt: @autoclosure () -> UInt64
  ) {
    // A shard that the log does not know may have been lost with what cannot be read: that shows here too.
    let found = journal.recovery.shard(shard)
    var suspicion: Suspicion =
      switch found.state {
      case .clean: .none
      case .suspectByTear: .tear
      case .suspectByDamage: .damage
      }
    let loaded: LoadedShard
    switch result {
    case .success(let shard): loaded = shard
    case .failure:
      suspicion = .damage
      loaded = LoadedShard(
        inventory: Inventory(shard: shard, keyLimits: keyLimits, tableSalt: salt()), end: journal.end(of: shard),
        epochs: journal.epochs(of: shard))
    }
    if isStale { suspicion = suspicion.worse(.stale) }
    self.init(loaded, suspicion: suspicion, committed: found.committed)
  }
}

extension LoadedShard {
  fileprivate mutating func apply(_ frame: LogFrame, _ records: RawSpan) throws(JournalError) {
    inventory.repeatTime(of: frame.stamp)
    guard applyRecords(records, count: frame.count, to: &inventory) else {
      throw .decode(.invalid(field: "log frame records"))
    }
    end = frame.end
  }
}

private func decoding<Result>(_ body: () throws(DecodeError) -> Result) throws(JournalError) -> Result {
  do throws(DecodeError) { return try body() } catch { throw .decode(error) }
}
