internal import Octets
internal import Proto
import Threads

/// A snapshot on its way to the disk: `add` chunks, `seal`, and once its index is committed `publish`. From one thread
/// at a time, and not a loop's.
package final class SnapshotWriter: Sendable {
  private let log: Log
  private let file: any StorageFile
  private let state: Monitor<State>

  private struct State {
    var header: SnapshotHeader
    var compressor = CompressorBox()
    /// Not written yet.
    var buffer: [UInt8] = []
    var offset: Int
    var chunks: UInt64 = 0
    var crc: UInt32 = 0
    var isSealed = false
  }

  /// A compressor owns memory and cannot be copied; the state may be moved.
  private final class CompressorBox {
    var compressor = LZ4Compressor()
  }

  private static let bufferBytes = 1 << 20

  package var header: SnapshotHeader { state.withLock { $0.header } }

  /// Bytes so far, written or about to be.
  package var byteCount: Int { state.withLock { $0.offset + $0.buffer.count } }

  init(_ header: SnapshotHeader, log: Log) throws(JournalError) {
    self.log = log
    var header = header
    header.epochs = header.epochs.suffix(SnapshotFile.epochsMax)
    do {
      file = try log.storage.create(SnapshotFile.temporary(header.shard, index: header.end.index))
    } catch {
      throw .storage(error)
    }
    // The header is written last, with the position that is known only then.
    state = Monitor(State(header: header, offset: header.encoded().count))
  }

  /// Appends a chunk of at most 64 KiB.
  package func add(_ chunk: [UInt8]) throws(JournalError) {
    precondition(chunk.count <= SnapshotFile.chunkBytesMax, "the inventory makes chunks of at most 64 KiB")
    guard !chunk.isEmpty else { return }
    try state.withLock { state throws(JournalError) in
      precondition(!state.isSealed, "nothing is added to a sealed snapshot")
      let blockBytes = state.compressor.compressor.compress(chunk.rawSpan)
      state.crc = crc32c(chunk.rawSpan, from: state.crc)
      state.chunks += 1
      state.buffer.put(UInt32(chunk.count))
      state.buffer.put(UInt32(blockBytes))
      state.buffer.put(state.crc)
      state.compressor.compressor.append(to: &state.buffer)
      if state.buffer.count >= Self.bufferBytes { try flush(&state) }
    }
  }

  private func flush(_ state: inout State) throws(JournalError) {
    do {
      try file.write(state.buffer.rawSpan, at: state.offset)
      try file.writeBack(state.offset..<state.offset + state.buffer.count)
    } catch {
      throw .storage(error)
    }
    state.offset += state.buffer.count
    state.buffer.removeAll(keepingCapacity: true)
  }

  /// Completes and syncs the temporary file. The shard's log must have been written up to the snapshot's index, and
  /// still have it there (else `voided`); not so for one from a peer.
  package func seal() throws(JournalError) {
    var header = self.header
    header.replayPosition = try log.replayPosition(of: header)
    try state.withLock { state throws(JournalError) in
      state.header = header
      let coded = header.encoded()
      var trailer: [UInt8] = []
      trailer.put(SnapshotFile.trailerMark)
      trailer.put(state.chunks)
      trailer.put(state.crc)
      trailer.put(crc32c(trailer.rawSpan, from: crc32c(coded.rawSpan)))
      state.buffer += trailer
      try flush(&state)
      do throws(StorageError) {
        try file.write(coded.rawSpan, at: 0)
        try file.syncAll()
      } catch {
        throw .storage(error)
      }
      state.isSealed = true
    }
  }

  /// Gives it its name, durably, once its index is committed (or its `rebuilt` marker durable); removes older ones but
  /// one.
  package func publish() throws(JournalError) {
    precondition(state.withLock { $0.isSealed }, "a snapshot is sealed before it is published")
    try log.publish(header)
  }

  /// Removes the temporary file.
  package func abandon() {
    let header = self.header
    try? log.storage.remove(SnapshotFile.temporary(header.shard, index: header.end.index))
  }
}
