package import Inventory
package import Journal
import Octets
package import Proto
import Replication
import Threads

// A snapshot on its way from one node to another. The stream is `headerBytes: u32`, the header (end, `epochs: u32`, the
// epochs' starts, the digest), then the inventory's own bytes.

private func encode(_ header: SnapshotHeader, into out: inout [UInt8]) {
  var body: [UInt8] = []
  header.end.encode(into: &body)
  body.put(UInt32(header.epochs.count))
  for start in header.epochs { start.encode(into: &body) }
  body.put(header.digest)
  out.put(UInt32(body.count))
  out.append(contentsOf: body)
}

private func decodeHeader(_ shard: ShardID, _ body: RawSpan) throws(DecodeError) -> SnapshotHeader {
  var reader = ByteReader(body)
  let end = try LogEnd(decoding: &reader)
  var epochs: [EpochStart] = []
  for _ in 0..<(try reader.count(limit: headerBytesMax / EpochStart.encodedBytes, field: "epochs")) {
    epochs.append(try EpochStart(decoding: &reader))
  }
  let digest = try reader.u64()
  try reader.finish()
  return SnapshotHeader(shard: shard, end: end, epochs: epochs, digest: digest, isFromPeer: true)
}

private let headerBytesMax = 1 << 20

/// Reads a published snapshot in parts for a joiner. Reads the disk.
package final class SnapshotStream: Sendable {
  private let journal: Log
  private let header: SnapshotHeader
  private let state: Lock<State>

  private struct State {
    var reader: SnapshotReader
    /// What was read and not given yet; starts at `offset` of the stream.
    var buffer: [UInt8] = []
    var offset: UInt64 = 0
    var isRead = false
  }

  package init(_ journal: Log, _ header: SnapshotHeader) throws(JournalError) {
    (self.journal, self.header) = (journal, header)
    var start = State(reader: try journal.readSnapshot(header))
    encode(header, into: &start.buffer)
    state = Lock(start)
  }

  /// Parts from `offset` on, up to about `byteCount` bytes, at least one. From an earlier offset than the last read it
  /// begins anew.
  package func read(from offset: UInt64, byteCount: UInt64) throws(JournalError) -> [StreamPart] {
    try state.withLock { state throws(JournalError) in
      if offset < state.offset {
        state = State(reader: try journal.readSnapshot(header))
        encode(header, into: &state.buffer)
      }
      var parts: [StreamPart] = []
      var given: UInt64 = 0
      while parts.last?.isLast != true, given < byteCount || parts.isEmpty {
        let part = try next(&state)
        let behind = part.offset + UInt64(part.bytes.count)
        // What lies before the offset was asked for was given earlier; parts are the same each time.
        if behind <= offset, !part.isLast { continue }
        parts.append(part)
        given += UInt64(part.bytes.count)
      }
      return parts
    }
  }

  private func next(_ state: inout State) throws(JournalError) -> StreamPart {
    while !state.isRead, state.buffer.count <= SnapshotChunk.bytesMax {
      if let chunk = try state.reader.nextChunk() {
        state.buffer.append(contentsOf: chunk)
      } else {
        state.isRead = true
      }
    }
    let count = min(state.buffer.count, SnapshotChunk.bytesMax)
    let part = StreamPart(
      offset: state.offset, bytes: Array(state.buffer[..<count]), isLast: state.isRead && count == state.buffer.count)
    state.buffer.removeFirst(count)
    state.offset += UInt64(count)
    return part
  }
}

/// Takes a peer's snapshot in parts, to a temporary file and into memory at once. Writes to the disk.
package final class SnapshotIntake: Sendable {
  private let journal: Log
  private let shard: ShardID
  private let state: Lock<State>

  private struct State {
    var expected: UInt64 = 0
    /// The stream's beginning, until the header is whole.
    var head: [UInt8] = []
    var header: SnapshotHeader?
    var writer: SnapshotWriter?
    var decoder: Inventory.Decoder
    var hasFailed = false
  }

  package init(_ journal: Log, shard: ShardID, keyLimits: KeyLimits = KeyLimits(), salt: UInt64) {
    (self.journal, self.shard) = (journal, shard)
    state = Lock(State(decoder: Inventory.Decoder(shard: shard, keyLimits: keyLimits, tableSalt: salt)))
  }

  /// Adds a part; a gap, or what cannot be read, spoils the whole.
  package func add(_ bytes: [UInt8], at offset: UInt64) {
    state.withLock { state in
      guard !state.hasFailed, offset == state.expected else { return state.hasFailed = true }
      state.expected += UInt64(bytes.count)
      do {
        try add(bytes, &state)
      } catch {
        state.hasFailed = true
      }
    }
  }

  private func add(_ bytes: [UInt8], _ state: inout State) throws {
    var bytes = bytes
    if state.header == nil {
      state.head.append(contentsOf: bytes)
      var reader = ByteReader(state.head.rawSpan)
      guard state.head.count >= 4 else { return }
      let headerBytes = try reader.count(limit: headerBytesMax, field: "snapshot header")
      guard reader.bytesLeft >= headerBytes else { return }
      let header = try decodeHeader(shard, try reader.bytes(headerBytes))
      state.header = header
      state.writer = try journal.writeSnapshot(header)
      bytes = Array(state.head[(4 + headerBytes)...])
      state.head = []
    }
    var offset = 0
    while offset < bytes.count {
      let count = min(bytes.count - offset, SnapshotChunk.bytesMax)
      let chunk = Array(bytes[offset..<(offset + count)])
      try state.decoder.feed(chunk.rawSpan)
      try state.writer?.add(chunk)
      offset += count
    }
  }

  /// The snapshot if it is whole, complete and synced in its temporary file.
  package func finish() -> (header: SnapshotHeader, inventory: Inventory)? {
    state.withLock { state in
      guard !state.hasFailed, let header = state.header, let writer = state.writer else { return nil }
      do {
        let inventory = try state.decoder.finish()
        guard inventory.digest == header.digest else { return nil }
        try writer.seal()
        return (writer.header, inventory)
      } catch {
        state.hasFailed = true
        return nil
      }
    }
  }

  /// Gives it its name, once its marker is durable. nil: it could not be.
  package func publish() -> SnapshotHeader? {
    state.withLock { state in
      guard let writer = state.writer else { return nil }
      do throws(JournalError) {
        try writer.publish()
        return writer.header
      } catch {
        return nil
      }
    }
  }

  package func abandon() { state.withLock { $0.writer }?.abandon() }
}
