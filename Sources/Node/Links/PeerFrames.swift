package import Octets
package import Proto

/// Takes the messages of a peer's frames, so many at a time: a frame may have thousands, whose records are all to be
/// applied, and heartbeats and other shards wait meanwhile.
package struct PeerFrames {
  /// Messages of one connection in a turn of its loop. One with a frame of one record takes some microseconds.
  package static let messagesMax = 512

  /// Bytes of the first frame's body that were taken before.
  private var done = 0

  package init() {}

  /// Gives messages in order.
  ///
  /// - Parameters:
  ///   - bytes: frames from where the last call left off.
  ///   - left: how many messages may be taken; what is left of it.
  ///   - each: a message, and where it ends in `bytes`.
  /// - Returns: the bytes of whole frames that are done. If `left` is 0 then, more may follow.
  /// - Throws: `truncated`: the next frame is not whole. Anything else: these are not what a peer sends.
  package mutating func take(
    _ bytes: RawSpan, _ left: inout Int, consumed: inout Int, _ each: (borrowing PeerItem, _ end: Int) -> Void
  ) throws(DecodeError) {
    while consumed < bytes.byteCount, left > 0 {
      let rest = bytes.extracting(consumed..<bytes.byteCount)
      let frame = try WireFrame(header: rest)
      guard frame.kind == .peerMessages else { throw .invalid(field: "frame kind") }
      var reader = ByteReader(try frame.body(of: rest))
      reader.offset = done
      while reader.bytesLeft > 0, left > 0 {
        let item = try PeerItem(decoding: &reader)
        done = reader.offset
        left -= 1
        each(item, consumed + WireFrame.headerBytes + done)
      }
      guard reader.bytesLeft == 0 else { return }
      done = 0
      consumed += WireFrame.headerBytes + frame.bodyBytes
    }
  }
}
