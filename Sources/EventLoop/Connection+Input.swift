internal import CHoldfast
internal import Glibc

/// The loop's own buffer for reading: what a handler left of the last bytes is put before what comes next, if it is
/// short.
@safe final class InputBuffer {
  static let byteCount = 256 << 10
  /// A rest longer than this grows where it is, so that a long message is not copied at each read.
  static let restMax = 32 << 10
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
  // Safe: allocated above, freed once, and nobody keeps a pointer into it.
  deinit { unsafe bytes.deallocate() }
}

extension Connection: EventSource {
  func ready(_ flags: UInt32) {
    if flags & (EpollFlags.peerEnded | EpollFlags.hangUp | EpollFlags.error) != 0 { sawHangUp = true }
    switch state {
    case .connecting:
      if flags & (EpollFlags.output | EpollFlags.error | EpollFlags.hangUp) != 0 { connectDone() }
      // An edge comes once: what the peer has already said is read now.
      if state != .connecting, flags & (EpollFlags.input | EpollFlags.peerEnded) != 0 {
        readReady = true
        readSome()
      }
    case .handshaking, .open, .closing:
      if flags & EpollFlags.output != 0, outputBlocked {
        outputBlocked = false
        wantsFlush()
      }
      if flags & EpollFlags.error != 0 {
        let error = chf_socket_error(fd)
        if error != 0 { return broken(call: "read", errno: error) }
      }
      if flags & (EpollFlags.input | EpollFlags.peerEnded | EpollFlags.hangUp) != 0 {
        readReady = true
        readSome()
      }
    case .closed: break
    }
  }

  func readyAgain() {
    isListedAgain = false
    guard state != .closed, state != .connecting else { return }
    if moveIfWanted() { return }
    if state == .open {
      if !rest.isEmpty { deliver(newByteCount: 0) }
      if tls != nil { decryptAndDeliver() }
      tellEnd()
    }
    if readReady { readSome() }
  }

  private var mayRead: Bool {
    switch state {
    case .open: !isReadingPaused && !isOverOutputLimit && !inputEnded && handOver == nil
    case .handshaking: true
    case .closing: !inputEnded
    case .connecting, .closed: false
    }
  }

  /// One read, so that a busy peer does not keep the others waiting; what is left is read in the next turn.
  private func readSome() {
    guard readReady, mayRead else { return }
    let buffer = loop.input
    let offset = prefixByteCount
    let room = InputBuffer.byteCount - offset
    // Safe: `offset` is at most `restMax`, so the range lies inside the buffer.
    let received = unsafe chf_receive(fd, buffer.bytes.baseAddress! + offset, room)
    loop.counters.socketReads &+= 1
    switch received {
    case 1...:
      loop.counters.bytesIn &+= UInt64(received)
      // A short read has emptied the socket; epoll announces what comes next.
      readReady = received == room || sawHangUp
      took(byteCount: received)
    case 0:
      readReady = false
      inputDidEnd()
    case -Int(EAGAIN):
      readReady = false
    default:
      return broken(call: "read", errno: Int32(-received))
    }
    if readReady, state != .closed { wantsAnotherLook() }
  }

  /// Where new bytes go in the loop's buffer, so that a short rest stands before them.
  private var prefixByteCount: Int {
    tls == nil && state == .open && rest.count <= InputBuffer.restMax ? rest.count : 0
  }

  private func took(byteCount: Int) {
    switch state {
    case .open where tls == nil: deliver(newByteCount: byteCount)
    case .handshaking, .open: tlsReceived(byteCount: byteCount)
    case .closing, .connecting, .closed: break  // thrown away
    }
  }

