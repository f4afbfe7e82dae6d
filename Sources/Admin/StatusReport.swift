internal import ClusterMap
internal import Octets
internal import Proto
import Time

/// What `holdfast status` found out, as values, so that its forms can be tested without a cluster.
struct StatusReport {
  struct Node {
    var name: NodeName
    var address: String
    var pid: Int
    /// nil: it does not answer.
    var status: NodeStatus?
    /// As JSON has it.
    var state: String {
      switch status?.state {
      case .up: "up"
      case .halted: "halted"
      case .recovering, nil: "down"
      }
    }
    /// For people.
    var words: String {
      switch status?.state {
      case .up: "up"
      case .halted: "halted"
      case .recovering: "reads its log"
      case nil: "does not answer"
      }
    }
    var reason: String { status?.reason.description ?? "" }
  }
  struct Router {
    var record: RouterRecord
    /// Why it was not heard; nil: it answers.
    var silence: Silence?

    /// The later one says more: of several doors its word counts.
    enum Silence: Comparable {
      /// Nobody listens where it did.
      case gone
      /// Somebody listens, or something lies between.
      case noAnswer
      /// Somebody is there, but not for the one who asked.
      case notHeard(String)
      /// Only processes of its own machine can ask it.
      case cannotAsk
    }

    var state: String {
      switch silence {
      case nil: "up"
      case .gone, .noAnswer: "down"
      case .notHeard, .cannotAsk: "unknown"
      }
    }
    var words: String {
      switch silence {
      case nil: "up"
      case .gone: "gone (last sign of life \(clockTime(record.seenAt)))"
      case .noAnswer: "does not answer (last sign of life \(clockTime(record.seenAt)))"
      case .notHeard(let why): "unknown: \(why)"
      case .cannotAsk: "unknown: it listens at files and addresses that only \(record.host) can reach"
      }
    }
  }
  struct Digests {
    var index: UInt64
    /// By node; as many as could be had at this one index.
    var values: [(node: NodeName, value: UInt64)]
    var differ: Bool { Set(values.map(\.value)).count > 1 }
  }

  /// For monitors; the number is the exit status of `--check`.
  enum Verdict: Int32 {
    case good = 0
    case copyMissing = 1
    case cannotSell = 2
  }

  var shardCount: Int
  var nodes: [Node]
  var routers: [Router]
  var registers: [ShardID: MapRegister]
  var digests: [ShardID: Digests] = [:]
  /// When the answers came.
  var heardAt: Stamp
  /// Why the coordinator was not read; nil: it was.
  var coordinatorTrouble: String?
  /// Nodes of other clusters that answered where one of this was looked for.
  var strangers: [String] = []
  /// Where a node was looked for and did not answer, if the coordinator does not name the nodes.
  var silentAddresses: [String] = []

  func replica(_ shard: ShardID, on node: NodeName) -> ReplicaStatus? {
    nodes.first { $0.name == node }?.status?.replicas.first { $0.shard == shard }
  }

  /// What each node that answered says of a shard, by node; not those that have nothing to do with it.
  private func heard(_ shard: ShardID) -> [(node: Node, replica: ReplicaStatus)] {
    nodes.compactMap { node in
      replica(shard, on: node.name).map { (node, $0) }
    }.filter { $0.replica.role != .none || !$0.replica.reason.isEmpty }
  }

  // MARK: A shard

  var shards: [ShardCondition] {
    (0..<shardCount).map { number in
      let shard = ShardID(UInt16(number))
      return ShardCondition(
        shard, entry: registers[shard]?.entry, isMapKnown: coordinatorTrouble == nil, heard: heard(shard),
        silent: nodes.filter { $0.status == nil }.map(\.name), digests: digests[shard])
    }
  }

  var verdict: Verdict {
    let shards = shards
    if shards.isEmpty || shards.contains(where: { $0.sells != true }) { return .cannotSell }
    return shards.contains { $0.copies != 2 || $0.digests?.differ == true } ? .copyMissing : .good
  }

  // MARK: One sentence

  /// `16 shards: 14 with two copies, 2 with one (n1 has been silent since 12:04:31)`.
  var summary: String {
    let shards = shards
    var counts: [(Int, String)] = []
    func count(_ text: String, _ isMeant: (ShardCondition) -> Bool) {
      let number = shards.count { isMeant($0) }
      if number > 0 { counts.append((number, text)) }
    }
    count("with two copies") { $0.sells == true && $0.copies == 2 && $0.digests?.differ != true }
    count("with two copies that differ") { $0.sells == true && $0.copies == 2 && $0.digests?.differ == true }
    count("with one") { $0.sells == true && $0.copies != 2 }
    count("that cannot sell") { $0.sells == false }
    count("unknown") { $0.sells == nil }
    var text = "\(shardCount) shard\(shardCount == 1 ? "" : "s")"
    text += counts.isEmpty ? "" : ": " + counts.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    let reasons = reasons(shards)
    if !reasons.isEmpty { text += " (\(reasons.joined(separator: "; ")))" }
    return text
  }

