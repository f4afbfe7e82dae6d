import ClusterMap
import EventLoop
import Flags
import Glibc
import Logging
import Proto

/// The executable: command line in, exit status out.
public enum NodeProgram {
  /// Runs until SIGTERM or SIGINT, or until the node can do nothing more (status 1).
  public static func main() async -> Never {
    configureAllocator()
    let flags = CommandSpec.node.parseOrExit()
    let configuration: NodeConfiguration
    let address: CoordinatorAddress
    do throws(UsageError) {
      configuration = try NodeConfiguration(flags) { LogSink(descriptor: 1, process: "node", level: $0) }
      guard let found = CoordinatorAddress(flags.text("coordinator") ?? "") else {
        throw UsageError("--coordinator is file:DIR or etcd:http://HOST:PORT[,…]")
      }
      address = found
    } catch {
      CommandSpec.node.fail(error)
    }
    let log = configuration.log
    do {
      // Before anything that may take long, so that a signal ends the process in good order from the first moment on.
      let signals = try Signals()
      let node = try await Node.start(configuration, coordinator: try address.open()) { sentence in
        standardError("holdfast-node: \(sentence)\n")
      } onFailure: { reason in
        log.flush()
        standardError("holdfast-node: \(reason)\n")
        // Not `exit`: what runs at exit might wait for the very thread that failed.
        _exit(1)
      }
      await signals.next()
      log.info("node ends") { $0.field("node", configuration.name.description) }
      await node.stop()
      log.flush()
      exit(0)
    } catch {
      log.error("cannot start") { $0.field("error", "\(error)") }
      log.flush()
      standardError("holdfast-node: \(error)\n")
      exit(1)
    }
  }

  /// SIGTERM and SIGINT, as something that can be awaited. A second one ends the process at once.
  private final class Signals: Sendable {
    private let stream: AsyncStream<Int32>

    init() throws(SocketError) {
      let (stream, continuation) = AsyncStream<Int32>.makeStream()
      self.stream = stream
      let loop = try EventLoop(name: "signals")
      try SignalWatch(on: loop) { continuation.yield($0) }
      try loop.start()
    }

    func next() async {
      var iterator = stream.makeAsyncIterator()
      _ = await iterator.next()
      let rest = stream
      Task {
        for await _ in rest { _exit(1) }
      }
    }
  }
}
