import EventLoop
import TestKit
import Testing
import Time

@Suite struct MemoryWatchTests {
  /// Freed memory goes back once it no longer grows, and not all the time.
  @Test func memoryIsGivenBackAfterAPeak() {
    var watch = MemoryWatch()
    let base = 100 << 20
    var now: MonotonicTime = 0
    var times: [MonotonicTime] = []
    func look(_ resident: Int) {
      now += MemoryWatch.lookEvery
      #expect(watch.mustLook(now: now))
      guard watch.look(resident: resident, now: now) else { return }
      times.append(now)
      watch.done(resident: base)
    }
    for _ in 0..<10 { look(base) }
    #expect(times.isEmpty)
    for step in 1...5 { look(base + step * (20 << 20)) }
    for _ in 0..<3 { look(base + 100 << 20) }
    #expect(times.count == 1)
    for _ in 0..<30 { look(base + 100 << 20) }
    #expect(times.count <= 5, "\(times)")
    #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= MemoryWatch.doEvery })
  }
}
