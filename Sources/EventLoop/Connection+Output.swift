internal import CHoldfast
internal import Glibc

extension Connection {
  /// How much one connection may send in one turn before others get theirs, in bytes: a hundred connections that were
  /// given a large answer in one moment take some milliseconds of a turn with this.
  private static let turnBytesMax = 96 << 10

  /// Sends what waits, as far as the kernel takes it. By the loop, at the end of a turn.
  func flush() {
    isListedUnflushed = false
    switch state {
    case .closed, .connecting: if discardsOutput { end(closeReason) }
    case .handshaking, .open, .closing:
      if discardsOutput { return end(closeReason) }
      if !outputBlocked, !sendWaiting() { return }
      outputSent()
    }
  }

  /// Sends until nothing is left or the kernel takes no more. False: the connection ended.
  private func sendWaiting() -> Bool {
    var sentBytes = 0
    if tls != nil, !encryptWaiting() { return false }
    while true {
      let isEmpty = tls == nil ? output.isEmpty : encrypted.isEmpty
      if isEmpty { break }
      if sentBytes >= Self.turnBytesMax {
        wantsFlush()
        break
      }
      let count = tls == nil ? output.send(to: fd) : encrypted.send(to: fd)
      loop.counters.socketWrites &+= 1
      if count == -Int(EAGAIN) {
        outputBlocked = true
        break
      }
      guard count > 0 else {
        end(.broken(SocketError(call: "write", errno: Int32(-count), address: peerText)))
        return false
      }
      sentBytes += count
      if tls == nil { output.drop(count) } else { encrypted.drop(count) }
      if tls != nil, encrypted.isEmpty, !encryptWaiting() { return false }
    }
    loop.counters.bytesOut &+= UInt64(sentBytes)
    if sentBytes > 0, state != .handshaking { ownDeadline = Self.never }
    return true
  }

  /// After sending: limits, deadlines, and what waited for the output to be empty.
  private func outputSent() {
    let waiting = outputByteCount
    if waiting == 0 {
      giveBack(&output)
      giveBack(&encrypted)
    } else if waiting > options.outputHardLimit {
      return end(.outputLimit(byteCount: waiting))
    }
    if waiting > 0 || outputShare != nil { chargeOutput() }
    if state == .handshaking { return }
    if waiting > 0 {
      if ownDeadline == Self.never { setOwnDeadline(after: options.stallTimeout) }
    } else if state == .closing {
      return closingSent()
    } else {
      ownDeadline = Self.never
      if shutdownWanted { shutOutput() }
    }
    if isOverOutputLimit, waiting <= options.outputSoftLimit / 2 {
      isOverOutputLimit = false
      if readReady || endUntold || !rest.isEmpty || tls != nil { wantsAnotherLook() }
      handler?.drained(self)
    }
  }

  private func giveBack(_ queue: inout OutputQueue) {
    guard queue.tail.capacity > 0 else { return }
    var empty: [UInt8] = []
    swap(&empty, &queue.tail)
    loop.buffers.give(empty)
  }

  private func closingSent() {
    shutOutput()
    guard state == .closing else { return }
    // A socket closed with unread input resets the connection, and the peer may lose our last bytes: wait for its end.
    if inputEnded { return end(closeReason) }
    setOwnDeadline(after: options.lingerTimeout)
    if readReady { wantsAnotherLook() }
  }

  private func shutOutput() {
    guard !outputShut else { return }
    outputShut = true
    if let tls {
      tls.sendClose()
      // Best effort: one alert record that fits the socket's buffer, or else is lost with the connection.
      tls.takeEncrypted(into: &encrypted)
      if !encrypted.isEmpty {
        let count = encrypted.send(to: fd)
        loop.counters.socketWrites &+= 1
        if count > 0 { encrypted.drop(count) }
        encrypted = OutputQueue()
      }
    }
    _ = shutdown(fd, Int32(SHUT_WR))
  }

  // MARK: Ending

  /// Sends what was written, tells the peer that nothing follows, waits a moment for its end, and calls the handler's
  /// `closed`. Nothing is received any more, and what is written from now on goes nowhere. Again: nothing happens.
  public func close(reason: CloseReason = .closed) {
    loop.preconditionOnLoop()
    switch state {
    case .closing, .closed: return
    case .connecting, .handshaking:
      closeReason = reason
      discardsOutput = true
    case .open:
      state = .closing
      closeReason = reason
      dropInput()
      handlerDeadline = Self.never
      setOwnDeadline(after: options.stallTimeout)
    }
    wantsFlush()
  }

  /// Throws the connection away, with what waits to be sent. `closed` is called at the end of the turn.
  public func abort(reason: CloseReason = .aborted) {
    loop.preconditionOnLoop()
    guard state != .closed else { return }
    closeReason = reason
    discardsOutput = true
    if state == .open { state = .closing }
    dropInput()
    output = OutputQueue()
    encrypted = OutputQueue()
    wantsFlush()
  }

  /// Half-close: tells the peer that nothing follows, once everything was sent; receiving goes on. On the loop's
  /// thread.
  public func shutdownOutput() {
    loop.preconditionOnLoop()
    guard state == .open, !shutdownWanted else { return }
    shutdownWanted = true
    wantsFlush()
  }

  func loopEnds() { end(.loopStopped) }

  /// The end, whatever led to it. Never from inside a handler's call.
  func end(_ reason: CloseReason) {
    guard state != .closed else { return }
    detach()
    if fd >= 0 { _ = Glibc.close(fd) }
    finish(reason)
  }

  /// Takes the socket out of the loop without closing it.
  func detach() {
    guard token != SourceTable.noSource else { return }
    if fd >= 0 { _ = chf_epoll_remove(loop.epoll.rawValue, fd) }
    loop.sources.remove(token)
    token = SourceTable.noSource
  }

  func finish(_ reason: CloseReason) {
    state = .closed
    fd = -1
    loop.counters.connections -= 1
    tls = nil
    dropInput()
    output = OutputQueue()
    encrypted = OutputQueue()
    if outputShare != nil { chargeOutput() }
    handOver = nil
    onClosed?()
    onClosed = nil
    let last = handler
    handler = nil
    last?.closed(self, reason: reason)
  }
}
