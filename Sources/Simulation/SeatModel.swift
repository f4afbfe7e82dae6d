import Proto

/// One seat as the sequential specification sees it. A ticket is the secret of the hold that has it.
enum SeatModel: SequentialModel {
  case free
  case held(UInt64)
  case pending(UInt64)
  case sold(UInt64)

  func after(_ effect: SeatEffect) -> SeatModel? { effect.apply(to: self) }

  var ticket: UInt64? {
    switch self {
    case .free: nil
    case .held(let ticket), .pending(let ticket), .sold(let ticket): ticket
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
  /// What was issued is said never to have been.
  case forgotten

  /// Whose hold or order it is about.
  var ticket: UInt64? {
    switch self {
    case .hold(let ticket), .release(let ticket, _), .extend(let ticket), .checkout(let ticket), .confirm(let ticket),
      .cancel(let ticket, _), .expireHold(let ticket), .expireOrder(let ticket), .seenHeld(let ticket),
      .seenPending(let ticket), .seenSold(let ticket), .notHeld(let ticket), .notOrdered(let ticket):
      ticket
    case .seen, .taken, .forgotten: nil
    }
  }

  /// The seat afterwards; nil: this cannot have been said of such a seat.
  func apply(to seat: SeatModel) -> SeatModel? {
    switch self {
    case .hold(let ticket): seat == .free ? .held(ticket) : nil
    case .release(let ticket, let repeats):
      seat == .held(ticket) ? .free : repeats && seat.ticket != ticket ? seat : nil
    case .extend(let ticket), .seenHeld(let ticket): seat == .held(ticket) ? seat : nil
    case .checkout(let ticket):
      seat == .held(ticket) ? .pending(ticket) : seat.ticket == ticket ? seat : nil
    case .confirm(let ticket): seat == .pending(ticket) || seat == .sold(ticket) ? .sold(ticket) : nil
    case .cancel(let ticket, let repeats):
      seat == .pending(ticket) || seat == .sold(ticket) ? .free : repeats && seat.ticket != ticket ? seat : nil
    case .expireHold(let ticket): seat == .held(ticket) ? .free : seat
    case .expireOrder(let ticket): seat == .pending(ticket) ? .free : seat
    case .seen(let state):
      switch (state, seat) {
      case (.free, .free), (.held, .held), (.held, .pending), (.sold, .sold): seat
      default: nil
      }
    case .forgotten: nil
    case .taken: seat == .free ? nil : seat
    case .seenPending(let ticket): seat == .pending(ticket) ? seat : nil
    case .seenSold(let ticket): seat == .sold(ticket) ? seat : nil
    case .notHeld(let ticket): seat == .held(ticket) ? nil : seat
    case .notOrdered(let ticket): seat == .pending(ticket) || seat == .sold(ticket) ? nil : seat
    }
  }
}
