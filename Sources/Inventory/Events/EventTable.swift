import Octets
import Proto
import Time

/// All events of a shard, by slot, and the order of the living ones by id. A slot whose event was deleted and cleared
/// away is given again, the lowest first.
struct EventTable: Sendable {
  private static let pageShift = 5
  static let countMax = 1 << 24 - 1
  private static let leafMax = 512

  private var pages: [[EventState]] = []
  /// Slots that were ever used.
  private(set) var count = 0
  /// Events that are there.
  private(set) var livingCount = 0
  private var free = MinHeap<UInt32>()
  /// Slots in ascending order of the events' ids, in leaves of at most 512.
  private var leaves: [[UInt32]] = []

  /// The event that was held from last stands apart, so that what changes with every hold is reached without a look at
  /// who shares its page. In its page stands a placeholder meanwhile.
  var hot = EventState.placeholder
  private(set) var hotSlot = UInt32.max

  @inline(__always) subscript(slot: UInt32) -> EventState {
    _read {
      if slot == hotSlot {
        yield hot
      } else {
        yield pages[Int(slot) >> Self.pageShift][Int(slot) & (1 << Self.pageShift - 1)]
      }
    }
    _modify {
      if slot == hotSlot {
        yield &hot
      } else {
        yield &pages[Int(slot) >> Self.pageShift][Int(slot) & (1 << Self.pageShift - 1)]
      }
    }
  }

  /// Makes an event the hot one; false: there is no such slot.
  @inline(__always) mutating func heat(_ slot: UInt32) -> Bool {
    if slot == hotSlot { return true }
    guard Int(slot) < count else { return false }
    exchange(slot)
    return true
  }

  private mutating func exchange(_ slot: UInt32) {
    if hotSlot != .max {
      swap(&hot, &pages[Int(hotSlot) >> Self.pageShift][Int(hotSlot) & (1 << Self.pageShift - 1)])
    }
    swap(&hot, &pages[Int(slot) >> Self.pageShift][Int(slot) & (1 << Self.pageShift - 1)])
    hotSlot = slot
  }

  /// Whether the reference names an event of this life of the cluster.
  @inline(__always) func knows(_ ref: EventRef) -> Bool {
    Int(ref.slot.rawValue) < count && self[ref.slot.rawValue].incarnation == ref.incarnation
      && self[ref.slot.rawValue].life == .living
  }

  /// The slot that the next event gets; nil: there is none.
  var nextSlot: UInt32? { free.first ?? (count < Self.countMax ? UInt32(count) : nil) }

  /// Adds an event in the next slot, whose id is new.
  mutating func append(_ event: EventState) {
    if free.first == event.slot {
      _ = free.removeFirst()
      self[event.slot] = event
    } else {
      grow(event)
    }
    livingCount += 1
    list(event)
  }

  /// Adds a slot behind the last. What a snapshot says of it: an event that is there, one that was deleted, or none.
  mutating func restore(_ event: EventState) {
    grow(event)
    switch event.life {
    case .living:
      livingCount += 1
      list(event)
    case .deleted: break
    case .free: free.insert(event.slot)
    }
  }

  private mutating func grow(_ event: EventState) {
    precondition(Int(event.slot) == count, "slots are given in order")
    if count & (1 << Self.pageShift - 1) == 0 { pages.append([]) }
    pages[pages.count - 1].append(event)
    count += 1
  }

  /// The event's id means nothing any more; its slot stays until `clear`.
  mutating func delete(_ slot: UInt32, at stamp: Stamp) {
    let id = self[slot].id
    let leaf = max(0, leafBehind(id) - 1)
    leaves[leaf].remove(at: place(of: id, in: leaf))
    if leaves[leaf].isEmpty { leaves.remove(at: leaf) }
    livingCount -= 1
    self[slot].delete(at: stamp)
  }

  /// Nothing is left of a deleted event: its slot may be given again.
  mutating func clear(_ slot: UInt32) {
    self[slot] = EventState.cleared(slot)
    free.insert(slot)
  }

  private mutating func list(_ event: EventState) {
    let id = event.id
    guard !leaves.isEmpty else {
      leaves.append([event.slot])
      return
    }
    let leaf = max(0, leafBehind(id) - 1)
    let place = place(of: id, in: leaf)
    leaves[leaf].insert(event.slot, at: place)
    if leaves[leaf].count > Self.leafMax {
      let half = Array(leaves[leaf][(Self.leafMax / 2)...])
      leaves[leaf].removeLast(half.count)
      leaves.insert(half, at: leaf + 1)
    }
  }

  func slot(of id: Bytes) -> UInt32? {
    guard !leaves.isEmpty else { return nil }
    let leaf = max(0, leafBehind(id) - 1)
    let place = place(of: id, in: leaf)
    guard place < leaves[leaf].count, self[leaves[leaf][place]].id == id else { return nil }
    return leaves[leaf][place]
  }

  /// At most `limit` slots whose events' ids come after `id`, ascending.
  func slots(after id: Bytes, limit: Int) -> [UInt32] {
    var found: [UInt32] = []
    var leaf = max(0, leafBehind(id) - 1)
    guard leaf < leaves.count else { return found }
    var place = place(of: id, in: leaf)
    while found.count < limit, leaf < leaves.count {
      if place == leaves[leaf].count {
        leaf += 1
        place = 0
        continue
      }
      if self[leaves[leaf][place]].id > id { found.append(leaves[leaf][place]) }
      place += 1
    }
    return found
  }

  /// The first leaf whose first event comes after `id`.
  private func leafBehind(_ id: Bytes) -> Int {
    var (low, high) = (0, leaves.count)
    while low < high {
      let middle = (low + high) / 2
      if self[leaves[middle][0]].id > id { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The first place in the leaf whose event does not come before `id`.
  private func place(of id: Bytes, in leaf: Int) -> Int {
    var (low, high) = (0, leaves[leaf].count)
    while low < high {
      let middle = (low + high) / 2
      if self[leaves[leaf][middle]].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
