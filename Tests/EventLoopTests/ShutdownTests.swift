import EventLoop
import Glibc
import Testing

@Suite struct ShutdownTests {
  /// What was written before the end arrives, and who was not asked to finish anything is closed.
  @Test func shutdownFlushes() async throws {
    let group = try LoopGroup(count: 2)
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    let answer = pattern(5_000_000)
    listener.start(on: group[0], targets: group.loops) { _ in
      Script {
        $0.onReceived = { bytes, connection in
          connection.write(answer)
          return bytes.byteCount
        }
      }
    }
    let clients = (0..<6).map { _ in RawClient(port: listener.address.port) }
    for client in clients { client.send("x") }
    for client in clients { #expect(client.receive(1)?.count == 1) }
    group.shutdown(grace: .seconds(10))
    let received = clients.map { $0.receiveAll() }
    for bytes in received {
      let isWhole = bytes == Array(answer.dropFirst())
      #expect(isWhole, "\(bytes?.count ?? -1) bytes")
    }
    group.join()
    _ = try Listener.bind(host: "127.0.0.1", port: listener.address.port)
  }

  /// A handler that has something to finish gets its time, and no more than the grace.
  @Test func handlersMayFinish() async throws {
    let group = try LoopGroup(count: 2)
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    let ends = Mailbox<CloseReason>()
    listener.start(on: group[0]) { _ in
      Script {
        $0.onShuttingDown = { connection in
          connection.loop.schedule(after: .milliseconds(50)) {
            connection.write(Array("done".utf8))
            connection.close()
          }
        }
      }
    }
    let stubborn = try Listener.bind(host: "127.0.0.1", port: 0)
    stubborn.start(on: group[1]) { _ in
      Script {
        $0.onShuttingDown = { _ in }
        $0.onClosed = { ends.put($1) }
      }
    }
    let (client, other) = (RawClient(port: listener.address.port), RawClient(port: stubborn.address.port))
    #expect(await eventually { listener.openConnections == 1 && stubborn.openConnections == 1 })
    group.shutdown(grace: .milliseconds(200))
    #expect(client.receiveAll() == Array("done".utf8))
    #expect(await ends.next() == .loopStopped)
    group.join()
    _ = other.receiveAll()
  }

  @Test func signalsArriveOnTheLoop() async throws {
    let group = try LoopGroup(count: 1)
    defer { group.stop() }
    let loop = group[0]
    let seen = Mailbox<Int32>()
    try SignalWatch([SIGUSR1, SIGUSR2], on: loop) { signal in
      precondition(loop.isCurrent)
      seen.put(signal)
    }
    // The watch is in place once the loop has done what was submitted.
    await loop.perform {}
    for signal in [SIGUSR1, SIGUSR2, SIGUSR1] {
      kill(getpid(), signal)
      #expect(await seen.next() == signal)
    }
  }

  /// Out of descriptors, a listener refuses at once instead of letting clients wait, does not spin, and goes on by
  /// itself.
  @Test func outOfDescriptors() async {
    await #expect(processExitsWith: .success) {
      let group = try LoopGroup(count: 1)
      let loop = group[0]
      let listener = try Listener.bind(host: "127.0.0.1", port: 0)
      listener.start(on: loop) { _ in Echo() }
      let client = RawClient(port: listener.address.port)
      client.send("a")
      precondition(client.receive() == [UInt8(ascii: "a")])
      let waiting = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(7), &limit)
      limit.rlim_cur = rlim_t(waiting) + 1
      precondition(setrlimit(__rlimit_resource_t(7), &limit) == 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = listener.address.port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(waiting, $0, 16) }
      }
      precondition(result == 0)
      var byte: UInt8 = 0
      precondition(recv(waiting, &byte, 1, 0) == 0, "it was not refused")
      let before = await loop.perform { loop.counters }
      usleep(300_000)
      let after = await loop.perform { loop.counters }
      precondition(listener.openConnections == 1, "there was a descriptor left")
      precondition(after.turns - before.turns < 20, "spins: \(after.turns - before.turns) turns")
      limit.rlim_cur += 10
      precondition(setrlimit(__rlimit_resource_t(7), &limit) == 0)
      let late = RawClient(port: listener.address.port)
      late.send("b")
      precondition(late.receive() == [UInt8(ascii: "b")])
      // Without what a sanitizer does at an orderly end: the loop still runs.
      _exit(0)
    }
  }
}
