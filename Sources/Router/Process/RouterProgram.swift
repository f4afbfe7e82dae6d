internal import ClusterMap
import Coordinators
internal import EventLoop
internal import Flags
internal import Glibc
internal import Logging
import Proto
import Time

/// The executable: command line in, exit status out.
public enum RouterProgram {
  /// Runs until SIGTERM or SIGINT.
  public static func main() async -> Never {
    Termination.ignoreOthers()
    DescriptorBudget.prepare()
    configureAllocator()
    let flags = CommandSpec.router.parseOrExit()
    var configuration = RouterConfiguration()
    let address: CoordinatorAddress
    let level: LogLevel
    do throws(UsageError) {
      (configuration, address, level) = try read(flags)
    } catch {
      CommandSpec.router.fail(error)
    }
    let log = log(to: flags.text("log"), name: configuration.http.first.map { "\($0)" } ?? "", level)
    do {
      let termination = try Termination(patience: .seconds(15)) {
        log.reopen()
      } whileStarting: {
        log.info("ends before it serves")
        log.flush()
      }
      let router = try await Router.start(configuration, coordinator: try address.open(), log: log)
      termination.serving()
      await termination.asked()
      await router.stop()
      exit(0)
    } catch {
      log.error("cannot start") { $0.field("error", "\(error)") }
      log.flush()
      standardError("holdfast-router: \(error)\n")
      exit(1)
    }
  }

  private static func log(to path: String?, name: String, _ level: LogLevel) -> LogSink {
    do throws(LogSink.OpenError) {
      return try LogSink(path: path, process: "router", name: name, level: level)
    } catch {
      standardError("holdfast-router: \(error)\n")
      exit(1)
    }
  }

  private static func advertised(_ flags: ParsedFlags, _ name: String) throws(UsageError) -> HostPort? {
    guard let (host, port) = try flags.address(name) else { return nil }
    let address = HostPort(host: host, port: port)
    guard !address.isUnspecified else {
      throw UsageError("--\(name): \(host) is every address of this machine and none that others can connect to")
    }
    return address
  }

  private static func endpoint(_ address: StreamAddress) -> Endpoint {
    switch address {
    case .port(let host, let port): .internet(HostPort(host: host, port: port))
    case .unix(let path): .unix(path: path)
    }
  }

  private static func read(
    _ flags: ParsedFlags
  ) throws(UsageError) -> (RouterConfiguration, CoordinatorAddress, LogLevel) {
    var configuration = RouterConfiguration()
    configuration.http = try flags.streams("http").map(endpoint)
    configuration.tcp = try flags.streams("tcp").map(endpoint)
    configuration.advertisedHTTP = try advertised(flags, "advertise-http")
    configuration.advertisedTCP = try advertised(flags, "advertise-tcp")
    if let mode = try flags.fileMode("unix-mode") { configuration.unixMode = mode }
    if let loops = try flags.number("loops", in: 0...64), loops > 0 { configuration.loops = loops }
    if let wait = try flags.number("failover-wait", in: 0...20_000) {
      configuration.failoverWait = Milliseconds(Int64(wait))
    }
    if let time = try flags.number("header-timeout", in: 1...86_400) { configuration.headerTimeout = .seconds(time) }
    if let time = try flags.number("body-timeout", in: 1...86_400) { configuration.bodyTimeout = .seconds(time) }
    if let time = try flags.number("idle-timeout", in: 1...86_400) { configuration.idleTimeout = .seconds(time) }
    if let time = try flags.number("resp-idle-timeout", in: 0...31_536_000) {
      configuration.respIdleTimeout = .seconds(time)
    }
    if let size = try flags.number("input-memory", in: 1...65_536) { configuration.inputMemory = size << 20 }
    if let size = try flags.number("output-memory", in: 1...65_536) { configuration.outputMemory = size << 20 }
    if let size = try flags.number("copy-memory", in: 1...65_536) { configuration.copyMemory = size << 20 }
    if let origins = flags.text("cors") {
      guard let known = CrossOrigin(origins) else {
        throw UsageError("--cors is * or origins such as https://shop.example, separated by commas")
      }
      configuration.crossOrigin = known
    }
    configuration.certificateFile = flags.text("tls-cert")
    configuration.keyFile = flags.text("tls-key")
    guard (configuration.certificateFile == nil) == (configuration.keyFile == nil) else {
      throw UsageError("--tls-cert and --tls-key are given together")
    }
    switch flags.text("access-log") {
    case "on": configuration.logsRequests = true
    case "off", nil: break
    default: throw UsageError("--access-log is on or off")
    }
    guard let address = CoordinatorAddress(flags.text("coordinator") ?? "") else {
      throw UsageError("--coordinator is file:DIR or etcd:http://HOST:PORT[,…]")
    }
    guard let level = LogLevel(name: flags.text("log-level") ?? "info") else {
      throw UsageError("--log-level is debug, info, warning or error")
    }
    return (configuration, address, level)
  }
}
