import Proto

/// An area as the sequential specification sees it: who has how many of its places.
struct AreaModel: SequentialModel {
  struct Use: Hashable {
    var seat: SeatModel
    var count: UInt32
  }

  /// By holder, ascending.
  private var uses: [Use] = []

  private var used: UInt32 { uses.reduce(0) { $0 + $1.count } }
  private var sold: UInt32 {
    uses.reduce(0) { sum, use in if case .sold = use.seat { sum + use.count } else { sum } }
  }
  private func place(of holder: UInt64) -> Int? { uses.firstIndex { $0.seat.holder == holder } }

  func after(_ effect: AreaEffect) -> AreaModel? {
    var next = self
    switch effect {
    case .hold(let holder, let count):
      guard place(of: holder) == nil, used + count <= SimulatedEvent.capacity else { return nil }
      let behind = uses.firstIndex { ($0.seat.holder ?? 0) > holder } ?? uses.count
      next.uses.insert(Use(seat: .held(holder), count: count), at: behind)
    case .soldOut(let count): return used + count > SimulatedEvent.capacity ? self : nil
    case .counts(let counts):
      return counts.sold == sold && counts.held == used - sold && counts.free == SimulatedEvent.capacity - used
        ? self : nil
    case .holder(let effect):
      // To each holder its places are like one seat that nobody else can have.
      guard let holder = effect.holder else { return nil }
      let known = place(of: holder)
      guard let seat = effect.apply(to: known.map { uses[$0].seat } ?? .free) else { return nil }
      guard let known else { return self }
      if seat == .free { next.uses.remove(at: known) } else { next.uses[known].seat = seat }
    }
    return next
  }
}

/// What one call says about, or does to, an area.
enum AreaEffect {
  case hold(UInt64, UInt32)
  /// So many were asked for, and so many there were not.
  case soldOut(UInt32)
  case counts(Counts)
  /// What happens to a hold happens to its places.
  case holder(SeatEffect)
}
