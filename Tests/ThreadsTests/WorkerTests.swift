import Glibc
import Seeded
import Testing
import Threads

@Suite struct WorkerTests {
  /// Holds the worker's thread until it is opened.
  private struct Gate: Sendable {
    private let isOpen = Monitor(false)
    private let isReached = Monitor(false)

    func pass() {
      isReached.withLock { $0 = true }
      isReached.wakeAll()
      isOpen.wait { $0 ? () : nil }
    }
    /// Returns once a job stands before the gate.
    func waitForArrival() { isReached.wait { $0 ? () : nil } }
    func open() {
      isOpen.withLock { $0 = true }
      isOpen.wakeAll()
    }
  }

  @Test func jobsRunInOrderOneAfterTheOther() {
    let worker = Worker(name: "worker", jobsMax: 1_000)
    let record = Lock<(order: [Int], running: Int, runningMax: Int)>(([], 0, 0))
    for number in 0..<1_000 {
      let isTaken = worker.run {
        record.withLock {
          $0.running += 1
          $0.runningMax = max($0.runningMax, $0.running)
        }
        record.withLock {
          $0.order.append(number)
          $0.running -= 1
        }
      }
      #expect(isTaken)
    }
    worker.stop()
    let found = record.withLock { $0 }
    #expect(found.order == Array(0..<1_000))
    #expect(found.runningMax == 1)
  }

  /// What was handed over before `stop` has run when that returns.
  @Test func stopRunsWhatWaits() {
    let worker = Worker(name: "worker")
    let gate = Gate()
    let done = Lock(0)
    _ = worker.run { gate.pass() }
    gate.waitForArrival()
    for _ in 0..<100 { _ = worker.run { done.withLock { $0 += 1 } } }
    #expect(worker.jobCount == 101)
    #expect(done.withLock { $0 } == 0)
    gate.open()
    worker.stop()
    #expect(done.withLock { $0 } == 100)
    #expect(worker.jobCount == 0)
  }

  @Test func afterItsEndItTakesNothing() {
    let worker = Worker(name: "worker")
    let ran = Lock(false)
    worker.stop()
    #expect(!worker.run { ran.withLock { $0 = true } })
    worker.runAnyway { ran.withLock { $0 = true } }
    #expect(worker.jobCount == 0)
    // A second end finds nothing to end.
    worker.stop()
    #expect(!ran.withLock { $0 })
  }

  /// The bound counts the job that runs, and `runAnyway` passes over it.
  @Test func onlySoManyWait() {
    let worker = Worker(name: "worker", jobsMax: 3)
    let gate = Gate()
    let done = Lock<[String]>([])
    #expect(worker.run { gate.pass() })
    gate.waitForArrival()
    #expect(worker.run { done.withLock { $0.append("second") } })
    #expect(worker.run { done.withLock { $0.append("third") } })
    #expect(!worker.run { done.withLock { $0.append("refused") } })
    worker.runAnyway { done.withLock { $0.append("anyway") } }
    #expect(worker.jobCount == 4)
    #expect(!worker.run { done.withLock { $0.append("refused") } })
    gate.open()
    // There is room again as soon as jobs have ended.
    while !worker.run({ done.withLock { $0.append("later") } }) { sched_yield() }
    worker.stop()
    #expect(done.withLock { $0 } == ["second", "third", "anyway", "later"])
  }

  /// Also a job may hand over: it runs behind what waits already.
  @Test func aJobHandsOverTheNext() {
    let worker = Worker(name: "worker", jobsMax: 2)
    let count = Monitor(0)
    @Sendable func next() {
      let isLast = count.withLock { count in
        count += 1
        return count == 100
      }
      if isLast { count.wakeAll() } else { _ = worker.run { next() } }
    }
    #expect(worker.run { next() })
    count.wait { $0 == 100 ? () : nil }
    worker.stop()
    #expect(count.withLock { $0 } == 100)
  }

  /// Many threads hand over at once, against a small bound: each job that was taken runs once, each that was refused
  /// does not, and those of one thread run in its order.
  @Test(arguments: [UInt64](1...4)) func manyThreadsHandOver(seed: UInt64) {
    let worker = Worker(name: "worker", jobsMax: 4)
    let ran = Lock([[Int]](repeating: [], count: 4))
    let taken = Lock([[Int]](repeating: [], count: 4))
    let threads = (0..<4).map { place in
      Thread.needed(name: "giver-\(place)") {
        var random = SeededRandom(seed: seed &* 31 &+ UInt64(place))
        for number in 0..<500 {
          if worker.run({ ran.withLock { $0[place].append(number) } }) { taken.withLock { $0[place].append(number) } }
          if random.chance(30) { sched_yield() }
        }
      }
    }
    for thread in threads { thread.join() }
    worker.stop()
    let (expected, found) = (taken.withLock { $0 }, ran.withLock { $0 })
    #expect(found == expected, "seed \(seed)")
    #expect(expected.contains { !$0.isEmpty }, "seed \(seed): no job was taken")
  }

  /// A nice value is a thread's on Linux: the background worker's is higher, whatever this process was started with.
  @Test func inTheBackgroundItStepsBack() {
    func niceValue(isBackground: Bool) -> Int32 {
      let value = Lock<Int32>(0)
      let worker = Worker(name: "worker", isBackground: isBackground)
      _ = worker.run {
        let nice = getpriority(Int32(PRIO_PROCESS.rawValue), 0)
        value.withLock { $0 = nice }
      }
      worker.stop()
      return value.withLock { $0 }
    }
    let ordinary = niceValue(isBackground: false)
    #expect(niceValue(isBackground: true) == max(15, ordinary))
  }
}