  /// What is wrong, each thing once, at most five.
  private func reasons(_ shards: [ShardCondition]) -> [String] {
    var found: [String] = []
    func add(_ text: String) { if !found.contains(text) { found.append(text) } }
    for shard in shards { for reason in shard.aloneBecause { add(reason) } }
    for node in nodes {
      switch node.status?.state {
      case .up: if !node.reason.isEmpty { add("\(node.name): \(node.reason)") }
      case .halted: add("\(node.name) is halted: \(node.reason)")
      case .recovering: add("\(node.name) reads its log")
      // Its peer said more.
      case nil: if !found.contains(where: { $0.hasPrefix("\(node.name) ") }) { add("\(node.name) does not answer") }
      }
    }
    for shard in shards { if let trouble = shard.trouble { add(trouble) } }
    for address in silentAddresses { add("no node answers at \(address)") }
    for stranger in strangers { add(stranger) }
    if let coordinatorTrouble { add(coordinatorTrouble) }
    return found.count > 5 ? found.prefix(5) + ["…"] : found
  }

  // MARK: For people

  /// `12:04:31 UTC`, of today or not.
  private var heardTime: String { clockTime(heardAt) }

  var text: String {
    var out = summary + "\n\n"
    out += table(
      [["NODE", "ADDRESS", "PID", "STATE"]]
        + nodes.map { node in
          [
            node.name.description, node.address, String(node.pid),
            node.words + (node.reason.isEmpty ? "" : ": " + node.reason),
          ]
        } + silentAddresses.map { ["?", $0, "-", "does not answer"] })
    out += "\n"
    out += table(
      [["ROUTER (HTTP)", "RESP", "PID", "STATE"]]
        + routers.map { router in
          [
            ([router.record.http] + router.record.moreHTTP).joined(separator: " "),
            ([router.record.tcp] + router.record.moreTCP).joined(separator: " "), String(router.record.pid),
            router.words,
          ]
        })
    out += "\n"
    out += table(
      [["SHARD", "EPOCH", "PRIMARY", "INDEX", "FOLLOWER", "INDEX", "HEARD AT \(heardTime)", "STATE"]]
        + shards.map { shard in
          [
            String(shard.shard.rawValue), shard.epoch.map(String.init) ?? "-", shard.primary?.description ?? "-",
            shard.primaryIndex.map(String.init) ?? "-",
            shard.follower?.description ?? shard.joining.map { "(\($0))" } ?? "-",
            shard.followerIndex.map(String.init) ?? "-",
            shard.heard.isEmpty
              ? "nothing" : shard.heard.map { "\($0.node.name) \($0.replica.role.word)" }.joined(separator: ", "),
            shard.words,
          ]
        })
    return out
  }

  // MARK: JSON

  var json: JSONValue {
    .object([
      .init("summary", .text(summary)), .init("check", .number(verdict.rawValue)),
      .init("heard_at", .number(heardAt.rawValue)),
      .init("coordinator", coordinatorTrouble.map { .text($0) } ?? .null),
      .init(
        "nodes",
        .array(
          nodes.map { node in
            .object([
              .init("node", .text(node.name.description)), .init("address", .text(node.address)),
              .init("pid", .number(node.pid)), .init("state", .text(node.state)),
              .init("answers", .bool(node.status != nil)), .init("reason", .text(node.reason)),
            ])
          }
            + silentAddresses.map { address in
              .object([
                .init("node", .null), .init("address", .text(address)), .init("pid", .null),
                .init("state", .text("down")), .init("answers", .bool(false)), .init("reason", .text("")),
              ])
            })),
      .init(
        "routers",
        .array(
          routers.map { router in
            let more = [("more_http", router.record.moreHTTP), ("more_tcp", router.record.moreTCP)]
            return .object(
              [
                .init("http", .text(router.record.http)), .init("tcp", .text(router.record.tcp)),
                .init("host", .text(router.record.host)), .init("pid", .number(router.record.pid)),
                .init("state", .text(router.state)),
                .init("seen_at", .number(router.record.seenAt.rawValue)), .init("tls", .bool(router.record.usesTLS)),
              ] + more.filter { !$0.1.isEmpty }.map { .init($0.0, .array($0.1.map(JSONValue.text))) })
          })),
      .init("shards", .array(shards.map(\.json))),
    ])
  }
}

/// `12:04:31 UTC`.
func clockTime(_ stamp: Stamp) -> String {
  let seconds = max(0, stamp.rawValue) / 1_000 % 86_400
  func two(_ number: Int64) -> String { (number < 10 ? "0" : "") + String(number) }
  return "\(two(seconds / 3_600)):\(two(seconds / 60 % 60)):\(two(seconds % 60)) UTC"
}

extension ReplicaStatus.Role {
  var word: String {
    switch self {
    case .none: "waits"
    case .primary: "primary"
    case .follower: "follower"
    case .joining: "catches up"
    case .halted: "halted"
    }
  }
}
