internal import ClusterMap
internal import Coordinators
internal import Flags
internal import Glibc
internal import Proto

/// The processes that `holdfast up` starts on one machine, and where their files lie.
struct LocalCluster {
  struct Part {
    /// `n1`, `router`, `etcd`: names the pid file and the log.
    var name: String
    var program: String
    var arguments: [String]
    /// What it listens on, with what for.
    var listens: [(address: String, what: String)]
    var isNode = false
  }

  var data: String
  var coordinator: CoordinatorAddress
  /// The router's doors; at least one address each.
  var http: [StreamAddress]
  var tcp: [StreamAddress]
  /// To be kept for the next time.
  var kept: [String: String]
  /// In the order in which they are started; stopped the other way round.
  var parts: [Part]

  func pidFile(_ part: String) -> String { "\(data)/run/\(part).pid" }
  func log(_ part: String) -> String { Self.log(part, in: data) }
  private static func log(_ part: String, in data: String) -> String { "\(data)/log/\(part).log" }
  func process(_ part: String) -> OwnProcess? { OwnProcess(pidFile: pidFile(part)) }

  static let flags: [FlagSpec] = [
    FlagSpec("nodes", "HOST:PORT,…", default: "127.0.0.1:7501,127.0.0.1:7502", "the nodes n1, n2, …"),
    CommandSpec.httpDoorFlag, CommandSpec.tcpDoorFlag, CommandSpec.unixModeFlag,
    FlagSpec(
      "coordinator", "file:DIR|etcd:http://HOST:PORT[,…]|etcd",
      "where the map lives (default file:DATA/coordinator); etcd alone: start one on 127.0.0.1:2379 and use it"),
    FlagSpec("shards", "N", default: "16", "number of shards, when the cluster is born"),
    FlagSpec("loops", "N", default: "0", "event loops of each process; 0: their own default"),
    FlagSpec("failure-timeout", "MS", default: "500", "silence after which a failover is tried"),
    FlagSpec("log-level", "LEVEL", default: "info", "debug, info, warning or error"),
    FlagSpec("cors", "ORIGIN,…|*", "allow pages of these origins, or of any, to call the HTTP door from a browser"),
    FlagSpec("demo", "FILE", default: "cluster/demo/arena.json", "the demo event's plan; none: no demo event"),
    FlagSpec("programs", "DIR", "where holdfast-node and holdfast-router are; else beside this program"), .data,
  ]

  init(_ given: ParsedFlags) throws(AdminError) {
    data = absolutePath(given.text("data") ?? "var")
    var flags = given
    flags.fill(with: try ClusterFile.read(data: data)?.flags ?? [:])
    kept = [:]
    for (name, _, _) in Self.keeping where name != "coordinator" {
      if let text = Self.text(of: name, in: flags) { kept[name] = text }
    }
    if let demo = kept["demo"], demo != "none" { kept["demo"] = absolutePath(demo) }
    http = try checked { () throws(UsageError) in try flags.streams("http") }
    tcp = try checked { () throws(UsageError) in try flags.streams("tcp") }
    _ = try checked { () throws(UsageError) in try flags.fileMode("unix-mode") }
    let programs = flags.text("programs") ?? programDirectory()
    parts = []
    let known = try ClusterFile.read(data: data)?.coordinator
    let wanted = flags.text("coordinator") ?? known ?? "file:\(data)/coordinator"
    if wanted == "etcd" || wanted == Self.ownEtcd.description && flags.text("coordinator") == nil {
      coordinator = Self.ownEtcd
      parts.append(Self.etcd(data: data))
    } else {
      guard let address = CoordinatorAddress(wanted) else {
        throw .usage("--coordinator: \"\(wanted)\" is neither file:DIR nor etcd:http://HOST:PORT[,…] nor etcd")
      }
      if case .file(let directory) = address {
        coordinator = .file(directory: absolutePath(directory))
      } else {
        coordinator = address
      }
    }
    let shards = try checked { () throws(UsageError) in try flags.number("shards", in: BirthRecord.shardCounts) } ?? 16
    let loops = try checked { () throws(UsageError) in try flags.number("loops", in: 0...256) } ?? 0
    let timeout =
      try checked { () throws(UsageError) in try flags.number("failure-timeout", in: 50...3_600_000) } ?? 500
    let level = flags.text("log-level") ?? "info"
    let nodes = (flags.text("nodes") ?? "").split(separator: ",").map(String.init)
    guard (1...16).contains(nodes.count) else { throw .usage("--nodes: one to sixteen addresses") }
    for (place, address) in nodes.enumerated() {
      let name = "n\(place + 1)"
      parts.append(
        Part(
          name: name, program: programs + "/holdfast-node",
          arguments: [
            "--name", name, "--listen", address, "--data", "\(data)/\(name)", "--coordinator", coordinator.description,
            "--shards",
            String(shards), "--loops", String(loops), "--failure-timeout", String(timeout), "--log-level", level,
            "--log", Self.log(name, in: data),
          ], listens: [(address, "node \(name)")], isNode: true))
    }
    var arguments = http.flatMap { ["--http", $0.description] } + tcp.flatMap { ["--tcp", $0.description] }
    arguments += ["--coordinator", coordinator.description, "--loops", String(loops), "--log-level", level]
    arguments += ["--log", Self.log("router", in: data)]
    if (http + tcp).contains(where: \.isUnix), let mode = flags.text("unix-mode") {
      arguments += ["--unix-mode", mode]
    }
    if let origin = flags.text("cors") { arguments += ["--cors", origin] }
    parts.append(
      Part(
        name: "router", program: programs + "/holdfast-router", arguments: arguments,
        listens: http.map { ($0.description, "the HTTP door") } + tcp.map { ($0.description, "the RESP door") }))
  }

