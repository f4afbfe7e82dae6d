import Proto

/// One seat as the sequential specification sees it. A holder is the secret of the hold that has it.
enum SeatModel: SequentialModel {
  case free
  case held(UInt64)
  case pending(UInt64)
  case sold(UInt64)
  /// Taken off sale.
  case blocked

  func after(_ effect: SeatEffect) -> SeatModel? { effect.apply(to: self) }

  /// As a router says it.
  var seen: SeatState {
    switch self {
    case .free: .free
    case .held, .pending: .held
    case .sold: .sold
    case .blocked: .notForSale
    }
  }

  var holder: UInt64? {
    switch self {
    case .free, .blocked: nil
    case .held(let holder), .pending(let holder), .sold(let holder): holder
    }
  }
}

/// What one call says about, or does to, one seat.
enum SeatEffect: Equatable {
  case hold(UInt64)
  case release(UInt64, repeats: Bool)
  case extend(UInt64)
  case checkout(UInt64)
  case confirm(UInt64)
  case cancel(UInt64, repeats: Bool)
  case expireHold(UInt64)
  case expireOrder(UInt64)
  /// Seen, or said in a refusal.
  case seen(SeatState)
  case taken
  case seenHeld(UInt64)
  case seenPending(UInt64)
  case seenSold(UInt64)
  /// The hold is no hold any more, the order neither pending nor confirmed.
  case notHeld(UInt64)
  case notOrdered(UInt64)
  case block
  case unblock
  /// A block whose outcome nobody heard: it does nothing to a seat that somebody has.
  case tryToBlock
  /// What was issued is said never to have been.
  case forgotten

  /// Whose hold or order it is about.
  var holder: UInt64? {
    switch self {
    case .hold(let holder), .release(let holder, _), .extend(let holder), .checkout(let holder), .confirm(let holder),
      .cancel(let holder, _), .expireHold(let holder), .expireOrder(let holder), .seenHeld(let holder),
      .seenPending(let holder), .seenSold(let holder), .notHeld(let holder), .notOrdered(let holder):
      holder
    case .seen, .taken, .block, .unblock, .tryToBlock, .forgotten: nil
    }
  }

  /// The seat afterwards; nil: this cannot have been said of such a seat.
  func apply(to seat: SeatModel) -> SeatModel? {
    switch self {
    case .hold(let holder): seat == .free ? .held(holder) : nil
    case .release(let holder, let repeats):
      seat == .held(holder) ? .free : repeats && seat.holder != holder ? seat : nil
    case .extend(let holder), .seenHeld(let holder): seat == .held(holder) ? seat : nil
    case .checkout(let holder):
      seat == .held(holder) ? .pending(holder) : seat.holder == holder ? seat : nil
    case .confirm(let holder): seat == .pending(holder) || seat == .sold(holder) ? .sold(holder) : nil
    case .cancel(let holder, let repeats):
      seat == .pending(holder) || seat == .sold(holder) ? .free : repeats && seat.holder != holder ? seat : nil
    case .expireHold(let holder): seat == .held(holder) ? .free : seat
    case .expireOrder(let holder): seat == .pending(holder) ? .free : seat
    case .seen(let state):
      state == seat.seen ? seat : nil
    case .block: seat == .free || seat == .blocked ? .blocked : nil
    case .unblock: seat == .blocked ? .free : seat
    case .tryToBlock: seat == .free ? .blocked : seat
    case .forgotten: nil
    case .taken: seat == .free ? nil : seat
    case .seenPending(let holder): seat == .pending(holder) ? seat : nil
    case .seenSold(let holder): seat == .sold(holder) ? seat : nil
    case .notHeld(let holder): seat == .held(holder) ? nil : seat
    case .notOrdered(let holder): seat == .pending(holder) || seat == .sold(holder) ? nil : seat
    }
  }
}
