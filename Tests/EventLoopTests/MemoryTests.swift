import Budgets
import EventLoop
import Glibc
import Testing

/// The sum over many connections has a bound, and the oldest that keeps something goes first.
@Suite struct MemoryTests {
  let group: LoopGroup
  init() throws { group = try LoopGroup(count: 2) }

  /// Keeps what it is shown until there is a newline, and says why connections ended.
  private func serveLines(_ budget: MemoryBudget, _ ended: Mailbox<CloseReason>) throws -> Listener {
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    var options = ConnectionOptions()
    options.inputBudget = budget
    listener.start(on: group[0], targets: group.loops, options: options) { _ in
      Script {
        $0.onReceived = { bytes, connection in
          guard bytes.text.hasSuffix("\n") else { return 0 }
          connection.write(Array("\(bytes.byteCount)".utf8))
          return bytes.byteCount
        }
        $0.onClosed = { _, reason in ended.put(reason) }
      }
    }
    return listener
  }

  @Test func theOldestUnfinishedInputGoesFirst() async throws {
    defer { group.stop() }
    let ended = Mailbox<CloseReason>()
    let budget = MemoryBudget(limit: 10_000)
    let listener = try serveLines(budget, ended)
    let port = listener.address.port
    let clients = [RawClient(port: port), RawClient(port: port), RawClient(port: port)]
    let text = String(repeating: "x", count: 4_000)
    for (place, client) in clients.enumerated() {
      client.send(text)
      if place < 2 { #expect(await eventually { budget.counts.used >= 4_000 * (place + 1) }) }
    }
    #expect(await ended.next() == .memory)
    #expect(clients[0].receiveAll().map(\.isEmpty) ?? true)
    #expect(budget.counts.closed == 1)
    #expect(budget.counts.used <= 10_000)
    // The others go on, and what they finished is not counted any more.
    for client in clients[1...] {
      client.send("\n")
      #expect(client.receive() == Array("4001".utf8))
    }
    #expect(await eventually { budget.counts.used == 0 })
    #expect(budget.takePeak() >= 8_000)
    #expect(budget.takePeak() == 0)
  }

  /// Whoever keeps much goes before an older one that keeps little.
  @Test func muchGoesBeforeLittle() async throws {
    defer { group.stop() }
    let ended = Mailbox<CloseReason>()
    let budget = MemoryBudget(limit: 300_000)
    let listener = try serveLines(budget, ended)
    let little = RawClient(port: listener.address.port)
    little.send("half a line")
    #expect(await eventually { budget.counts.used > 0 })
    let text = String(repeating: "x", count: 200_000)
    let much = [RawClient(port: listener.address.port), RawClient(port: listener.address.port)]
    much[0].send(text)
    #expect(await eventually { budget.counts.used >= 200_000 })
    much[1].send(text)
    #expect(await ended.next() == .memory)
    #expect(much[0].receiveAll().map(\.isEmpty) ?? true)
    little.send("\n")
    #expect(little.receive() == Array("12".utf8))
  }

  /// What a handler keeps counts too; pinned, it is not given up.
  @Test func heldInputCounts() async throws {
    defer { group.stop() }
    let budget = MemoryBudget(limit: 1_000)
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    var options = ConnectionOptions()
    options.inputBudget = budget
    listener.start(on: group[0], options: options) { _ in
      Script {
        $0.onReceived = { bytes, connection in
          connection.setHeldInput(byteCount: 900, isPinned: bytes.text == "pinned")
          connection.write(bytes)
          return bytes.byteCount
        }
      }
    }
    let pinned = RawClient(port: listener.address.port)
    pinned.send("pinned")
    #expect(pinned.receive() == Array("pinned".utf8))
    #expect(!budget.admits(101))
    #expect(budget.admits(100))
    #expect(budget.counts.refused == 1)
    let loose = RawClient(port: listener.address.port)
    loose.send("loose")
    #expect(loose.receiveAll().map(\.isEmpty) ?? true)
    #expect(budget.counts.used == 900)
    pinned.send("pinned")
    #expect(pinned.receive() == Array("pinned".utf8))
  }

  /// Answers that nobody reads have a bound in their sum; one body that all of them send is there once.
  @Test(arguments: [false, true]) func theOldestUnreadOutputGoesFirst(isShared: Bool) async throws {
    defer { group.stop() }
    let ended = Mailbox<CloseReason>()
    let budget = MemoryBudget(limit: 20 << 20)
    let body = SharedBytes(pattern(8 << 20))
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    var options = ConnectionOptions()
    options.outputBudget = budget
    listener.start(on: group[0], options: options) { _ in
      Script {
        $0.onReceived = { bytes, connection in
          if isShared { connection.write([body]) } else { connection.write(pattern(8 << 20)) }
          return bytes.byteCount
        }
        $0.onClosed = { _, reason in ended.put(reason) }
      }
    }
    let clients = (0..<4).map { _ in RawClient(port: listener.address.port, receiveBufferBytes: 4_096) }
    for client in clients {
      client.send("x")
      // Its first bytes are there: the answer was written, and waits.
      #expect(client.receive(1)?.count == 1)
    }
    if isShared {
      #expect(budget.counts.closed == 0)
      #expect(budget.counts.used < 1 << 20)
      let rest = clients[0].receiveSome((8 << 20) - 1)
      let isSame = rest == Array(body.bytes[1...])
      #expect(isSame)
    } else {
      #expect(await ended.next() == .memory)
      #expect(budget.counts.closed >= 1)
      #expect(budget.counts.used <= 20 << 20)
    }
  }

  /// An owner that lets go, or changes what others still send, leaves those bytes to the budget until they are sent.
  @Test func retiredBytesCountUntilNobodySendsThem() {
    let budget = MemoryBudget(limit: 1 << 20)
    var shared = SharedBytes([1, 2, 3])
    SharedBytes.withUniqueBytes(of: &shared, retireTo: budget) { $0[0] = 9 }
    #expect(shared.bytes == [9, 2, 3])
    #expect(budget.counts.used == 0)
    var reader: SharedBytes? = shared
    SharedBytes.withUniqueBytes(of: &shared, retireTo: budget) { $0[1] = 9 }
    #expect(shared.bytes == [9, 9, 3])
    #expect(reader?.bytes == [9, 2, 3])
    #expect(budget.counts.used == 3)
    reader = nil
    #expect(budget.counts.used == 0)
  }
}

extension RawClient {
  /// Exactly so many bytes; fewer if the connection ends.
  fileprivate func receiveSome(_ count: Int) -> [UInt8] {
    var all: [UInt8] = []
    while all.count < count, let part = receive(min(1 << 20, count - all.count)), !part.isEmpty { all += part }
    return all
  }
}
