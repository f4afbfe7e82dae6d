import Proto

/// The heap of deadlines: slots, four children to a node, ordered by deadline and then by slot, so that who ends first does not
/// depend on how the heap came to be. Each slot's entry knows its place in the heap.
extension HoldSlab {
  var firstDeadline: Milliseconds? { heap.isEmpty ? nil : deadline(heap[0]) }

  @inline(__always) private func key(_ slot: UInt32) -> Int {
    // 44 bits of deadline do not fit beside 28 of slot in 64; compare in two steps where they are equal.
    Int(deadline(slot))
  }

  @inline(__always) private func precedes(_ a: UInt32, _ aKey: Int, _ b: UInt32, _ bKey: Int) -> Bool {
    aKey != bKey ? aKey < bKey : a < b
  }

  @inline(__always) private mutating func place(_ slot: UInt32, at place: Int) {
    heap[place] = slot
    setHeapPlace(slot, place)
  }

  /// Adds a slot whose deadline is set.
  mutating func insertDeadline(_ slot: UInt32) {
    heap.append(slot)
    siftUp(slot, from: heap.count - 1)
  }

  /// Writes a new record and adds its deadline. Most new deadlines are the last, and then nothing else moves.
  @inline(__always) mutating func insert(_ record: HoldRecord, at slot: UInt32) {
    let place = heap.count
    heap.append(slot)
    store(record, at: slot, heapPlace: place)
    if place > 0 {
      let parent = heap[(place - 1) >> 2]
      let parentDeadline = deadline(parent)
      if record.deadline < parentDeadline || record.deadline == parentDeadline && slot < parent {
        siftUp(slot, from: place)
      }
    }
  }

  /// Takes a slot out; its deadline is still the one it was put in with.
  mutating func removeDeadline(_ slot: UInt32) {
    let hole = heapPlace(slot)
    let last = heap[heap.count - 1]
    heap.removeLast()
    if last != slot { settle(last, from: hole) }
  }

  /// Moves a slot to where its new deadline belongs.
  mutating func deadlineChanged(_ slot: UInt32) { settle(slot, from: heapPlace(slot)) }

  private mutating func settle(_ slot: UInt32, from place: Int) {
    if place > 0 {
      let parent = heap[(place - 1) >> 2]
      if precedes(slot, key(slot), parent, key(parent)) { return siftUp(slot, from: place) }
    }
    siftDown(slot, from: place)
  }

  private mutating func siftUp(_ slot: UInt32, from start: Int) {
    var here = start
    let key = key(slot)
    while here > 0 {
      let parentPlace = (here - 1) >> 2
      let parent = heap[parentPlace]
      if !precedes(slot, key, parent, self.key(parent)) { break }
      place(parent, at: here)
      here = parentPlace
    }
    place(slot, at: here)
  }

  private mutating func siftDown(_ slot: UInt32, from start: Int) {
    var here = start
    let key = key(slot)
    let count = heap.count
    while true {
      let first = here << 2 + 1
      if first >= count { break }
      var least = first
      var leastSlot = heap[first]
      var leastKey = self.key(leastSlot)
      for child in (first + 1)..<max(first + 1, min(first + 4, count)) {
        let childSlot = heap[child]
        let childKey = self.key(childSlot)
        if precedes(childSlot, childKey, leastSlot, leastKey) {
          (least, leastSlot, leastKey) = (child, childSlot, childKey)
        }
      }
      if !precedes(leastSlot, leastKey, slot, key) { break }
      place(leastSlot, at: here)
      here = least
    }
    place(slot, at: here)
  }

  /// The `rank`-th deadline (1: the first) if it is at most `stamp`; nil: fewer are due. Looks at no more than `rank` entries and
  /// their children.
  func dueDeadline(rank: Int, by stamp: Milliseconds) -> Milliseconds? {
    guard rank > 0, rank <= heap.count, let first = firstDeadline, first <= stamp else { return nil }
    var frontier = MinHeap<DueEntry>()
    frontier.insert(DueEntry(deadline: first, place: 0))
    var taken = 0
    while let entry = frontier.removeFirst() {
      taken += 1
      if taken == rank { return entry.deadline }
      let child = entry.place << 2 + 1
      for place in child..<max(child, min(child + 4, heap.count)) {
        let deadline = deadline(heap[place])
        if deadline <= stamp { frontier.insert(DueEntry(deadline: deadline, place: place)) }
      }
    }
    return nil
  }

  private struct DueEntry: Comparable {
    var deadline: Milliseconds
    var place: Int
    static func < (a: DueEntry, b: DueEntry) -> Bool { a.deadline < b.deadline }
  }
}

/// A small binary heap for one call's own use.
struct MinHeap<Element: Comparable> {
  private(set) var items: [Element] = []

  mutating func insert(_ item: Element) {
    items.append(item)
    var place = items.count - 1
    while place > 0, item < items[(place - 1) / 2] {
      items[place] = items[(place - 1) / 2]
      place = (place - 1) / 2
    }
    items[place] = item
  }

  mutating func removeFirst() -> Element? {
    guard let first = items.first, let last = items.popLast() else { return nil }
    if items.isEmpty { return first }
    var place = 0
    while true {
      var child = place * 2 + 1
      if child >= items.count { break }
      if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
      if !(items[child] < last) { break }
      items[place] = items[child]
      place = child
    }
    items[place] = last
    return first
  }
}
