import Octets
package import Proto
import Threads

/// These read the disk: not for a loop's thread.
extension Log {
  /// The chain hash at the end of the frame that ends at `index`; nil if no such frame is there any more, or none ends
  /// there.
  package func chain(of shard: ShardID, at index: UInt64) throws(JournalError) -> UInt64? {
    try end(of: shard, at: index)?.chain
  }

  /// What `end` was when the frame that ends at `index` was the last; nil as `chain`.
  package func end(of shard: ShardID, at index: UInt64) throws(JournalError) -> LogEnd? {
    let (known, view) = state.withLock { ($0.shard(shard), $0.view) }
    if index == known.end.index { return known.end }
    if let snapshot = known.snapshots.first(where: { $0.end.index == index }) { return snapshot.end }
    guard let run = known.run, index < run.end.index else { return nil }
    if index == run.base.index, run.origin == .birth || run.base.epoch > 0 { return run.base }
    guard let place = run.place(of: index) else { return nil }
    var reader = ShardReader(shard, known, view, from: place)
    while let frame = try reader.next() {
      if frame.lastIndex == index { return frame.end }
      if frame.lastIndex > index { return nil }
    }
    return nil
  }

  /// Frames from the one that holds `index`: as many as fit `maxBytes`, at least one; none if `index` is past the end.
  /// They may be written and not yet synced. Each is verified.
  ///
  /// - Parameter leastBytes: what a frame counts for at least, so that many small ones are no more work than few large.
  /// - Throws: `notAvailable` if the log no longer reaches back: the follower takes a snapshot.
  package func frames(
    of shard: ShardID, from index: UInt64, maxBytes: Int, countingAtLeast leastBytes: Int = 0
  ) throws(JournalError) -> FrameRun {
    let (known, view) = state.withLock { ($0.shard(shard), $0.view) }
    var result = FrameRun(bytes: [], headers: [])
    guard index <= known.end.index else { return result }
    guard index >= known.firstIndex, let place = known.run?.place(of: index) else {
      throw .notAvailable(shard: shard, firstIndex: known.firstIndex)
    }
    var reader = ShardReader(shard, known, view, from: place)
    var decoder = FrameDecoder()
    var counted = 0
    while let frame = try reader.next() {
      guard frame.lastIndex >= index else { continue }
      let bytes = max(frame.frameBytes, leastBytes)
      if !result.headers.isEmpty, counted + bytes > maxBytes { break }
      try reader.cursor.verify(&decoder)
      result.headers.append(frame)
      result.bytes.put(reader.cursor.frame)
      counted += bytes
      if counted >= maxBytes { break }
    }
    return result
  }

  /// Gives the frames of some shards, each from behind the end that is given for it (a snapshot's; all zero: from the
  /// beginning) up to its end when this was called, in the log's order and decompressed. Several threads may replay
  /// different shards.
  ///
  /// - Throws: what `apply` threw; `damaged`, `notAvailable`: a shard's end was not reached.
  package func replay(
    _ starts: [ShardID: LogEnd], _ apply: (LogFrame, RawSpan) throws(JournalError) -> Void
  ) throws(JournalError) {
    let (known, view) = state.withLock { ($0.shards, $0.view) }
    var positions = [LogEnd?](repeating: nil, count: known.count)
    var oldest: UInt64 = .max
    var unfinished = 0
    for (shard, start) in starts where Int(shard.rawValue) < known.count {
      let index = known[Int(shard.rawValue)]
      guard start.index < index.end.index else { continue }
      guard let place = index.run?.place(of: start.index + 1) else {
        throw .notAvailable(shard: shard, firstIndex: index.firstIndex)
      }
      positions[Int(shard.rawValue)] = start
      oldest = min(oldest, place.position)
      unfinished += 1
    }
    guard unfinished > 0 else { return }
    var cursor = LogCursor(view, from: oldest)
    var decoder = FrameDecoder()
    while unfinished > 0, let frame = try cursor.next() {
      let shard = Int(frame.shard.rawValue)
      guard frame.kind == .records, shard < positions.count, let position = positions[shard],
        frame.firstIndex == position.index + 1, frame.previousChain == position.chain,
        !known[shard].isVoid(frame, at: cursor.framePosition)
      else { continue }
      try cursor.verify(&decoder)
      try apply(frame, decoder.records)
      positions[shard] = frame.end
      if frame.lastIndex >= known[shard].end.index {
        positions[shard] = nil
        unfinished -= 1
      }
    }
    for (place, position) in positions.enumerated() {
      if let position { throw .notAvailable(shard: ShardID(UInt16(place)), firstIndex: position.index + 1) }
    }
  }
}

/// Reads one shard's frames in order, without those that a marker took back.
struct ShardReader {
  let shard: ShardID
  private let known: ShardIndex
  private var expected: UInt64
  private(set) var cursor: LogCursor

  init(_ shard: ShardID, _ known: ShardIndex, _ view: LogView, from place: ShardRun.Place) {
    (self.shard, self.known, expected) = (shard, known, place.firstIndex)
    cursor = LogCursor(view, from: place.position)
  }

  mutating func next() throws(JournalError) -> LogFrame? {
    guard expected <= known.end.index else { return nil }
    while let frame = try cursor.next() {
      guard frame.shard == shard, frame.kind == .records, frame.firstIndex == expected else { continue }
      if known.isVoid(frame, at: cursor.framePosition) {
        // What took its place lies further on.
        if let place = known.run?.place(of: expected) { cursor.skip(to: place.position) }
        continue
      }
      expected = frame.lastIndex + 1
      return frame
    }
    return nil
  }
}

extension LogCursor {
  /// Verifies the whole of the frame that `next` gave, and leaves its records in the decoder.
  func verify(_ decoder: inout FrameDecoder) throws(JournalError) {
    do {
      var reader = ByteReader(frame)
      _ = try decoder.decode(&reader)
    } catch {
      throw .decode(error)
    }
  }
}
