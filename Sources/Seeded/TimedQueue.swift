/// What will happen, by time; things of one time in the order in which they were planned. A binary heap.
package struct TimedQueue<Item> {
  private var heap: [(time: Int, order: Int, item: Item)] = []
  private var order = 0

  package init() {}

  package var nextTime: Int? { heap.first?.time }
  package var count: Int { heap.count }

  package mutating func plan(at time: Int, _ item: Item) {
    order += 1
    heap.append((time, order, item))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if isBefore(parent, child) { break }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  package mutating func takeNext() -> Item? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if heap.isEmpty { return first.item }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in (2 * parent + 1)...(2 * parent + 2) where child < heap.count && isBefore(child, least) {
        least = child
      }
      if least == parent { return first.item }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    (heap[a].time, heap[a].order) < (heap[b].time, heap[b].order)
  }
}
