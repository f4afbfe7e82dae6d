import EventLoop
import Octets
import Proto
import Threads

/// Asks who answers at a node's address: `status`, which a node answers in every state.
///
/// - Parameter patience: a process that stands still takes connections and says nothing.
/// - Returns: nil if nobody answers there.
func whoAnswers(at address: String, patience: Duration) async -> NodeStatus? {
  guard let target = try? HostPort(address), let loop = try? EventLoop(name: "probe"), (try? loop.start()) != nil
  else { return nil }
  defer { loop.stop() }
  return await handedOver { handOver in
    loop.submit {
      var options = ConnectionOptions()
      options.openTimeout = patience
      let probe = NodeProbe(handOver)
      let connection = loop.connect(to: target, options: options, handler: probe)
      loop.schedule(after: patience) { connection.abort() }
    }
  }
}

/// One question on one connection. On its loop's thread only.
private final class NodeProbe: ConnectionHandler {
  private var done: ((NodeStatus?) -> Void)?

  init(_ done: @escaping (NodeStatus?) -> Void) { self.done = done }

  func opened(_ connection: Connection) {
    connection.write { out in
      WireFrame.encode(.adminRequest, into: &out) { AdminRequest.status(digests: []).encode(into: &$0) }
    }
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes)
      guard frame.kind == .adminReply else { throw .invalid(field: "frame kind") }
      var reader = ByteReader(try frame.body(of: bytes))
      if case .status(let status) = try AdminReply(decoding: &reader) { finish(status) }
    } catch .truncated {
      return 0
    } catch {
      // Somebody else has the address now.
    }
    connection.abort()
    return bytes.byteCount
  }

  func closed(_ connection: Connection, reason: CloseReason) { finish(nil) }

  private func finish(_ status: NodeStatus?) {
    done?(status)
    done = nil
  }
}
