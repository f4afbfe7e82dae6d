/// What will happen, by time; things of one time in the order in which they were planned.
struct Schedule {
  private var heap: [(time: Int, order: Int, body: () -> Void)] = []
  private var order = 0

  var nextTime: Int? { heap.first?.time }

  mutating func plan(at time: Int, _ body: @escaping () -> Void) {
    order += 1
    heap.append((time, order, body))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if isBefore(parent, child) { break }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  mutating func takeNext() -> (() -> Void)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if heap.isEmpty { return first.body }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in (2 * parent + 1)...(2 * parent + 2) where child < heap.count && isBefore(child, least) {
        least = child
      }
      if least == parent { return first.body }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    (heap[a].time, heap[a].order) < (heap[b].time, heap[b].order)
  }
}
