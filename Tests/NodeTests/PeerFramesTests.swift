import Node
import Octets
import Proto
import Testing
import Time

/// Goal: a peer's connection gives a turn of its loop a bounded number of messages, whatever frames they came in, and
/// each message once and in order.
@Suite struct PeerFramesTests {
  private func message(_ number: UInt64) -> ReplicaMessage {
    .envelope(Envelope(epoch: 1, number: number, stamp: Stamp(1), committed: 0, previous: 0))
  }

  private func frame(_ numbers: Range<UInt64>, payload: [UInt8] = []) -> [UInt8] {
    var out: [UInt8] = []
    let start = WireFrame.begin(.peerMessages, shard: ShardID(0), into: &out)
    for number in numbers { message(number).encode(shard: ShardID(3), into: &out) { $0.append(contentsOf: payload) } }
    WireFrame.end(start, in: &out)
    return out
  }

  @Test func aTurnTakesABoundedNumber() throws {
    let payload: [UInt8] = [7, 8, 9]
    // One frame of thousands, one of none, some of one: as many peers as there are versions.
    let bytes = frame(0..<5_000, payload: payload) + frame(0..<0) + frame(5_000..<5_001) + frame(5_001..<6_000)
    var frames = PeerFrames()
    var taken: [UInt64] = []
    var offset = 0
    var turns = 0
    while offset < bytes.count {
      turns += 1
      let before = taken.count
      var left = PeerFrames.messagesMax
      var consumed = 0
      let shown = bytes[offset...]
      try frames.take(shown.rawSpan, &left, consumed: &consumed) { item, end in
        guard case .envelope(let envelope) = item.message else { return }
        taken.append(envelope.number)
        // The payload is the end of what was taken.
        let kept = Array(shown.prefix(end).suffix(item.payload.byteCount))
        #expect(kept == (envelope.number < 5_000 ? payload : []))
      }
      offset += consumed
      #expect(taken.count - before == PeerFrames.messagesMax - left)
      #expect(taken.count - before <= 512 && (left == 0 || offset == bytes.count))
    }
    #expect(taken == Array(0..<6_000))
    #expect(turns == 12)
  }

  /// What has not all come is waited for, and nothing of it counts.
  @Test func halfAFrameWaits() throws {
    let bytes = frame(0..<3) + frame(3..<5)
    let whole = frame(0..<3).count
    for count in 0..<bytes.count {
      var frames = PeerFrames()
      var left = 10
      var consumed = 0
      var seen = 0
      var isWhole = true
      let shown = Array(bytes[..<count])
      do throws(DecodeError) {
        try frames.take(shown.rawSpan, &left, consumed: &consumed) { _, _ in seen += 1 }
      } catch {
        guard case .truncated = error else {
          Issue.record("\(error)")
          return
        }
        isWhole = false
      }
      #expect(isWhole == (count == 0 || count == whole))
      #expect(seen == (count >= whole ? 3 : 0) && consumed == (count >= whole ? whole : 0))
    }
  }

  @Test func anotherKindIsRefused() {
    var out: [UInt8] = []
    let start = WireFrame.begin(.requests, shard: ShardID(0), into: &out)
    WireFrame.end(start, in: &out)
    var frames = PeerFrames()
    var (left, consumed) = (10, 0)
    #expect(throws: DecodeError.invalid(field: "frame kind")) {
      try frames.take(out.rawSpan, &left, consumed: &consumed) { _, _ in }
    }
  }
}
