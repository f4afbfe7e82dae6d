package import Octets
package import Proto

/// The first message on a connection between two nodes, and its answer: who speaks, and for which cluster.
///
/// Layout: `cluster: u64`, the replica id, `start: u64`, `loop: u16`.
package struct PeerHello: Equatable, Sendable {
  /// The cluster's random id: nodes of different clusters have nothing to say to each other.
  package var cluster: UInt64
  package var sender: ReplicaID
  /// The sender's start number: of two processes that call themselves the same, the later counts.
  package var start: UInt64
  /// The receiver's loop on which the connection should live, modulo their number.
  package var loop: UInt16
  package init(cluster: UInt64, sender: ReplicaID, start: UInt64, loop: UInt16) {
    (self.cluster, self.sender, self.start, self.loop) = (cluster, sender, start, loop)
  }

  package func encode(into out: inout [UInt8]) {
    out.put(cluster)
    sender.encode(into: &out)
    out.put(start)
    out.put(loop)
  }

  package init(decoding reader: inout ByteReader) throws(DecodeError) {
    cluster = try reader.u64()
    sender = try ReplicaID(decoding: &reader)
    start = try reader.u64()
    loop = try reader.u16()
    try reader.finish()
  }
}
