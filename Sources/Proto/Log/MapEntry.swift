public import Octets

/// Names a node: 1 to 64 bytes of `[A-Za-z0-9._-]`.
public struct NodeName: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let bytes: Bytes
  public init?(_ bytes: Bytes) {
    // A file of the coordinator begins with the name: one that begins with a dot would be a hidden one.
    guard (1...64).contains(bytes.count), bytes.array[0] != UInt8(ascii: ".") else { return nil }
    for byte in bytes.array {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        continue
      default: return nil
      }
    }
    self.bytes = bytes
  }
  public var description: String { bytes.description }
  public static func < (a: NodeName, b: NodeName) -> Bool { a.bytes < b.bytes }
}

/// Names a replica: a node and the disk that its data are on. A node that comes back with an empty disk is somebody
/// else.
public struct ReplicaID: Hashable, Sendable {
  public var node: NodeName
  /// Random, drawn when the node's directory was made.
  public var disk: UInt64
  public init(node: NodeName, disk: UInt64) { (self.node, self.disk) = (node, disk) }
}

/// One shard's register in the coordinator.
public struct MapEntry: Equatable, Sendable {
  /// Grows with each change of the shard's roles; who speaks with an old one is refused.
  public var epoch: UInt64
  public var primary: ReplicaID
  /// nil: the primary goes alone. Who is named here is in sync.
  public var follower: ReplicaID?
  /// The proposal's random id: tells its proposer that it won.
  public var proposal: UInt64
  public init(epoch: UInt64, primary: ReplicaID, follower: ReplicaID?, proposal: UInt64) {
    (self.epoch, self.primary, self.follower, self.proposal) = (epoch, primary, follower, proposal)
  }

  public func names(_ replica: ReplicaID) -> Bool { primary == replica || follower == replica }
}

/// A register as it was read: its content and the revision that a compare-and-set compares. Revision 0: never written.
public struct MapRegister: Equatable, Sendable {
  public var revision: UInt64
  public var entry: MapEntry
  public init(revision: UInt64, entry: MapEntry) { (self.revision, self.entry) = (revision, entry) }
}

extension NodeName {
  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    guard let name = NodeName(try reader.shortBytes()) else { throw .invalid(field: "node name") }
    self = name
  }
}

extension ReplicaID {
  public func encode(into out: inout [UInt8]) {
    out.putShort(node.bytes)
    out.put(disk)
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    let node = try NodeName(decoding: &reader)
    self.init(node: node, disk: try reader.u64())
  }
}
