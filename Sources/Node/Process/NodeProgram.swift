import ClusterMap
import Coordinators
import EventLoop
import Flags
import Glibc
import Logging
import Proto

/// The executable: command line in, exit status out.
public enum NodeProgram {
  /// Runs until SIGTERM or SIGINT, or until the node can do nothing more (status 1).
  public static func main() async -> Never {
    Termination.ignoreOthers()
    DescriptorBudget.prepare()
    configureAllocator()
    let flags = CommandSpec.node.parseOrExit()
    let configuration: NodeConfiguration
    let address: CoordinatorAddress
    do throws(UsageError) {
      configuration = try NodeConfiguration(flags) { level, name in
        do throws(LogSink.OpenError) {
          return try LogSink(path: flags.text("log"), process: "node", name: name.description, level: level)
        } catch {
          standardError("holdfast-node: \(error)\n")
          exit(1)
        }
      }
      guard let found = CoordinatorAddress(flags.text("coordinator") ?? "") else {
        throw UsageError("--coordinator is file:DIR or etcd:http://HOST:PORT[,…]")
      }
      address = found
    } catch {
      CommandSpec.node.fail(error)
    }
    let log = configuration.log
    do {
      // Before anything that may take long.
      let termination = try Termination(patience: .seconds(15)) {
        log.reopen()
      } whileStarting: {
        log.info("node ends before it is up") { $0.field("node", configuration.name.description) }
        log.flush()
      }
      let node = try await Node.start(configuration, coordinator: try address.open()) { sentence in
        standardError("holdfast-node: \(sentence)\n")
      } onFailure: { reason in
        log.flush()
        standardError("holdfast-node: \(reason)\n")
        // Not `exit`: what runs at exit might wait for the very thread that failed.
        _exit(1)
      }
      termination.serving()
      await termination.asked()
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
}
