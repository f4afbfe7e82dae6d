import Proto

/// One seat as the sequential specification sees it. A ticket is the secret of the hold that has it.
enum SeatModel: Hashable {
  case free
  case held(UInt64)
  case pending(UInt64)
  case sold(UInt64)

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

/// A call about one seat. `returned` is `.max` if nobody heard of its end: it may have happened at any time after its call, or never.
struct SeatCall {
  var called: Int
  var returned: Int
  var effect: SeatEffect
}

enum Linearizability: Equatable {
  case linearizable
  /// With the largest number of calls that could be put in an order.
  case violated(longest: [Int])
  /// The search was given up after so many steps.
  case undecided
}

/// Whether some order of the calls, each within its own time, explains all that was said of a seat. Wing and Gong's search with
/// Lowe's memory of (calls done, state): what was tried once is not tried again.
func linearizability(of calls: [SeatCall], stepsMax: Int = 200_000) -> Linearizability {
  struct Key: Hashable {
    var done: [UInt64]
    var seat: SeatModel
  }
  // A list of calls and returns in the order of time, doubly linked; entry 0 is its head.
  var entries: [(call: Int, isReturn: Bool)] = [(-1, false)]
  let moments = calls.indices.flatMap { [(calls[$0].called, 0, $0), (calls[$0].returned, 1, $0)] }
  for (_, kind, call) in moments.sorted(by: { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }) {
    entries.append((call, kind == 1))
  }
  var next = Array(1...entries.count)
  var previous = Array(-1..<(entries.count - 1))
  var returnOf = [Int](repeating: 0, count: calls.count)
  for (place, entry) in entries.enumerated() where entry.isReturn { returnOf[entry.call] = place }
  func unlink(_ place: Int) {
    next[previous[place]] = next[place]
    if next[place] < entries.count { previous[next[place]] = previous[place] }
  }
  func relink(_ place: Int) {
    if next[place] < entries.count { previous[next[place]] = place }
    next[previous[place]] = place
  }

  var seat = SeatModel.free
  var done = [UInt64](repeating: 0, count: (calls.count + 63) / 64)
  var stack: [(place: Int, seat: SeatModel)] = []
  var longest: [Int] = []
  var tried: Set<Key> = []
  var steps = 0
  var place = next[0]
  while place < entries.count {
    let entry = entries[place]
    let call = calls[entry.call]
    if entry.isReturn {
      // All that returned is explained; what did not need not have happened.
      if call.returned == .max { return .linearizable }
      if stack.count > longest.count { longest = stack.map { entries[$0.place].call } }
      guard let last = stack.popLast() else { return .violated(longest: longest) }
      let lastCall = entries[last.place].call
      done[lastCall / 64] &= ~(1 << UInt64(lastCall % 64))
      seat = last.seat
      relink(returnOf[lastCall])
      relink(last.place)
      place = next[last.place]
      continue
    }
    steps += 1
    if steps > stepsMax { return .undecided }
    if let after = call.effect.apply(to: seat), !(call.returned == .max && after == seat) {
      done[entry.call / 64] |= 1 << UInt64(entry.call % 64)
      if tried.insert(Key(done: done, seat: after)).inserted {
        stack.append((place, seat))
        seat = after
        unlink(place)
        unlink(returnOf[entry.call])
        place = next[0]
        continue
      }
      done[entry.call / 64] &= ~(1 << UInt64(entry.call % 64))
    }
    place = next[place]
  }
  return .linearizable
}
