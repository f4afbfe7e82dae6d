package import Proto

/// Makes frames out of records. Keeps LZ4's state and buffers for the next frame: one for each thread.
package struct FrameEncoder: ~Copyable {
  package init() {}
  /// `records`: `count` command records, one behind the other, at most `LogFrame.rawBytesMax` bytes.
  package mutating func encode(
    _ records: RawSpan, shard: ShardID, epoch: UInt64, firstIndex: UInt64, count: UInt32, stamp: Milliseconds,
    committed: UInt64, previousChain: UInt64
  ) -> EncodedFrame { preconditionFailure("being built") }
}

/// Verifies frames and gives their records. Keeps a buffer for the next frame.
package struct FrameDecoder: ~Copyable {
  var buffer: [UInt8] = []
  package init() {}
  /// Takes the next frame off the reader, verified: header, sizes before anything is allocated, checksum of the records.
  /// `records` holds them until the next call.
  package mutating func decode(_ reader: inout ByteReader) throws(DecodeError) -> LogFrame {
    preconditionFailure("being built")
  }
  package var records: RawSpan {
    @_lifetime(borrow self)
    get { buffer.rawSpan }
  }
  /// As `decode`, keeping the bytes: what a follower appends.
  package mutating func take(_ reader: inout ByteReader) throws(DecodeError) -> EncodedFrame {
    preconditionFailure("being built")
  }
}
