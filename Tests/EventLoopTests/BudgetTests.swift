import EventLoop
import Glibc
import Testing

@Suite struct BudgetTests {
  /// Halves of messages on many connections: over the bound the oldest gives way, whoever is known last; a single one may be as large
  /// as it likes.
  @Test func unfinishedMessagesAreBoundedTogether() async throws {
    let group = try LoopGroup(count: 2)
    defer { group.stop() }
    let budget = InputBudget(bytesMax: 1 << 20)
    var options = ConnectionOptions()
    options.inputLimit = 8 << 20
    options.inputBudget = budget
    let ends = Mailbox<String>()
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    listener.start(on: group[0], targets: group.loops, options: options) { _ in
      Script { script in
        var name = ""
        script.onReceived = { bytes, connection in
          // The first byte says who it is; nothing is ever consumed.
          name = String(bytes.text.prefix(1))
          connection.inputRank = name == "k" ? 1 : 0
          return 0
        }
        script.onClosed = { _, reason in ends.put("\(name) \(reason)") }
      }
    }
    let port = listener.address.port
    let alone = RawClient(port: port)
    alone.send("a" + String(repeating: "x", count: 2 << 20))
    #expect(await eventually { budget.usage.bytes > 2 << 20 })
    #expect(budget.usage.closed == 0, "a single one may always finish")
    let known = RawClient(port: port)
    known.send("k" + String(repeating: "x", count: 600_000))
    #expect(await ends.next() == "a \(CloseReason.inputBudget)")
    #expect(await eventually { budget.usage.bytes == 600_001 })
    let third = RawClient(port: port)
    third.send("c" + String(repeating: "x", count: 500_000))
    #expect(
      await ends.next() == "c \(CloseReason.inputBudget)", "who is unknown gives way first, although it came last")
    #expect(budget.usage.closed == 2)
    withExtendedLifetime((alone, known, third)) {}
  }

  /// Answers that nobody reads are bounded over all connections: whoever has left them lying longest is closed.
  @Test func slowReadersAreClosedForOthers() async throws {
    let group = try LoopGroup(count: 1)
    defer { group.stop() }
    let ends = Mailbox<CloseReason>()
    let sums = Mailbox<Int>()
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    let loop = group[0]
    loop.submit { loop.limitOutput(bytes: 20_000_000) }
    var options = ConnectionOptions()
    options.outputSoftLimit = 1 << 20
    listener.start(on: loop, options: options) { _ in
      Script {
        $0.onOpened = { connection in
          for _ in 0..<12 { connection.write([UInt8](repeating: 1, count: 1_000_000)) }
          loop.schedule(after: .milliseconds(20)) { sums.put(loop.outputByteCount) }
        }
        $0.onClosed = { ends.put($1) }
      }
    }
    var clients: [RawClient] = []
    for _ in 0..<6 { clients.append(RawClient(port: listener.address.port, receiveBufferBytes: 4_096)) }
    var most = 0
    for _ in clients { most = max(most, await sums.next() ?? 0) }
    #expect(most > 0 && most <= 33_000_000, "\(most) bytes waited")
    #expect(await ends.next() == .outputBudget)
    withExtendedLifetime(clients) {}
  }

  /// Freed memory goes back once it no longer grows, and not all the time.
  @Test func memoryIsGivenBackAfterAPeak() {
    var watch = MemoryWatch()
    let base = 100 << 20
    var now: Int64 = 0
    var times: [Int64] = []
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
