import Budgets
import ClusterMap
import EventLoop
internal import Glibc
import Logging
import Octets
import Proto
import Threads
import Time

/// What the doors of all loops have in common: settings that do not change.
struct DoorContext: Sendable {
  var headerTimeout = Duration.seconds(10)
  var bodyTimeout = Duration.seconds(30)
  /// Nanoseconds, because it is set anew with every request.
  var idleTimeout: UInt64 = 75_000_000_000
  /// The same at the RESP door; 0: never.
  var respIdleTimeout: UInt64 = 0
  var crossOrigin = CrossOrigin()
  var logsRequests = false
  /// Bit n for each of the process's loops.
  var loops: UInt64
  /// Monotonic.
  var startedAt: MonotonicTime
  var processID: Int
  /// Where the RESP door listens.
  var respDoors: [Endpoint]
  /// As Redis: `tcp-keepalive`.
  static let respKeepAlive = 300
  /// Bounds what all connections keep of unfinished requests, and of answers that nobody takes.
  let inputBudget: MemoryBudget
  let outputBudget: MemoryBudget
  let news = SharedNews()
  let passKeys = SharedPassKeys()
  /// Reads large events' bodies.
  let plans: Worker
  /// Makes what reads of large events need: indexes, maps, plan bodies.
  let copies: Worker

  init(
    _ configuration: RouterConfiguration, loopCount: Int, respDoors: [Endpoint]
  ) throws(SocketError) {
    inputBudget = MemoryBudget(limit: configuration.inputMemory)
    outputBudget = MemoryBudget(limit: configuration.outputMemory)
    plans = Worker(name: "plans", jobsMax: 8)
    copies = Worker(name: "copies", jobsMax: 64)
    headerTimeout = configuration.headerTimeout
    bodyTimeout = configuration.bodyTimeout
    idleTimeout = configuration.idleTimeout.nanoseconds
    respIdleTimeout = configuration.respIdleTimeout.nanoseconds
    crossOrigin = configuration.crossOrigin
    logsRequests = configuration.logsRequests
    loops = loopCount >= 64 ? .max : 1 << UInt64(loopCount) - 1
    startedAt = monotonicTime()
    processID = Int(getpid())
    self.respDoors = respDoors
  }
}

/// What the process saw of its surroundings and the log does not say yet.
final class SharedNews: Sendable {
  let value = Lock(NodeNews())
  /// Whether the coordinator answers.
  let reachability = Lock(Reachability())
}

extension DoorContext {
  var isCoordinatorReachable: Bool { news.reachability.withLock(\.isReachable) }

  /// - Parameter isServing: the cluster is known, so that sales need no coordinator.
  func coordinatorFailed(_ error: CoordinatorError, isServing: Bool = true, _ log: LogSink) {
    guard case .lost(let error) = news.reachability.withLock({ $0.failed(error, now: monotonicTime()) }) else { return }
    if isServing {
      log.warning("the coordinator cannot be reached: sales go on, and roles cannot change") {
        $0.field("error", "\(error)")
      }
    } else {
      log.warning("the coordinator cannot be reached: the router waits for it, and answers that it is not ready") {
        $0.field("error", "\(error)")
      }
    }
  }

  func coordinatorAnswered(_ log: LogSink) {
    guard case .back(let length) = news.reachability.withLock({ $0.answered(now: monotonicTime()) }) else { return }
    log.warning("the coordinator can be reached again") { $0.field("away_ms", length.rawValue) }
  }
}
