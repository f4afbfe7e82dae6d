import Foundation
import Node
import Octets
import Proto

/// A buyer's side that goes on through failovers: holds one seat after the other, each under a key of its own, and asks
/// again until it knows what came of it. Runs on a thread of its own.
final class Seller: @unchecked Sendable {
  private let lock = NSLock()
  private var isStopping = false
  private var held: [UInt32: Outcome.Held] = [:]
  private var failureCount = 0
  private var gapMax: Duration = .zero
  private let finished = DispatchSemaphore(value: 0)
  private let ports: @Sendable () -> [UInt16]
  private let event: EventRef
  private let cluster: UInt64
  private let shard: ShardID
  private let seats: Range<UInt32>
  private let batch: Int

  /// - Parameter ports: where the nodes listen now.
  init(
    _ event: EventRef, of cluster: UInt64, on shard: ShardID, seats: Range<UInt32>, batch: Int = 8,
    ports: @escaping @Sendable () -> [UInt16]
  ) {
    self.cluster = cluster
    (self.event, self.shard, self.seats, self.batch, self.ports) = (event, shard, seats, batch, ports)
  }

  /// What was answered with yes, by seat. A copy of its own: Thread Sanitizer cannot see that the last reader of a
  /// shared one let go.
  var acknowledged: [UInt32: Outcome.Held] {
    lock.withLock { Dictionary(uniqueKeysWithValues: held.map { ($0.key, $0.value) }) }
  }
  /// Answers that a buyer would have seen as an error: unknown, a refusal of a free seat.
  var failures: Int { lock.withLock { failureCount } }
  /// The longest time without an answer.
  var longestGap: Duration { lock.withLock { gapMax } }

  static func hold(_ seat: UInt32, _ event: EventRef) -> (Command, key: Bytes) {
    (
      .hold(.init(event: event, secret: UInt64(seat) + 1_000, buyer: "load", seats: [SeatIndex(seat)])),
      key: Bytes("seat-\(seat)")
    )
  }

  func start() {
    let thread = Thread { [self] in
      run()
      finished.signal()
    }
    thread.start()
  }

  /// Stops after the batch that is under way.
  func stop() async {
    lock.withLock { isStopping = true }
    await withCheckedContinuation { continuation in
      Thread { [self] in
        finished.wait()
        continuation.resume()
      }.start()
    }
  }

  private func run() {
    var client: LinkClient?
    var turn = 0
    var connection: UInt64 = 1
    var lastAnswer = ContinuousClock.now
    var next = seats.lowerBound
    while next < seats.upperBound, !lock.withLock({ isStopping }) {
      let until = min(next + UInt32(batch), seats.upperBound)
      var open = Array(next..<until)
      while !open.isEmpty, !lock.withLock({ isStopping }) {
        do {
          if client == nil {
            let list = ports()
            guard !list.isEmpty else { throw LinkError("no node") }
            connection += 1
            client = try LinkClient(port: list[turn % list.count], cluster: cluster, router: 77, connection: connection)
          }
          let ids = try client!.send(open.map { Self.hold($0, event) }, to: shard)
          var again: [UInt32] = []
          for (seat, id) in zip(open, ids) {
            switch try client!.reply(to: id) {
            case .outcome(.held(let outcome)):
              lock.withLock {
                held[seat] = outcome
                gapMax = max(gapMax, ContinuousClock.now - lastAnswer)
              }
              lastAnswer = ContinuousClock.now
            case .failed(.notPrimary), .failed(.overloaded), .failed(.diskFull): again.append(seat)
            case .failed(.unknown):
              lock.withLock { failureCount += 1 }
              again.append(seat)
            default: lock.withLock { failureCount += 1 }
            }
          }
          open = again
          if !again.isEmpty {
            client = nil
            turn += 1
            usleep(2_000)
          }
        } catch {
          client = nil
          turn += 1
          usleep(5_000)
        }
      }
      next = until
    }
  }
}
