import EventLoop
import Logging
import Octets
import Proto
import RouterCore

/// One connection from this router loop to one event loop of a node. Says hello, then carries frames.
///
/// Sendable without the compiler's check: everything in it is touched on its loop only.
final class NodeLink: ConnectionHandler, @unchecked Sendable {
  /// Replies from here on are decoded on another thread, in their turn: a definition of 100,000 seats takes tens of
  /// milliseconds.
  static let largeFrameBytes = 1 << 20

  let id: LinkID
  let node: NodeName
  /// Which of the node's loops.
  let loopNumber: Int
  private unowned let owner: RouterLoop
  private(set) var connection: Connection?
  private(set) var isReady = false
  /// The node closed the connection, in good order.
  private var isEndedByNode = false
  /// As the node's hello said; 0 until then.
  private(set) var loopCount = 0

  init(id: LinkID, node: NodeName, loopNumber: Int, owner: RouterLoop) {
    (self.id, self.node, self.loopNumber, self.owner) = (id, node, loopNumber, owner)
  }

  static var options: ConnectionOptions {
    var options = ConnectionOptions()
    // The largest frame must fit, in both directions; replies are read however much waits to be sent.
    options.inputLimit = WireFrame.bodyBytesMax + WireFrame.headerBytes + (1 << 20)
    options.outputSoftLimit = 256 << 20
    options.outputHardLimit = 256 << 20
    options.openTimeout = .seconds(2)
    // The node can work while the doors' answers are written.
    options.isFlushedFirst = true
    return options
  }

  func connect(to address: HostPort, on loop: EventLoop) {
    connection = loop.connect(to: address, options: Self.options, handler: self)
  }

  func send(_ frame: borrowing [UInt8]) {
    // A large one is shared with whoever might have to send it again: a copy takes milliseconds.
    if frame.count >= Self.largeFrameBytes { connection?.write(copy frame) } else { connection?.write(frame.rawSpan) }
  }

  func opened(_ connection: Connection) {
    let hello = RouterHello(
      cluster: owner.cluster, router: owner.engine.forwarder.router, connection: UInt64(id.rawValue),
      loop: UInt16(clamping: loopNumber))
    var frame: [UInt8] = []
    WireFrame.encode(.routerHello, into: &frame) { hello.encode(into: &$0) }
    connection.write(frame)
    connection.setDeadline(after: .seconds(2))
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    var consumed = 0
    do throws(DecodeError) {
      while bytes.byteCount - consumed >= WireFrame.headerBytes {
        let rest = bytes.extracting(consumed..<bytes.byteCount)
        let frame = try WireFrame(header: rest)
        let frameBytes = WireFrame.headerBytes + frame.bodyBytes
        guard rest.byteCount >= frameBytes else {
          connection.expectInput(byteCount: frameBytes)
          break
        }
        let collected = connection.collectedInput?.dropFirst(consumed + WireFrame.headerBytes).prefix(frame.bodyBytes)
        try take(frame, try frame.body(of: rest), collected)
        consumed += frameBytes
        // A large frame is being decoded: what follows must wait for it.
        if connection.isReadingPaused { return consumed }
      }
    } catch {
      refuse(error)
      return bytes.byteCount
    }
    return consumed
  }

  private func refuse(_ error: DecodeError) {
    owner.log.warning("a node's frame was not understood") {
      $0.field("node", node.bytes)
      $0.field("error", "\(error)")
    }
    connection?.abort()
  }

  private func decodeElsewhere(_ bytes: ArraySlice<UInt8>, shard: ShardID) {
    connection?.pauseReading()
    Task.detached { [self] in
      let result = Result { () throws(DecodeError) in try Self.decode(bytes) }
      owner.loop.submit { [self] in
        guard isReady else { return }
        do throws(DecodeError) {
          try owner.engine.received(decoded: try result.get(), from: id, shard: shard)
          connection?.resumeReading()
        } catch {
          refuse(error)
        }
      }
    }
  }

  private static func decode(_ bytes: ArraySlice<UInt8>) throws(DecodeError) -> [(id: UInt32, reply: Reply)] {
    var reader = ByteReader(bytes.rawSpan)
    var replies: [(id: UInt32, reply: Reply)] = []
    while reader.bytesLeft > 0 { replies.append(try Reply.decode(&reader)) }
    return replies
  }

  /// - Parameter collected: the body as an array, if it stands in one.
  private func take(_ frame: WireFrame, _ body: RawSpan, _ collected: ArraySlice<UInt8>?) throws(DecodeError) {
    switch frame.kind {
    case .nodeHello:
      var reader = ByteReader(body)
      try ready(try NodeHello(decoding: &reader))
    case .replies where isReady && body.byteCount >= Self.largeFrameBytes:
      decodeElsewhere(collected ?? Bytes(body).array[...], shard: frame.shard)
    case .replies where isReady: try owner.engine.received(replies: body, from: id, shard: frame.shard)
    case .feed where isReady: try owner.engine.received(feed: body, from: id, shard: frame.shard)
    case .feedFresh where isReady: owner.engine.receivedFeedFresh(from: id, shard: frame.shard)
    case .replies, .feed, .feedFresh: throw .invalid(field: "frame before the node's hello")
    case .routerHello, .requests, .peerHello, .peerMessages, .adminRequest, .adminReply:
      throw .invalid(field: "frame kind")
    }
  }

  private func ready(_ hello: NodeHello) throws(DecodeError) {
    guard !isReady, loopNumber < hello.loopCount else { throw .invalid(field: "node hello") }
    guard Int(hello.shardCount) == owner.engine.shardCount, hello.node == node.bytes else {
      throw .invalid(field: "node hello: another node or cluster")
    }
    isReady = true
    loopCount = Int(hello.loopCount)
    connection?.clearDeadline()
    owner.linkReady(self)
  }

  /// Requests that doors still wait for come back here: the loop closes its links last.
  func shuttingDown(_ connection: Connection) {}

  func inputEnded(on connection: Connection) {
    isEndedByNode = true
    connection.abort()
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    owner.linkEnded(self, isEndedByNode ? "the node closed the connection" : "\(reason)")
    isReady = false
  }
}
