import EventLoop
import TestKit
import Testing

/// An actor that lives on a loop.
private actor Counter {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  var value = 0
  var seen: [Int] = []

  init(_ loop: EventLoop) { self.loop = loop }
  func add(_ number: Int) { value += number }
  func note(_ number: Int) { seen.append(number) }
  func isOnLoop() -> Bool { loop.isCurrent }

  /// A timer's closure made in an actor's method belongs to the actor: no hop, no `assumeIsolated`.
  func addLater(_ number: Int) { loop.schedule(after: .milliseconds(1)) { self.value += number } }
  func sum(of other: Counter, times: Int) async -> Int {
    for _ in 0..<times { value += await other.value }
    return value
  }
}

@Suite struct LoopTests {
  let group: LoopGroup
  init() throws { group = try LoopGroup(count: 2) }

  @Test func actorsRunOnTheirLoop() async {
    defer { group.stop() }
    let counter = Counter(group[1])
    #expect(await counter.isOnLoop())
    await withTaskGroup(of: Void.self) { tasks in
      for _ in 0..<100 { tasks.addTask { for _ in 0..<100 { await counter.add(1) } } }
    }
    #expect(await counter.value == 10_000)
    await counter.addLater(5)
    #expect(await eventually { await counter.value == 10_005 })
  }

  @Test func theLoopIsTheActorsIsolation() async {
    defer { group.stop() }
    let counter = Counter(group[0])
    let value = await group[0].perform {
      counter.assumeIsolated { counter in
        counter.value += 3
        return counter.value
      }
    }
    #expect(value == 3)
    #expect(group[0].isIsolatingCurrentContext() == false)
  }

  @Test func assumingFromAnotherLoopIsABug() async {
    defer { group.stop() }
    await #expect(processExitsWith: .failure) {
      let group = try LoopGroup(count: 2)
      let counter = Counter(group[0])
      await group[1].perform { counter.assumeIsolated { $0.value = 1 } }
    }
  }

  @Test func schedulingFromAnotherThreadIsABug() async {
    defer { group.stop() }
    await #expect(processExitsWith: .failure) {
      let loop = try EventLoop()
      loop.schedule(after: .zero) {}
    }
  }

  /// What one thread submits runs in its order, whatever other threads submit.
  @Test func submissionsKeepTheirOrder() async {
    defer { group.stop() }
    let counters = [Counter(group[0]), Counter(group[0])]
    let (target, source) = (group[0], group[1])
    await source.perform {
      for number in 0..<10_000 { target.submit { counters[0].assumeIsolated { $0.seen.append(number) } } }
    }
    await target.perform {
      for number in 0..<10_000 { target.submit { counters[1].assumeIsolated { $0.seen.append(number) } } }
    }
    for counter in counters {
      #expect(await eventually { await counter.seen.count == 10_000 })
      #expect(await counter.seen == Array(0..<10_000))
    }
  }

  @Test func loopsCallEachOther() async {
    defer { group.stop() }
    let (a, b) = (Counter(group[0]), Counter(group[1]))
    await b.add(2)
    #expect(await a.sum(of: b, times: 500) == 1_000)
  }

  @Test(arguments: [UInt64](1...10)) func timersRunInOrder(seed: UInt64) async {
    defer { group.stop() }
    let counter = Counter(group[0])
    let loop = group[0]
    let expected = await loop.perform {
      var random = SeededRandom(seed: seed)
      var wanted: [(deadline: Int, number: Int)] = []
      var timers: [LoopTimer] = []
      for number in 0..<500 {
        let delay = Int.random(in: 0..<20, using: &random)
        timers.append(
          loop.schedule(after: .milliseconds(delay)) { counter.assumeIsolated { $0.seen.append(number) } })
        wanted.append((delay, number))
      }
      for number in 0..<500 where Bool.random(using: &random) {
        timers[number].cancel()
        timers[number].cancel()
        wanted.removeAll { $0.number == number }
      }
      return wanted.sorted { ($0.deadline, $0.number) < ($1.deadline, $1.number) }.map(\.number)
    }
    #expect(await eventually { await counter.seen.count >= expected.count }, "seed \(seed)")
    #expect(await counter.seen == expected, "seed \(seed)")
  }

  @Test func timersAreNeitherEarlyNorVeryLate() async throws {
    defer { group.stop() }
    let fired = Mailbox<UInt64>()
    let loop = group[0]
    let start = monotonicNanoseconds()
    await loop.perform { _ = loop.schedule(after: .milliseconds(50)) { fired.put(monotonicNanoseconds()) } }
    let end = try #require(await fired.next())
    #expect(end - start >= 50_000_000 && end - start < 1_000_000_000)
  }

  /// What is due meanwhile waits.
  @Test func aNapIsSleptOut() async throws {
    defer { group.stop() }
    let fired = Mailbox<UInt64>()
    let loop = group[0]
    let start = monotonicNanoseconds()
    await loop.perform {
      loop.nap(nanoseconds: 500_000)
      _ = loop.schedule(after: .zero) { fired.put(monotonicNanoseconds()) }
    }
    let end = try #require(await fired.next())
    #expect(end - start >= 500_000)
  }

  /// A timer that schedules itself for now does not keep the loop from its other work.
  /// A turn that keeps the others waiting is counted as what it took, and a wait for sockets as nothing.
  @Test func longTurnsAreCounted() async throws {
    defer { group.stop() }
    let times = Mailbox<TurnTimes>()
    let loop = group[0]
    loop.submit {
      let end = monotonicNanoseconds() + 16_000_000
      while monotonicNanoseconds() < end {}
      loop.schedule(after: .milliseconds(100)) { loop.submit { times.put(loop.turnTimes) } }
    }
    let counted = try #require(await times.next())
    let place = try #require(TurnTimes.bounds.firstIndex(of: 15))
    #expect(counted.counts[(place + 1)...].contains { $0 > 0 })
    #expect(counted.sumNanoseconds >= 16_000_000)
    #expect(counted.count >= 2)
  }

  @Test func aTimerCannotStarveTheLoop() async {
    defer { group.stop() }
    let loop = group[0]
    await loop.perform { again(loop) }
    #expect(await loop.perform { 7 } == 7)
  }

  @Test func endsOfTurnComeAfterTheWork() async {
    defer { group.stop() }
    let counter = Counter(group[0])
    let loop = group[0]
    await loop.perform {
      loop.atEndOfTurn {
        counter.assumeIsolated { $0.seen.append(3) }
        // Registered again inside: also in this turn.
        loop.atEndOfTurn { counter.assumeIsolated { $0.seen.append(4) } }
      }
      counter.assumeIsolated { $0.seen.append(1) }
      loop.submit { counter.assumeIsolated { $0.seen.append(2) } }
    }
    #expect(await eventually { await counter.seen.count == 4 })
    #expect(await counter.seen == [1, 2, 3, 4])
  }

  @Test func workForAStoppedLoopStillRuns() async {
    let counter = Counter(group[0])
    group.stop()
    await counter.add(1)
    await counter.add(2)
    #expect(await counter.value == 3)
    #expect(await counter.isOnLoop())
  }
}

private func again(_ loop: EventLoop) { loop.schedule(after: .zero) { again(loop) } }