  /// Shows the handler its rest and `newByteCount` bytes that stand behind `prefixByteCount` in the loop's buffer.
  func deliver(newByteCount: Int) {
    guard state == .open, !isDelivering else { return }
    let held = rest.count
    let inPlace = held <= InputBuffer.restMax
    if inPlace {
      // Safe: a short rest fits before the new bytes, which were read behind it.
      unsafe rest.withUnsafeBytes { unsafe loop.input.bytes.copyMemory(from: $0) }
      rest.removeAll(keepingCapacity: true)
    } else {
      makeRoom(for: newByteCount)
      // Safe: `newByteCount` bytes stand at the buffer's start.
      unsafe rest.append(contentsOf: loop.input.bytes[..<newByteCount])
    }
    let total = held + newByteCount
    var consumed = 0
    expectedInput = 0
    isDelivering = true
    while consumed < total, state == .open, !isReadingPaused, !isOverOutputLimit, handOver == nil {
      guard let receiver = handler else { break }
      let count: Int
      if inPlace {
        // Safe: the bytes up to `total` are initialised, and nothing reads into the buffer before the handler has
        // returned.
        count = unsafe receiver.received(
          RawSpan(
            _unsafeBytes: UnsafeRawBufferPointer(
              UnsafeMutableRawBufferPointer(rebasing: loop.input.bytes[consumed..<total]))), on: self)
      } else {
        // A copy of the reference: the handler may not change `rest`, but the compiler cannot know.
        let bytes = rest
        collectedInput = bytes[consumed..<total]
        count = receiver.received(bytes.bytesSpan.extracting(consumed..<total), on: self)
        collectedInput = nil
      }
      precondition(count >= 0 && count <= total - consumed, "a handler consumed more than it was shown")
      consumed += count
      // The rest is for the next handler, if there is one now.
      if handler === receiver { break }
    }
    isDelivering = false
    keepRest(from: consumed, to: total, inPlace: inPlace)
    if !rest.isEmpty || inputShare != nil { chargeInput() }
    _ = moveIfWanted()
  }

  private func keepRest(from consumed: Int, to total: Int, inPlace: Bool) {
    guard state == .open else {
      rest = []
      return
    }
    if inPlace {
      // Safe: the range lies below `total`.
      if consumed < total {
        unsafe rest.append(contentsOf: loop.input.bytes[consumed..<total])
      } else {
        rest = []
      }
    } else if consumed == total {
      rest = []
    } else {
      // Into a new array: a handler may share this one.
      rest = Array(rest[consumed...])
    }
    if rest.count > options.inputLimit, !isReadingPaused, !isOverOutputLimit { end(.inputLimit(byteCount: rest.count)) }
  }

  /// A long rest grows by a quarter, because doubling it would keep as much again for nothing, or at once to what is
  /// expected: growing again would copy megabytes in one turn, and memory that is not written to costs nothing.
  private func makeRoom(for byteCount: Int) {
    let needed = rest.count + byteCount
    guard needed > rest.capacity, needed > 1 << 20 else { return }
    let expected = min(expectedInput, options.inputLimit)
    rest.reserveCapacity(max(needed + needed / 4, expected))
  }

  /// A reset after everything was sent is the end that we waited for.
  private func broken(call: String, errno: Int32) {
    let hasSentAll = state == .closing && outputShut && output.isEmpty && encrypted.isEmpty
    end(hasSentAll ? closeReason : .broken(SocketError(call: call, errno: errno, address: peerText)))
  }

  // MARK: The peer's end

  func inputDidEnd() {
    inputEnded = true
    switch state {
    case .connecting, .closed: break
    case .handshaking: openFailed(.tls(detail: "the peer ended the connection in the handshake"))
    case .closing: if output.isEmpty, encrypted.isEmpty { end(closeReason) }
    case .open:
      endUntold = true
      tellEnd()
    }
  }

  func tellEnd() {
    guard endUntold, state == .open, !isReadingPaused, !isOverOutputLimit else { return }
    endUntold = false
    handler?.inputEnded(on: self)
  }
}

extension Array where Element == UInt8 {
  var bytesSpan: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: every byte of an array of bytes is initialised, and the lifetime ties the span to the array.
      unsafe span.bytes
    }
  }
}
