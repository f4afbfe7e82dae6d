/// A timer that was scheduled on a loop: keep it to cancel it. Belongs to the loop's thread.
///
/// Sendable without the compiler's check, so that actors may store it: all fields are touched by `EventLoop` and
/// `TimerHeap` only, on the loop's thread, and `cancel` stops the process when it is called elsewhere.
public final class LoopTimer: @unchecked Sendable {
  unowned let loop: EventLoop
  let deadline: UInt64
  let sequence: UInt64
  var work: (() -> Void)?
  /// Its place in the heap; -1 when it is not there.
  var position = -1

  init(loop: EventLoop, deadline: UInt64, sequence: UInt64, work: @escaping () -> Void) {
    (self.loop, self.deadline, self.sequence, self.work) = (loop, deadline, sequence, work)
  }

  /// Its closure will not run any more, and is let go. Again or after it ran: nothing happens. On the loop's thread.
  public func cancel() {
    loop.preconditionOnLoop()
    guard position >= 0 else { return }
    loop.timers.remove(self)
    work = nil
  }
}

/// A binary heap by (deadline, order of scheduling) in which each timer knows its place, so that cancelling is O(log n)
/// too.
struct TimerHeap {
  private var heap: [LoopTimer] = []

  var first: LoopTimer? { heap.first }
  var count: Int { heap.count }

  private func precedes(_ a: LoopTimer, _ b: LoopTimer) -> Bool {
    a.deadline != b.deadline ? a.deadline < b.deadline : a.sequence < b.sequence
  }

  mutating func insert(_ timer: LoopTimer) {
    heap.append(timer)
    timer.position = heap.count - 1
    siftUp(heap.count - 1)
  }

  mutating func remove(_ timer: LoopTimer) {
    let hole = timer.position
    precondition(hole >= 0 && hole < heap.count && heap[hole] === timer, "a timer that is not in this heap")
    let last = heap.removeLast()
    timer.position = -1
    guard last !== timer else { return }
    heap[hole] = last
    last.position = hole
    siftUp(hole)
    siftDown(last.position)
  }

  mutating func removeAll() {
    for timer in heap {
      timer.position = -1
      timer.work = nil
    }
    heap = []
  }

  private mutating func siftUp(_ start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      guard precedes(heap[index], heap[parent]) else { return }
      exchange(index, parent)
      index = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var index = start
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count && precedes(heap[child], heap[least]) {
        least = child
      }
      guard least != index else { return }
      exchange(index, least)
      index = least
    }
  }

  private mutating func exchange(_ a: Int, _ b: Int) {
    heap.swapAt(a, b)
    heap[a].position = a
    heap[b].position = b
  }
}