  /// A flag's value as it is kept and compared: of a flag that may be given several times, all values.
  private static func text(of name: String, in flags: ParsedFlags) -> String? {
    guard Self.flags.first(where: { $0.name == name })?.repeats == true else { return flags.text(name) }
    // Paths from the root on, as the router is given them.
    let addresses = try? flags.streams(name).map(\.description)
    return (addresses ?? flags.all(name)).joined(separator: ",")
  }

  /// Two processes cannot listen at one address, and one not twice: said before any is started.
  func checkAddresses() throws(AdminError) {
    var users: [String: String] = [:]
    for part in parts {
      for (address, what) in part.listens where !address.hasSuffix(":0") {
        if let other = users.updateValue(what, forKey: address) {
          throw .usage("\(address) is given twice, for \(other) and for \(what): give each an address of its own")
        }
      }
    }
  }

  // MARK: What is kept

  /// The flags that `up` keeps in the data directory; whose processes take them; and whether the data were made with
  /// them, so that they cannot be given otherwise at all.
  private static let keeping: [(name: String, processes: @Sendable (Part) -> Bool, isFixed: Bool)] = [
    ("shards", { $0.isNode }, true), ("nodes", { $0.isNode }, true), ("coordinator", { _ in true }, true),
    ("http", { $0.name == "router" }, false), ("tcp", { $0.name == "router" }, false),
    ("unix-mode", { $0.name == "router" }, false),
    ("cors", { $0.name == "router" }, false), ("loops", { $0.name != "etcd" }, false),
    ("log-level", { $0.name != "etcd" }, false), ("failure-timeout", { $0.isNode }, false),
    ("demo", { _ in false }, false),
  ]

  /// Refuses flags that say something else than what this cluster was made with, or than what runs: at once, with
  /// both values.
  func checkAgainstKept(_ given: ParsedFlags) throws(AdminError) {
    guard let file = try ClusterFile.read(data: data) else { return }
    for (name, takes, isFixed) in Self.keeping where given.given.contains(name) {
      let known = name == "coordinator" ? file.coordinator : file.flags[name]
      guard let wanted = Self.text(of: name, in: given), known.map({ isSame(name, wanted, $0) }) != true
      else { continue }
      if isFixed {
        throw .refused(
          "--\(name) \(wanted): the cluster in \(data) has \(known ?? "none"); leave the flag out, or give another --data"
        )
      }
      if let part = parts.first(where: { takes($0) && process($0.name) != nil }) {
        throw .refused(
          "--\(name) \(wanted): \(part.name) runs \(known.map { "with " + $0 } ?? "without it"); leave the flag out, "
            + "or end it first (holdfast down)")
      }
    }
  }

  private func isSame(_ name: String, _ wanted: String, _ known: String) -> Bool {
    if name == "coordinator" { return coordinator.description == known || wanted == known }
    return wanted == known
  }

  /// Of a cluster that was born: it has as many shards as it was born with.
  func checkShards() async throws(AdminError) {
    guard let wanted = kept["shards"].flatMap({ Int($0) }), let open = try? coordinator.open(create: false)
    else { return }
    defer { open.close() }
    guard let birth = try? await open.birth(), birth.shardCount != wanted else { return }
    throw .refused("--shards \(wanted): this cluster was born with \(birth.shardCount); leave the flag out")
  }

  // MARK: etcd

  static let ownEtcd = CoordinatorAddress.etcd(endpoints: ["127.0.0.1:2379"])

  /// One etcd of our own, with its data beside the nodes'.
  private static func etcd(data: String) -> Part {
    let (client, peer) = ("http://127.0.0.1:2379", "http://127.0.0.1:2380")
    let path = ["/usr/bin/etcd", "/usr/local/bin/etcd"].first(where: isProgram) ?? "/usr/bin/etcd"
    return Part(
      name: "etcd", program: path,
      arguments: [
        "--name", "holdfast", "--data-dir", "\(data)/etcd", "--listen-client-urls", client, "--advertise-client-urls",
        client,
        "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "holdfast=\(peer)",
        "--auto-compaction-retention", "1h",
      ], listens: [("127.0.0.1:2379", "etcd"), ("127.0.0.1:2380", "etcd's peers")])
  }
}
