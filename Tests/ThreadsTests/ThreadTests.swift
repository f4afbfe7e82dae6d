import Glibc
import Testing
import Threads

@Suite struct ThreadTests {
  private final class Luggage: Sendable {}

  @Test func joinWaitsForTheEnd() throws {
    let gate = Monitor(false)
    let steps = Lock<[String]>([])
    let thread = try Thread(name: "guest") {
      gate.wait { $0 ? () : nil }
      steps.withLock { $0.append("body") }
    }
    steps.withLock { $0.append("before") }
    gate.withLock { $0 = true }
    gate.wakeAll()
    thread.join()
    #expect(steps.withLock { $0 } == ["before", "body"])
  }

  @Test func itRunsElsewhereUnderItsName() throws {
    let seen = Lock<(id: pthread_t, name: String)?>(nil)
    let thread = try Thread(name: "fifteen-letters") {
      let id = pthread_self()
      let name = currentThreadName()
      seen.withLock { $0 = (id, name) }
    }
    thread.join()
    let found = seen.withLock { $0 }
    #expect(found?.name == "fifteen-letters")
    #expect(found.map { pthread_equal($0.id, pthread_self()) == 0 } ?? false)
  }

  @Test func detachedItRunsToo() {
    let isDone = Monitor(false)
    Thread.needed(name: "loner") {
      isDone.withLock { $0 = true }
      isDone.wakeAll()
    }.detach()
    #expect(isDone.wait { $0 ? true : nil })
  }

  /// What the body keeps is let go with the thread, and not before.
  @Test func itsBodyLivesAsLongAsItRuns() throws {
    let gate = Monitor(false)
    var luggage: Luggage? = Luggage()
    weak let left = luggage
    let thread = try Thread(name: "traveller") { [luggage] in
      gate.wait { $0 ? () : nil }
      withExtendedLifetime(luggage) {}
    }
    luggage = nil
    #expect(left != nil)
    gate.withLock { $0 = true }
    gate.wakeAll()
    thread.join()
    #expect(left == nil)
  }
}

/// As `top` shows it.
func currentThreadName() -> String {
  let file = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return "" }
  defer { close(file) }
  var name = [UInt8](repeating: 0, count: 32)
  let count = name.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
  return String(decoding: name[..<max(0, count - 1)], as: UTF8.self)
}
