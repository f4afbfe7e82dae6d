import EventLoop
public import Flags
public import Logging
import Octets
public import Proto
public import Time

/// What a node is started with: the flags of `holdfast-node`, checked.
public struct NodeConfiguration: Sendable {
  public var name: NodeName
  /// Where routers, the other node and the CLI reach it. Port 0: any free one.
  public var host: String
  public var port: UInt16
  /// Where others reach it, if that is not where it listens; port 0: the one that it listens at.
  public var advertised: (host: String, port: UInt16)?
  /// The directory of log, snapshots and identity.
  public var dataDirectory: String
  /// Counts only when the cluster is born.
  public var shardCount: Int
  public var loopCount: Int
  /// Silence after which a failover is tried.
  public var failureTimeout: Milliseconds
  /// Time between heartbeats.
  public var heartbeat: Milliseconds
  public var segmentBytes: Int
  /// Bytes of a shard's log after which it is snapshotted again.
  public var snapshotBytes: Int
  /// How long a request may wait for its commit before it ends `unknown`.
  public var requestDeadline: Milliseconds
  /// How long the first node of a cluster waits for a second one before it takes all shards alone.
  public var birthWait: Milliseconds = 3_000
  /// Bytes of unfinished messages on all connections that others opened.
  public var inputBytesMax = 64 << 20
  /// Where `/metrics` and `/healthz` are served over HTTP; nil: nowhere.
  public var metrics: (host: String, port: UInt16)?
  public var log: LogSink

  public init(
    name: NodeName, host: String = "127.0.0.1", port: UInt16 = 0, dataDirectory: String, shardCount: Int = 16,
    loopCount: Int = 1, failureTimeout: Milliseconds = 500, heartbeat: Milliseconds = 0, segmentBytes: Int = 64 << 20,
    snapshotBytes: Int = 64 << 20, requestDeadline: Milliseconds = 20_000, log: LogSink = .none
  ) {
    (self.name, self.host, self.port, self.dataDirectory) = (name, host, port, dataDirectory)
    (self.shardCount, self.loopCount, self.failureTimeout) = (shardCount, loopCount, failureTimeout)
    self.heartbeat = heartbeat > 0 ? heartbeat : min(100, max(5, failureTimeout / 10))
    (self.segmentBytes, self.snapshotBytes, self.requestDeadline) = (segmentBytes, snapshotBytes, requestDeadline)
    self.log = log
  }

  /// What is registered, for routers, the other nodes and the CLI.
  func address(listeningAt listening: UInt16) -> String {
    guard let advertised else { return HostPort(host: host, port: listening).description }
    return HostPort(host: advertised.host, port: advertised.port == 0 ? listening : advertised.port).description
  }

  /// Reads the flags of `CommandSpec.node`.
  public init(_ flags: ParsedFlags, log: (LogLevel, NodeName) -> LogSink) throws(UsageError) {
    guard let name = NodeName(Bytes(flags.text("name") ?? "")) else {
      throw UsageError("--name: 1 to 64 of A-Z a-z 0-9 . _ -")
    }
    guard let address = try flags.address("listen") else { throw UsageError("--listen is missing") }
    let advertised = try flags.address("advertise")
    for (flag, host) in [("listen", advertised == nil ? address.host : nil), ("advertise", advertised?.host)] {
      guard let host, HostPort(host: host, port: 0).isUnspecified else { continue }
      throw UsageError(
        "--\(flag): \(host) is every address of this machine and none that others can connect to; say with "
          + "--advertise HOST:PORT where routers and the other nodes reach this one")
    }
    guard let level = LogLevel(name: flags.text("log-level") ?? "info") else {
      throw UsageError("--log-level: debug, info, warning or error")
    }
    let loops = try flags.number("loops", in: 0...Int(NodeHello.loopsMax)) ?? 0
    let timeout = try flags.number("failure-timeout", in: 50...3_600_000) ?? 500
    self.init(
      name: name, host: address.host, port: address.port, dataDirectory: flags.text("data") ?? "var/n1",
      shardCount: try flags.number("shards", in: 1...1_024) ?? 16,
      loopCount: loops == 0 ? min(processorCount(), Int(NodeHello.loopsMax)) : loops,
      failureTimeout: Milliseconds(Int64(timeout)),
      heartbeat: Milliseconds(Int64(try flags.number("heartbeat", in: 0...60_000) ?? 0)),
      segmentBytes: try flags.number("segment-bytes", in: (1 << 20)...(1 << 30)) ?? 64 << 20,
      snapshotBytes: try flags.number("snapshot-bytes", in: 4_096...(1 << 40)) ?? 64 << 20,
      log: log(level, name))
    if let size = try flags.number("input-memory", in: 1...65_536) { inputBytesMax = size << 20 }
    metrics = try flags.address("metrics")
    self.advertised = advertised
  }
}
