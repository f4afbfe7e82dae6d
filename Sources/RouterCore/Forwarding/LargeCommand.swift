import Proto
import Threads

/// A command's body of megabytes, laid out by another thread with room in front of it, so that it becomes a frame where
/// it is.
///
/// An object, so that there is one reference to the bytes.
package final class LargeCommand: Sendable {
  /// Bodies of so many bytes are worth it.
  package static let bytesMin = 256 << 10

  private let bytes: Lock<[UInt8]>
  private let room: Int
  package let bodyBytes: Int

  /// - Parameters:
  ///   - keyBytes: of the command's idempotency key; 0: the router makes one.
  ///   - randomBytes: of the body, that are written when the command is sent.
  package init(_ body: [UInt8], keyBytes: Int, randomBytes: Int) {
    room =
      WireFrame.headerBytes + Request.headerBytes + CommandRecord.headerBytes
      + (keyBytes == 0 ? CommandRecord.routerKeyBytes : keyBytes) + randomBytes
    bodyBytes = body.count + randomBytes
    var laid: [UInt8] = []
    laid.reserveCapacity(room + body.count)
    laid.append(contentsOf: repeatElement(0, count: room))
    laid.append(contentsOf: body)
    bytes = Lock(laid)
  }

  /// The frame, once. `head` writes all that stands before the body's fixed part.
  package func take(_ head: (inout [UInt8], _ bodyBytes: Int) -> Void) -> [UInt8] {
    var frame: [UInt8] = []
    bytes.withLock { swap(&$0, &frame) }
    precondition(frame.count >= room, "a command is sent once")
    var written: [UInt8] = []
    head(&written, bodyBytes)
    precondition(written.count == room, "a key has the length that room was left for")
    frame.replaceSubrange(0..<room, with: written)
    return frame
  }
}
