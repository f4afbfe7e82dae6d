import Inventory
import Journal
import JournalTestKit
import Octets
import Proto
import Replication
import ShardCore
import TestKit
import Testing

/// Goal: however far behind a replica is and however small its primary's frames are, a turn ships no more than a few
/// hundred of them: all that the loop's shards have to say to others waits meanwhile.
@Suite struct CatchUpTests {
  private static let joiner = ReplicaID(node: NodeName("n2")!, disk: 2)

  /// A primary whose log has one frame for each of so many holds, and one that asks to be taken in and has nothing.
  private struct Pair: ~Copyable {
    var primary: LoneShard
    /// The highest number that it sent.
    var number: UInt64 = 0
    /// Frames that were sent, in order, and how many in each turn.
    var frames: [LogFrame] = []
    var turns: [Int] = []

    init(holds: UInt32) throws {
      primary = LoneShard()
      let event = try primary.createEvent(arena("e", rows: 100, seatsPerRow: 1_000))
      for seat in 0..<holds {
        primary.send(oneSeatHolds(event, seats: seat..<(seat + 1)))
        primary.settle()
      }
      receive(.join(JoinRequest(epoch: primary.machine.replica.epoch, table: [], wantsSnapshot: false)))
      turn()
    }

    mutating func receive(_ message: ReplicaMessage) {
      primary.machine.take(
        ShardMessage(message, payload: RawSpan(), from: joiner, room: .open), time: primary.time, tools: &primary.tools)
    }

    /// Ends the turn, and takes what it sent.
    mutating func turn() {
      primary.turn(endsAt: .max)
      var count = 0
      for (message, payload) in primary.sent {
        switch message {
        case .joinAnswer(let answer): number = answer.number
        case .envelope(let envelope):
          number = envelope.number
          guard !payload.isEmpty else { continue }
          var reader = ByteReader(payload.rawSpan)
          if let frame = try? LogFrame(decoding: &reader) { frames.append(frame) }
          count += 1
        default: break
        }
      }
      primary.sent.removeAll()
      turns.append(count)
    }

    mutating func acknowledge() {
      let end = frames.last?.lastIndex ?? 0
      receive(
        .acknowledgement(
          Acknowledgement(epoch: primary.machine.replica.epoch, durable: end, number: number, end: end)))
    }
  }

  @Test func aTurnShipsAFewHundredFrames() throws {
    var pair = try Pair(holds: 5_000)
    let end = pair.primary.machine.position.index
    for _ in 0..<200 where pair.frames.last?.lastIndex != end {
      pair.acknowledge()
      pair.turn()
    }
    #expect(pair.frames.map(\.firstIndex) == Array(1...end), "all of them, in order")
    #expect(pair.turns.max()! <= 512, "\(pair.turns)")
  }

  /// What is no longer in memory is read from the disk in the same pieces.
  @Test func aReadHasAFewHundredFrames() throws {
    let log = try Log.open(MemoryStorage(), node: NodeName("n1")!, newDisk: 1, options: LogOptions())
    var maker = FrameMaker(seed: 1)
    try log.append((0..<1_000).map { _ in .frame(maker.frame(ShardID(0))) })
    _ = try log.sync()
    let driver = DiskDriver(log, OldSegments(log))
    var first: UInt64 = 1
    var reads: [Int] = []
    while first <= 1_000 {
      let result = driver.perform(
        .readFrames(token: 1, first: first, bytes: 1 << 20), of: ShardID(0), salt: { 0 }, complain: { _, _ in })
      guard case .framesRead(let frames?, 1) = result, let last = frames.last else { break }
      reads.append(frames.count)
      first = last.header.lastIndex + 1
    }
    #expect(reads == [256, 256, 256, 232])
  }
}
