public import Budgets

extension Connection: MemoryKeeper {
  /// The handler keeps so many bytes of what it consumed, for example a request's body that is still coming: they count
  /// in the connection's input budget. 0: none any more.
  ///
  /// - Parameter isPinned: they cannot be given up now, because somebody works with them.
  public func setHeldInput(byteCount: Int, isPinned: Bool = false) {
    loop.preconditionOnLoop()
    heldInput = (byteCount, isPinned)
    chargeInput()
  }

  /// Tells the input budget what is kept now, if that has changed.
  func chargeInput() {
    guard let budget = options.inputBudget else { return }
    let byteCount = rest.count + heldInput.byteCount
    if byteCount == chargedInput.byteCount, heldInput.isPinned == chargedInput.isPinned { return }
    let share = inputShare ?? MemoryShare(self, isOutput: false)
    inputShare = share
    chargedInput = (byteCount, heldInput.isPinned)
    budget.set(share, byteCount: byteCount, isPinned: heldInput.isPinned)
  }

  /// Tells the output budget what waits now, if that has changed.
  func chargeOutput() {
    guard let budget = options.outputBudget else { return }
    let byteCount = output.ownByteCount + encrypted.ownByteCount
    if byteCount == chargedOutput { return }
    let share = outputShare ?? MemoryShare(self, isOutput: true)
    outputShare = share
    chargedOutput = byteCount
    budget.set(share, byteCount: byteCount, isPinned: false)
  }

  /// Nothing more is received.
  func dropInput() {
    rest = []
    heldInput = (0, false)
    if inputShare != nil { chargeInput() }
  }

  /// The budget gave the share up. From any thread; never calls the handler before its own calls have returned.
  public nonisolated func memoryIsShort(_ share: MemoryShare) {
    let isOutput = share.isOutput
    loop.submit { self.giveUp(isOutput: isOutput) }
  }

  private func giveUp(isOutput: Bool) {
    // What it kept may be gone since: then it goes on, with a new share.
    if isOutput {
      outputShare = nil
      chargedOutput = 0
      if outputByteCount == 0 { return }
    } else {
      inputShare = nil
      chargedInput = (0, false)
      if rest.isEmpty, heldInput.byteCount == 0 || heldInput.isPinned { return chargeInput() }
    }
    switch state {
    case .closed: break
    case .open where !isOutput: handler?.memoryIsShort(self)
    case .connecting, .handshaking, .open, .closing: abort(reason: .memory)
    }
  }
}
