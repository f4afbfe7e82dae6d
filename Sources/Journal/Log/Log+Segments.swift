import Octets
package import Proto
import Threads

extension Log {
  /// Makes the next segment, unless it is there. Not on the writer's thread: it takes tens of milliseconds.
  ///
  /// - Throws: `full`: nothing is lost, try again when there is space. Anything else is final.
  package func prepareSegment() throws(JournalError) {
    let isNeeded = state.withLock { $0.prepared == nil && !$0.isStopped }
    guard isNeeded else { return }
    let file = try makeSegment()
    state.withLock { $0.prepared = file }
  }

  private func makeSegment() throws(JournalError) -> any StorageFile {
    let path = state.withLock { state in
      state.preparedCount += 1
      return Segment.prepared(state.preparedCount)
    }
    do {
      return try storage.createZeroed(path, byteCount: options.segmentBytes)
    } catch .full(_) {
      try? storage.remove(path)
      throw .full
    } catch {
      throw stop(error)
    }
  }

  /// Whether a segment waits to be used.
  package var hasPreparedSegment: Bool { state.withLock { $0.prepared != nil } }

  /// What can be written before the next segment is needed.
  package var bytesLeft: Int { state.withLock { $0.bytesLeft(options) } }

  /// Begins the next segment: its header is durable before it has its name, and its name before anything is written to
  /// it.
  func roll(_ groupBytes: Int) throws(JournalError) {
    guard SegmentHeader.byteCount + groupBytes <= options.segmentBytes else { throw .full }
    // It stays the prepared one until it is the last one: in between there is room as before, and nobody must be
    // refused.
    let ready = state.withLock { $0.prepared }
    let file = if let ready { ready } else { try makeSegment() }
    let header = state.withLock { state in
      SegmentHeader(
        first: state.written, disk: replica.disk, segmentBytes: UInt64(options.segmentBytes),
        nextGroup: state.nextGroup,
        torn: state.torn)
    }
    do {
      try file.write(header.encoded().rawSpan, at: 0)
      try file.syncData()
      try storage.rename(file.path, to: Segment.path(first: header.first))
      try storage.syncDirectory(Segment.directory)
    } catch {
      throw stop(error)
    }
    state.withLock { state in
      state.segments.append(Segment(first: header.first, file: file))
      state.prepared = nil
      state.written = header.first + UInt64(SegmentHeader.byteCount)
      (state.durable, state.torn, state.isLastClosed) = (state.written, nil, false)
    }
  }

  // Keeping and throwing away.

  /// A follower still needs the shard's frames from `index`; nil: no follower needs any.
  package func keep(_ shard: ShardID, from index: UInt64?) {
    state.withLock { state in state.with(shard) { $0.keptFrom = index } }
  }

  /// The shard that keeps the oldest segment: snapshot it next. nil if nothing but the last segment is kept.
  package var pinningShard: ShardID? {
    state.withLock { state in
      guard let needed = state.neededFrom, state.segments.count > 1, needed.position < state.segments[1].first else {
        return nil
      }
      return needed.shard
    }
  }

  /// Removes segments from the oldest end that no snapshot, no shard without one and no follower needs. Returns how
  /// many.
  package func removeSegments() throws(JournalError) -> Int {
    let removed = state.withLock { state in
      let needed = state.neededFrom?.position ?? state.written
      var count = 0
      while count + 1 < state.segments.count, state.segments[count + 1].first <= needed { count += 1 }
      let removed = Array(state.segments.prefix(count))
      state.segments.removeFirst(count)
      if let oldest = state.segments.first, count > 0 {
        for place in state.shards.indices { state.shards[place].forget(before: oldest.first) }
        state.unreadable.removeAll { $0.range.upperBound <= oldest.first }
      }
      return removed
    }
    do {
      for segment in removed { try storage.remove(Segment.path(first: segment.first)) }
      if !removed.isEmpty { try storage.syncDirectory(Segment.directory) }
    } catch {
      throw .storage(error)
    }
    return removed.count
  }
}

extension Log.State {
  /// The oldest position that is needed, and by which shard.
  var neededFrom: (position: UInt64, shard: ShardID)? {
    var oldest: (position: UInt64, shard: ShardID)?
    for (place, index) in shards.enumerated() {
      guard let needed = index.neededFrom, needed < oldest?.position ?? .max else { continue }
      oldest = (needed, ShardID(UInt16(place)))
    }
    return oldest
  }
}
