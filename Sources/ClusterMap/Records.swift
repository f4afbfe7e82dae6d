public import Proto
public import Time

/// What is decided when a cluster is born and never changes.
public struct BirthRecord: Equatable, Sendable {
  /// Random: tells two clusters apart that were given one coordinator by mistake.
  public var cluster: UInt64
  /// 1 to 1024.
  public var shardCount: Int
  public init(cluster: UInt64, shardCount: Int) { (self.cluster, self.shardCount) = (cluster, shardCount) }

  public static let shardCounts = 1...1_024
}

/// A node, as it registered when it came up. Says nothing about whether it still runs. One process at a time has the
/// name: the one that wrote the highest start number, by compare-and-set.
public struct NodeRecord: Equatable, Sendable {
  public var name: NodeName
  public var disk: UInt64
  /// `host:port`, where routers, the other nodes and the CLI reach it.
  public var address: String
  public var loops: Int
  public var pid: Int
  public var startedAt: Stamp
  /// Grows with each start of a process under this name; the newest is the node.
  public var start: UInt64
  /// Its shards may speak: before, nothing that it did counts.
  public var isServing: Bool
  /// Grows while this start writes to its log.
  public var presence: UInt64
  public init(
    name: NodeName, disk: UInt64, address: String, loops: Int, pid: Int, startedAt: Stamp, start: UInt64 = 0,
    isServing: Bool = true, presence: UInt64 = 0
  ) {
    (self.name, self.disk, self.address) = (name, disk, address)
    (self.loops, self.pid, self.startedAt) = (loops, pid, startedAt)
    (self.start, self.isServing, self.presence) = (start, isServing, presence)
  }
}

/// A key that signs the passes of waiting rooms. It never changes once it is written.
public struct PassKeyRecord: Equatable, Sendable {
  /// The token's `kid`: letters and digits.
  public var id: String
  /// The private key.
  public var pem: String
  /// From here on it signs, unless a newer one does.
  public var signsFrom: Stamp
  /// From here on nothing that it signed is believed.
  public var endsAt: Stamp
  public init(id: String, pem: String, signsFrom: Stamp, endsAt: Stamp) {
    (self.id, self.pem, self.signsFrom, self.endsAt) = (id, pem, signsFrom, endsAt)
  }
}

/// A router, as it registered when it came up.
public struct RouterRecord: Equatable, Sendable {
  /// `host:port` of the HTTP door, or `unix:path` if it has no port.
  public var http: String
  /// The same of the RESP door.
  public var tcp: String
  /// Where else they listen.
  public var moreHTTP: [String]
  public var moreTCP: [String]
  /// The machine that it runs on, by the name that it calls itself: files mean nothing elsewhere. Empty: not said.
  public var host: String
  public var pid: Int
  public var startedAt: Stamp
  /// Its last sign of life; it gives one every minute.
  public var seenAt: Stamp
  /// Both doors speak TLS.
  public var usesTLS: Bool

  /// - Parameters:
  ///   - http: all addresses of the HTTP door; at least one, the one for others first.
  ///   - tcp: the same of the RESP door.
  public init(
    http: [String], tcp: [String], host: String, pid: Int, startedAt: Stamp, seenAt: Stamp? = nil,
    usesTLS: Bool = false
  ) {
    (self.http, self.tcp) = (http.first ?? "", tcp.first ?? "")
    (moreHTTP, moreTCP) = (Array(http.dropFirst()), Array(tcp.dropFirst()))
    (self.host, self.pid, self.startedAt) = (host, pid, startedAt)
    (self.seenAt, self.usesTLS) = (seenAt ?? startedAt, usesTLS)
  }

  /// What tells it from others at the coordinator. The same path may be a router's on each machine, and so may an
  /// address such as 127.0.0.1.
  public var key: String { host.isEmpty && !http.hasPrefix("unix:") ? http : http + "@" + host }

  /// Under which a version before this one registered it; nil: under `key`.
  public var formerKey: String? { host.isEmpty || http.hasPrefix("unix:") ? nil : http }

  /// Whether this record, found under another's former key, is an earlier one of the same router: one machine has one
  /// process at an address.
  public func isFormer(of other: RouterRecord) -> Bool { host == other.host && http == other.http }

  /// Between two signs of life.
  public static let signEvery: Milliseconds = 60_000
  /// Silent for longer than this, a router is forgotten.
  public static let forgottenAfter: Milliseconds = 600_000

  public func isGone(at now: Stamp) -> Bool { now &- seenAt > Self.forgottenAfter }
}
