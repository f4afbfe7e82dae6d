package import Inventory
package import Journal
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
  var inventory = start
  var end = after
  do throws(JournalError) {
    try journal.replay(shard, after: after.index) { (frame, records) throws(JournalError) in
      if let limit, frame.lastIndex > limit { throw .notAvailable(shard: shard, firstIndex: limit) }
      _ = inventory.advance(to: frame.stamp)
      guard applyRecords(records, count: frame.count, to: &inventory) else {
        throw .decode(.invalid(field: "log frame records"))
      }
      end = frame.end
    }
  } catch {
    // The limit was reached exactly: all that was wanted is there.
    guard let limit, end.index == limit, case .notAvailable = error else { throw error }
  }
  if let limit, end.index != limit { throw .notAvailable(shard: shard, firstIndex: limit) }
  return LoadedShard(inventory: inventory, end: end, epochs: journal.epochs(of: shard))
}

private func decoding<Result>(_ body: () throws(DecodeError) -> Result) throws(JournalError) -> Result {
  do throws(DecodeError) { return try body() } catch { throw .decode(error) }
}
