import Journal
import JournalTestKit
import Octets
import Proto
import TestKit
import Testing

@Suite struct FrameCodecTests {
  @Test(arguments: [1, 2, 50, 2_000]) func roundTrip(records: Int) throws {
    var maker = FrameMaker(seed: UInt64(records))
    var decoder = FrameDecoder()
    for _ in 0..<3 {
      let frame = maker.frame(ShardID(3), records: records)
      var reader = ByteReader(frame.bytes.rawSpan)
      let taken = try decoder.take(&reader)
      #expect(taken.bytes == frame.bytes)
      #expect(taken.header == frame.header)
      var count = 0
      var walk = ByteReader(decoder.records)
      while walk.bytesLeft > 0 {
        _ = try CommandRecord(decoding: &walk)
        count += 1
      }
      #expect(count == records)
    }
  }

  /// The same encoder, the same bytes: nothing of an earlier, larger frame may shine through.
  @Test func reuseChangesNothing() throws {
    var fresh = FrameEncoder()
    var used = FrameEncoder()
    let large = [UInt8](repeating: 7, count: 3 << 20)
    _ = used.encode(
      large.rawSpan, shard: ShardID(1), epoch: 1, firstIndex: 1, count: 9, stamp: 1, committed: 0, previousChain: 0)
    let records = Array("sixteen bytes ok".utf8)
    func encode(_ encoder: inout FrameEncoder) -> [UInt8] {
      encoder.encode(
        records.rawSpan, shard: ShardID(1), epoch: 1, firstIndex: 10, count: 1, stamp: 1, committed: 0, previousChain: 5
      ).bytes
    }
    #expect(encode(&fresh) == encode(&used))
  }

  @Test func everyTruncationIsTruncated() throws {
    var maker = FrameMaker(seed: 1)
    let frame = maker.frame(ShardID(0), records: 20)
    var decoder = FrameDecoder()
    for count in 0..<frame.bytes.count {
      var reader = ByteReader(frame.bytes.rawSpan.extracting(0..<count))
      do {
        _ = try decoder.decode(&reader)
        Issue.record("\(count) bytes passed for the frame")
      } catch {
        guard case .truncated = error else {
          Issue.record("\(count) bytes: \(error)")
          continue
        }
        #expect(reader.offset == 0)
      }
    }
  }

  @Test func everyFlippedBitIsSeen() throws {
    var maker = FrameMaker(seed: 2)
    let frame = maker.frame(ShardID(0), records: 8)
    var decoder = FrameDecoder()
    let original = try Replayed(frame)
    for bit in 0..<(frame.bytes.count * 8) {
      var bytes = frame.bytes
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      var reader = ByteReader(bytes.rawSpan)
      // A flip in the block may decompress to the same records: then nothing was lost.
      guard let header = try? decoder.decode(&reader) else { continue }
      #expect(header == original.header && Bytes(decoder.records) == original.records, "bit \(bit)")
    }
  }

  /// A header with a right checksum may still lie about its sizes.
  @Test func sizesAreCappedBeforeAllocation() throws {
    let header = LogFrame(
      kind: .records, shard: ShardID(0), epoch: 1, firstIndex: 1, count: 1, rawBytes: UInt32(LogFrame.rawBytesMax),
      blockBytes: 10, recordsCRC: 0, stamp: 0, committed: 0, previousChain: 0)
    var bytes: [UInt8] = []
    header.encode(into: &bytes)
    bytes += [UInt8](repeating: 0, count: 10)
    var decoder = FrameDecoder()
    var reader = ByteReader(bytes.rawSpan)
    #expect(throws: DecodeError.invalid(field: "log frame sizes")) { try decoder.decode(&reader) }
  }

  @Test func localFramesAreNotTakenFromAPeer() throws {
    for kind in [LogFrame.Kind.batch, .cut, .rebuilt] {
      let header = LogFrame(
        kind: kind, shard: ShardID(0), epoch: 1, firstIndex: 1, count: 0, rawBytes: 0, blockBytes: 0, recordsCRC: 0,
        stamp: 0, committed: 0, previousChain: 0)
      var bytes: [UInt8] = []
      header.encode(into: &bytes)
      var decoder = FrameDecoder()
      var reader = ByteReader(bytes.rawSpan)
      #expect(throws: DecodeError.invalid(field: "log frame kind")) { try decoder.take(&reader) }
    }
  }

  @Test func randomBytesNeverTrap() throws {
    var random = SeededRandom(seed: 3)
    var maker = FrameMaker(seed: 4)
    let frame = maker.frame(ShardID(0), records: 30)
    var decoder = FrameDecoder()
    for _ in 0..<100_000 {
      var bytes = Array(frame.bytes.prefix(Int.random(in: 0...frame.bytes.count, using: &random)))
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      // The header's checksum made right again, so that the block is reached.
      if random.chance(50), bytes.count >= LogFrame.headerBytes {
        bytes.patch(crc32c(bytes.rawSpan.extracting(0..<80)), at: 80)
      }
      var reader = ByteReader(bytes.rawSpan)
      _ = try? decoder.decode(&reader)
    }
  }
}
