internal import Octets
internal import Proto
import Time

/// The records' text forms: one line of JSON, the names always in the same order, ids of 64 bits as 16 hexadecimal
/// digits.
///
/// `{"epoch":3,"primary":{"node":"n1","disk":"00000000deadbeef"},"follower":null,"proposal":"0123456789abcdef"}`
extension MapEntry {
  package var text: String {
    JSONValue.object([
      .init("epoch", .number(epoch)), .init("primary", primary.json), .init("follower", follower?.json ?? .null),
      .init("proposal", .text(hex(proposal))),
    ]).compact
  }

  package init?(text: some Sequence<UInt8>) {
    guard let json = JSONValue(parsing: Array(text)), let epoch = json["epoch"]?.integer(UInt64.self),
      let primary = json["primary"].flatMap(ReplicaID.init(json:)), let rest = json["follower"],
      let proposal = json["proposal"]?.text.flatMap(hexValue)
    else { return nil }
    var follower: ReplicaID?
    if rest != .null {
      follower = ReplicaID(json: rest)
      guard follower != nil else { return nil }
    }
    self.init(epoch: epoch, primary: primary, follower: follower, proposal: proposal)
  }
}

extension ReplicaID {
  var json: JSONValue { .object([.init("node", .text(node.description)), .init("disk", .text(hex(disk)))]) }

  init?(json: JSONValue) {
    guard let node = json["node"]?.text.flatMap({ NodeName(Bytes($0)) }),
      let disk = json["disk"]?.text.flatMap(hexValue)
    else {
      return nil
    }
    self.init(node: node, disk: disk)
  }
}

extension BirthRecord {
  package var text: String {
    JSONValue.object([.init("cluster", .text(hex(cluster))), .init("shards", .number(shardCount))]).compact
  }

  package init?(text: some Sequence<UInt8>) {
    guard let json = JSONValue(parsing: Array(text)), let cluster = json["cluster"]?.text.flatMap(hexValue),
      let shardCount = json["shards"]?.integer(Int.self), Self.shardCounts.contains(shardCount)
    else { return nil }
    self.init(cluster: cluster, shardCount: shardCount)
  }
}

extension NodeRecord {
  package var text: String {
    JSONValue.object([
      .init("node", .text(name.description)), .init("disk", .text(hex(disk))), .init("address", .text(address)),
      .init("loops", .number(loops)), .init("pid", .number(pid)), .init("started_at", .number(startedAt.rawValue)),
      .init("start", .number(start)), .init("serving", .bool(isServing)),
      .init("presence", .number(presence)),
    ]).compact
  }

  package init?(text: some Sequence<UInt8>) {
    guard let json = JSONValue(parsing: Array(text)), let name = json["node"]?.text.flatMap({ NodeName(Bytes($0)) }),
      let disk = json["disk"]?.text.flatMap(hexValue), let address = json["address"]?.text,
      let loops = json["loops"]?.integer(Int.self), let pid = json["pid"]?.integer(Int.self),
      let startedAt = json["started_at"]?.integer(Int64.self)
    else { return nil }
    // Records of an older version have neither.
    self.init(
      name: name, disk: disk, address: address, loops: loops, pid: pid, startedAt: Stamp(startedAt),
      start: json["start"]?.integer(UInt64.self) ?? 0, isServing: json["serving"]?.bool ?? true,
      presence: json["presence"]?.integer(UInt64.self) ?? 0)
  }
}

extension RouterRecord {
  package var text: String {
    JSONValue.object([
      .init("http", .text(http)), .init("tcp", .text(tcp)), .init("more_http", .array(moreHTTP.map(JSONValue.text))),
      .init("more_tcp", .array(moreTCP.map(JSONValue.text))), .init("host", .text(host)), .init("pid", .number(pid)),
      .init("started_at", .number(startedAt.rawValue)), .init("seen_at", .number(seenAt.rawValue)),
      .init("tls", .bool(usesTLS)),
    ]).compact
  }

  package init?(text: some Sequence<UInt8>) {
    guard let json = JSONValue(parsing: Array(text)), let http = json["http"]?.text, let tcp = json["tcp"]?.text,
      let pid = json["pid"]?.integer(Int.self), let startedAt = json["started_at"]?.integer(Int64.self)
    else { return nil }
    // Records of an older version have none of the others.
    func more(_ name: String) -> [String] { json[name]?.items?.compactMap(\.text) ?? [] }
    self.init(
      http: [http] + more("more_http"), tcp: [tcp] + more("more_tcp"), host: json["host"]?.text ?? "", pid: pid,
      startedAt: Stamp(startedAt), seenAt: json["seen_at"]?.integer(Int64.self).map { Stamp($0) },
      usesTLS: json["tls"]?.bool ?? false)
  }
}

extension PassKeyRecord {
  package var text: String {
    JSONValue.object([
      .init("id", .text(id)), .init("pem", .text(pem)), .init("signs_from", .number(signsFrom.rawValue)),
      .init("ends_at", .number(endsAt.rawValue)),
    ]).compact
  }

  package init?(text: some Sequence<UInt8>) {
    guard let json = JSONValue(parsing: Array(text)), let id = json["id"]?.text, let pem = json["pem"]?.text,
      let signsFrom = json["signs_from"]?.integer(Int64.self), let endsAt = json["ends_at"]?.integer(Int64.self)
    else { return nil }
    self.init(id: id, pem: pem, signsFrom: Stamp(signsFrom), endsAt: Stamp(endsAt))
  }
}

/// Sixteen hexadecimal digits, lower case.
package func hex(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

/// Reads exactly what `hex` writes.
package func hexValue(_ text: String) -> UInt64? {
  guard text.utf8.count == 16, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
    return nil
  }
  return UInt64(text, radix: 16)
}
