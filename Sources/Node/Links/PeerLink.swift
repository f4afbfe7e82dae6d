import EventLoop
import Logging
import Octets
import Proto
import ShardCore
import Time

/// One loop's outgoing connection to another node: carries what this loop's shards say there. The other node's answers
/// come on a connection of its own, so that neither has to decide which of two connections counts.
///
/// Lives on its loop's thread.
final class PeerLink: ConnectionHandler {
  let node: NodeName
  private(set) var address: String
  private unowned let nodeLoop: NodeLoop
  private var connection: Connection?
  /// Who is there, once it has answered the hello.
  private(set) var peer: ReplicaID?
  /// The start number of the process that answered.
  private var peerStart: UInt64 = 0
  private var retryAt = MonotonicTime.zero
  private var retryWait = PeerLink.waitMin
  /// The open `peerMessages` frame of this turn.
  private var frame: [UInt8] = []

  private static let waitMin: Milliseconds = 50
  private static let waitMax: Milliseconds = 1_000
  /// Beyond this much output what is said is lost: the replication rules say it again.
  private static let outputBytesMax = 64 << 20
  /// Whoever reads it has it all in memory before the first message counts, so that a larger one would make its turns
  /// longer.
  private static let frameBytesMax = 128 << 10
  /// A frame of the log with one event's plan in it.
  private static let largePayload = 1 << 20

  init(_ node: NodeName, address: String, nodeLoop: NodeLoop) {
    (self.node, self.address, self.nodeLoop) = (node, address, nodeLoop)
  }

  /// The node registered with this address.
  func moved(to address: String) {
    guard address != self.address else { return }
    self.address = address
    retryAt = .zero
    connection?.abort()
  }

  /// Connects, unless it is connected or waits for the next try.
  func connectIfNeeded(now: MonotonicTime) {
    guard connection == nil, now >= retryAt, let target = try? HostPort(address) else { return }
    var options = ConnectionOptions()
    options.outputSoftLimit = 16 << 20
    options.outputHardLimit = 256 << 20
    options.openTimeout = .seconds(2)
    options.stallTimeout = .seconds(5)
    let opening = nodeLoop.loop.connect(to: target, options: options, handler: self)
    connection = opening
  }

  func opened(_ connection: Connection) {
    connection.write { out in
      nodeLoop.assumeIsolated { $0.writePeerHello(into: &out) }
    }
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes)
      guard frame.kind == .peerHello, frame.bodyBytes < 4_096 else { throw .invalid(field: "peer hello") }
      var reader = ByteReader(try frame.body(of: bytes))
      let hello = try PeerHello(decoding: &reader)
      guard hello.sender.node == node, hello.cluster == nodeLoop.node.cluster else {
        nodeLoop.node.log.warning("another node answers at a peer's address") {
          $0.field("peer", node.description)
          $0.field("found", hello.sender.node.description)
          $0.field("address", address)
        }
        throw .invalid(field: "peer hello")
      }
      guard nodeLoop.node.met(hello.sender.node, start: hello.start) else { throw .invalid(field: "an earlier start") }
      (peer, peerStart) = (hello.sender, hello.start)
      retryWait = Self.waitMin
      nodeLoop.assumeIsolated { $0.peerConnected(hello.sender) }
      return WireFrame.headerBytes + frame.bodyBytes
    } catch .truncated {
      return 0
    } catch {
      connection.abort()
      return bytes.byteCount
    }
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    guard connection === self.connection else { return }
    self.connection = nil
    peer = nil
    frame.removeAll()
    retryAt = nodeLoop.assumeIsolated { $0.clock.now } + retryWait
    retryWait = min(retryWait * 2, Self.waitMax)
  }

  func drop() { connection?.abort() }

  /// Ends the connection once what was said is sent.
  func close() { connection?.close() }

  /// Ends the connection if it leads to an earlier start than this.
  func drop(before start: UInt64) {
    if peer != nil, peerStart < start { drop() }
  }

  /// Adds a message to this turn's frame; lost if the peer cannot be reached.
  func add(_ message: ReplicaMessage, payload: [UInt8], shard: ShardID, to replica: ReplicaID) {
    guard let connection, peer == replica, connection.outputByteCount < Self.outputBytesMax else { return }
    if payload.count >= Self.largePayload || frame.count + payload.count > Self.frameBytesMax { flush() }
    if frame.isEmpty { _ = WireFrame.begin(.peerMessages, shard: ShardID(0), into: &frame) }
    guard payload.count < Self.largePayload else { return sendApart(message, payload, shard) }
    message.encode(shard: shard, into: &frame) { $0.append(contentsOf: payload) }
  }

  /// Sends a message in a frame of its own, whose payload is not copied.
  private func sendApart(_ message: ReplicaMessage, _ payload: [UInt8], _ shard: ShardID) {
    message.encode(shard: shard, into: &frame, payloadBytes: payload.count)
    WireFrame.end(0, in: &frame, tail: payload.rawSpan)
    connection?.write(frame)
    connection?.write(payload)
    frame = []
  }

  /// Sends this turn's frame.
  func flush() {
    guard !frame.isEmpty else { return }
    WireFrame.end(0, in: &frame)
    if let connection { connection.write(frame) }
    // A large array is kept by the connection: this one is new.
    frame = []
  }
}
