import Octets
package import Proto
import Threads
import Time

extension Log {
  /// Writes one group. It is durable when the `sync` that must follow returns.
  ///
  /// - Throws: `outOfOrder`, `notAvailable`, `full`: nothing was written. `stopped`, `storage`: nothing is ever written
  ///   again.
  package func append(_ entries: [LogEntry]) throws(JournalError) {
    precondition(!entries.isEmpty, "a group has at least one entry")
    let markers = try markedEnds(entries)
    try state.withLock { state throws(JournalError) in
      guard !state.isStopped else { throw JournalError.stopped }
      precondition(state.openGroup == nil, "a group begins only when the last one is synced")
      try checkOrder(entries, markers, state)
    }
    let bodyBytes = entries.reduce(0) { $0 + $1.frameBytes }
    let groupBytes = LogFrame.headerBytes + bodyBytes
    if state.withLock({ $0.bytesLeft(options) }) < groupBytes { try roll(groupBytes) }

    let (position, group, segment) = state.withLock {
      ($0.written, $0.nextGroup, $0.segments[$0.segments.count - 1])
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(groupBytes)
    batchFrame(position, group: group, count: entries.count, bodyBytes: bodyBytes).encode(into: &bytes)
    var headers: [LogFrame] = []
    for (entry, marked) in zip(entries, markers) {
      switch entry {
      case .frame(let frame):
        headers.append(frame.header)
        bytes += frame.bytes
      case .cut(let shard, _, _):
        headers.append(marker(.cut, shard, marked ?? LogEnd()))
        headers[headers.count - 1].encode(into: &bytes)
      case .rebuilt(let snapshot):
        headers.append(marker(.rebuilt, snapshot.shard, snapshot.end))
        headers[headers.count - 1].encode(into: &bytes)
      }
    }
    do {
      try segment.file.write(bytes.rawSpan, at: Int(position - segment.first))
    } catch {
      throw stop(error)
    }
    state.withLock { note(headers, from: position, group: group, segment, &$0) }
  }

  /// Makes the group durable. A failure is final: what the disk has is not known, and nothing is ever written again.
  package func sync() throws(JournalError) -> DurableGroup {
    let (group, file) = state.withLock { ($0.openGroup, $0.segments.last?.file) }
    guard let group, let file, !state.withLock({ $0.isStopped }) else { throw .stopped }
    do {
      try file.syncData()
    } catch {
      throw stop(error)
    }
    let voided = state.withLock { state in
      (state.openGroup, state.durable) = (nil, state.written)
      defer { state.voided = [] }
      return state.voided
    }
    for snapshot in voided {
      // If this fails, the marker still says that it is void.
      try? storage.remove(SnapshotFile.path(snapshot.shard, index: snapshot.end.index))
    }
    return group
  }

  /// A failed write or sync is final.
  func stop(_ error: StorageError) -> JournalError {
    state.withLock { $0.isStopped = true }
    return .storage(error)
  }

  private func batchFrame(_ position: UInt64, group: UInt64, count: Int, bodyBytes: Int) -> LogFrame {
    LogFrame(
      kind: .batch, shard: ShardID(0), epoch: 0, firstIndex: group, count: UInt32(count), rawBytes: 0, blockBytes: 0,
      recordsCRC: 0, stamp: Stamp(Int64(position)), committed: UInt64(bodyBytes), previousChain: replica.disk)
  }

  private func marker(_ kind: LogFrame.Kind, _ shard: ShardID, _ end: LogEnd) -> LogFrame {
    LogFrame(
      kind: kind, shard: shard, epoch: end.epoch, firstIndex: end.index + 1, count: 0, rawBytes: 0, blockBytes: 0,
      recordsCRC: 0, stamp: end.stamp, committed: 0, previousChain: end.chain)
  }

  /// For each cut, the end that it leaves; this may read the disk.
  private func markedEnds(_ entries: [LogEntry]) throws(JournalError) -> [LogEnd?] {
    var ends: [LogEnd?] = []
    for (place, entry) in entries.enumerated() {
      guard case .cut(let shard, let keeping, let chain) = entry else {
        ends.append(nil)
        continue
      }
      var found: LogEnd?
      for earlier in entries[..<place].reversed() {
        if case .frame(let frame) = earlier, frame.header.shard == shard, frame.header.lastIndex == keeping {
          found = frame.header.end
          break
        }
      }
      if found == nil { found = try self.end(of: shard, at: keeping) }
      guard let found, found.chain == chain else {
        throw .outOfOrder(shard: shard, end: end(of: shard), firstIndex: keeping + 1)
      }
      ends.append(found)
    }
    return ends
  }

  /// Each entry must follow its shard's end: a log that does not chain would be taken for damage.
  private func checkOrder(_ entries: [LogEntry], _ markers: [LogEnd?], _ state: State) throws(JournalError) {
    var ends: [ShardID: LogEnd] = [:]
    for (entry, marked) in zip(entries, markers) {
      switch entry {
      case .frame(let frame):
        let header = frame.header
        let end = ends[header.shard] ?? state.shard(header.shard).end
        guard header.kind == .records, header.firstIndex == end.index + 1, header.previousChain == end.chain,
          header.epoch >= end.epoch, frame.bytes.count == header.frameBytes
        else { throw .outOfOrder(shard: header.shard, end: end, firstIndex: header.firstIndex) }
        ends[header.shard] = header.end
      case .cut(let shard, _, _):
        ends[shard] = marked
      case .rebuilt(let snapshot):
        ends[snapshot.shard] = snapshot.end
      }
    }
  }

  private func note(
    _ headers: [LogFrame], from start: UInt64, group: UInt64, _ segment: Segment, _ state: inout State
  ) {
    var position = start + UInt64(LogFrame.headerBytes)
    var durable = DurableGroup(group: group, ends: [], markers: [])
    for header in headers {
      let before = state.shard(header.shard).snapshots
      let index = state.with(header.shard) { index in
        index.note(header, at: position, segment: segment.first)
        return index
      }
      if header.kind != .records {
        durable.markers.append((header.shard, header.kind))
        state.voided += before.filter { index.isVoid($0) }
      }
      if let place = durable.ends.firstIndex(where: { $0.shard == header.shard }) {
        durable.ends[place].end = index.end
      } else {
        durable.ends.append((header.shard, index.end))
      }
      position += UInt64(header.frameBytes)
    }
    (state.written, state.nextGroup, state.openGroup) = (position, group + 1, durable)
  }
}

extension LogEntry {
  /// Bytes that the entry takes in the log.
  package var frameBytes: Int {
    switch self {
    case .frame(let frame): frame.bytes.count
    case .cut, .rebuilt: LogFrame.headerBytes
    }
  }

  package var shard: ShardID {
    switch self {
    case .frame(let frame): frame.header.shard
    case .cut(let shard, _, _): shard
    case .rebuilt(let snapshot): snapshot.shard
    }
  }
}
