internal import CHoldfast
internal import Glibc

/// TLS between the socket and the queues: what is read goes into the session, and comes out decrypted in the loop's
/// input buffer; what is written is encrypted at the end of the turn, into one queue that is sent with one system call.
extension Connection {
  /// No more than this is encrypted ahead of the socket, so that limits count what the handler wrote. In bytes.
  private static let encryptedMax = 256 << 10

  /// `byteCount` bytes of records stand at the start of the loop's buffer.
  func tlsReceived(byteCount: Int) {
    guard let tls else { return }
    // Safe: the bytes were just received into the buffer's start.
    unsafe tls.putEncrypted(UnsafeRawBufferPointer(rebasing: loop.input.bytes[..<byteCount]))
    if state == .handshaking { continueHandshake() }
    decryptAndDeliver()
  }

  func continueHandshake() {
    guard let tls, state == .handshaking else { return }
    do {
      let done = try tls.handshake()
      tls.takeEncrypted(into: &encrypted)
      if !encrypted.isEmpty { wantsFlush() }
      if done { didOpen() }
    } catch {
      // The alert says why; it goes out if the socket takes it.
      tls.takeEncrypted(into: &encrypted)
      if !encrypted.isEmpty { _ = encrypted.send(to: fd) }
      openFailed(error)
    }
  }

  /// Decrypts what the session holds and shows it, as long as the handler wants more.
  func decryptAndDeliver() {
    guard let tls else { return }
    while state == .open, !isReadingPaused, !isOverOutputLimit, handOver == nil, !inputEnded {
      let offset = rest.count <= InputBuffer.restMax ? rest.count : 0
      let result: TLSSession.Decrypted
      do {
        // Safe: the range lies inside the buffer.
        result = try unsafe tls.decrypt(into: UnsafeMutableRawBufferPointer(rebasing: loop.input.bytes[offset...]))
      } catch {
        end(.broken(error))
        return
      }
      // Reading may have made something to send: a key update's answer.
      if tls.hasEncrypted { wantsFlush() }
      if result.byteCount > 0 { deliver(newByteCount: result.byteCount) }
      if result.ended, state == .open { return inputDidEnd() }
      if !result.filled { return }
    }
  }

  /// Encrypts what was written, up to the bound. False: the connection ended.
  func encryptWaiting() -> Bool {
    guard let tls else { return true }
    if state != .handshaking {
      while !output.isEmpty, encrypted.byteCount + tls.encryptedByteCount < Self.encryptedMax {
        do {
          try output.consumeFirst(limit: OutputQueue.chunkBytes) { bytes throws(SocketError) in
            try tls.encrypt(bytes)
          }
        } catch {
          end(.broken(error))
          return false
        }
      }
    }
    if encrypted.tail.capacity == 0, tls.hasEncrypted { encrypted.tail = loop.buffers.take() }
    tls.takeEncrypted(into: &encrypted)
    return true
  }
}
