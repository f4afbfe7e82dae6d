/// A binary heap: the least first.
struct MinHeap<Element: Comparable> {
  private(set) var items: [Element] = []

  var first: Element? { items.first }
  var count: Int { items.count }

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

extension MinHeap: Sendable where Element: Sendable {}
