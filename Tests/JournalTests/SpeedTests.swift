import Glibc
import Journal
import JournalTestKit
import Octets
import Proto
import TestKit
import Testing

@Suite struct SpeedTests {
  /// Not a threshold: a figure, and that nothing is lost on the way. `HOLDFAST_RECOVERY_RECORDS` sets another size.
  @Test func recoveryFigure() throws {
    let wanted = RecordCount.count
    let directory = TemporaryDirectory()
    let storage = try DirectoryStorage(directory.path)
    let log = try Log.open(storage, node: node, newDisk: 1)
    var makers = (0..<16).map { FrameMaker(seed: UInt64($0)) }
    var written = 0
    // Frames as a busy primary makes them.
    while written < wanted {
      let group = makers.indices.map { makers[$0].frame(ShardID(UInt16($0)), records: 64) }
      try log.append(group.map { .frame($0) })
      _ = try log.sync()
      written += 64 * 16
    }
    let bytes = log.size.bytes
    log.close()
    let clock = ContinuousClock()
    var again: Log?
    let opening = try clock.measure { again = try Log.open(storage, node: node, newDisk: 1) }
    let reopened = try #require(again)
    #expect(reopened.recovery.recordCount == written)
    var replayed = 0
    let starts = Dictionary(uniqueKeysWithValues: (0..<16).map { (ShardID($0), LogEnd()) })
    let replaying = try clock.measure {
      try reopened.replay(starts) { frame, records in replayed += Int(frame.count) }
    }
    #expect(replayed == written)
    reopened.close()
    print("recovery: \(written) records, \(bytes >> 20) MiB of log: opened in \(opening), replayed in \(replaying)")
  }
}

/// What the log takes for a hold of one seat, as a primary under load writes them: a count that repeats.
@Suite struct LogSizeTests {
  @Test func bytesOfLogAHold() throws {
    var records: [UInt8] = []
    for number in UInt64(0)..<8_000 {
      var key: [UInt8] = []
      key.put(UInt64(0x0123_4567_89AB_CDEF))
      key.put(number + 1_000_000)
      let event = EventRef(slot: EventSlot(3), incarnation: 0xFEDC_BA98_7654_3210)
      Command.hold(
        Command.Hold(event: event, secret: mix64(number), buyer: "buyer001", seats: [SeatIndex(UInt32(number))])
      ).encode(key: Bytes(key), keyIsFromRouter: true, into: &records)
    }
    var encoder = FrameEncoder()
    let frame = encoder.encode(
      records.rawSpan, shard: ShardID(0), epoch: 1, firstIndex: 1, count: 8_000, stamp: 1_700_000_000_000,
      committed: 0, previousChain: 0)
    let each = Double(frame.bytes.count) / 8_000
    let limit = try #require(threshold("bytes of log a hold, batches of 8,000"))
    #expect(each <= limit)
  }
}

private enum RecordCount {
  static var count: Int {
    guard let text = getenv("HOLDFAST_RECOVERY_RECORDS") else { return 100_000 }
    return Int(String(cString: text)) ?? 100_000
  }
}
