/// What a history is checked against: a value that calls change one after the other.
protocol SequentialModel: Hashable {
  associatedtype Effect
  /// The value afterwards; nil: this cannot have been said of such a value.
  func after(_ effect: Effect) -> Self?
}

/// A call about one thing. `returned` is `.max` if nobody heard of its end: it may have happened at any time after its
/// call, or never.
struct CheckedCall<Effect> {
  var called: Int
  var returned: Int
  var effect: Effect
}

enum Linearizability: Equatable {
  case linearizable
  /// With the largest number of calls that could be put in an order.
  case violated(longest: [Int])
  /// The search was given up after so many steps.
  case undecided
}

/// Whether some order of the calls, each within its own time, explains all that was said of a thing. Wing and Gong's
/// search with Lowe's memory of (calls done, state): what was tried once is not tried again.
func linearizability<Model: SequentialModel>(
  of calls: [CheckedCall<Model.Effect>], from initial: Model, stepsMax: Int = 200_000
) -> Linearizability {
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

  var value = initial
  var done = [UInt64](repeating: 0, count: (calls.count + 63) / 64)
  var stack: [(place: Int, value: Model)] = []
  var longest: [Int] = []
  var tried: Set<Tried<Model>> = []
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
      value = last.value
      relink(returnOf[lastCall])
      relink(last.place)
      place = next[last.place]
      continue
    }
    steps += 1
    if steps > stepsMax { return .undecided }
    if let after = value.after(call.effect), !(call.returned == .max && after == value) {
      done[entry.call / 64] |= 1 << UInt64(entry.call % 64)
      if tried.insert(Tried(done: done, value: after)).inserted {
        stack.append((place, value))
        value = after
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

/// What the search remembers.
private struct Tried<Model: Hashable>: Hashable {
  var done: [UInt64]
  var value: Model
}
