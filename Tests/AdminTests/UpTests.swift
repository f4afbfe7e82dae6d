import Admin
import ClusterMap
import Foundation
import Proto
import TestKit
import Testing

/// `up` and `down` with pretended servers: scripts that behave as the real ones promise to.
@Suite(.serialized) struct UpTests {
  /// A node that stays, and a router that says what it is asked for.
  private func programs(in directory: String) throws {
    // It answers whatever it is asked with the frame that says "up".
    var answer: [UInt8] = []
    WireFrame.encode(.adminReply, into: &answer) {
      AdminReply.status(
        NodeStatus(node: NodeName("n1")!, cluster: 1, disk: 1, pid: 1, state: .up, replicas: [])
      ).encode(into: &$0)
    }
    let node = #"""
      #!/usr/bin/env python3
      import socketserver, sys
      host, port = sys.argv[sys.argv.index("--listen") + 1].split(":")
      print("node", *sys.argv[1:], flush=True)
      class Link(socketserver.BaseRequestHandler):
          def handle(self):
              self.request.recv(65536)
              self.request.sendall(bytes(ANSWER))
      socketserver.ThreadingTCPServer.allow_reuse_address = True
      socketserver.ThreadingTCPServer((host, int(port)), Link).serve_forever()
      """#.replacingOccurrences(of: "ANSWER", with: "\(answer)")
    let router = #"""
      #!/usr/bin/env python3
      import http.server, sys
      host, port = sys.argv[sys.argv.index("--http") + 1].split(":")
      events = set()
      class Door(http.server.BaseHTTPRequestHandler):
          def answer(self, status):
              self.send_response(status)
              self.send_header("Content-Length", "2")
              self.end_headers()
              self.wfile.write(b"{}")
          def do_GET(self):
              name = self.path.rsplit("/", 1)[1]
              self.answer(200 if name in events or name == "readyz" else 404)
          def do_POST(self):
              body = self.rfile.read(int(self.headers["Content-Length"]))
              events.add("arena")
              print("created", len(body), flush=True)
              self.answer(201)
          def log_message(self, *arguments):
              pass
      http.server.ThreadingHTTPServer((host, int(port)), Door).serve_forever()
      """#
    for (name, text) in [("holdfast-node", node), ("holdfast-router", router)] {
      let path = directory + "/" + name
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      chmod(path, 0o755)
    }
  }

  @Test func upFindsStartsAndDownStops() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try programs(in: directory)
    // Free now; taken by the servers soon after.
    let ports = freePorts(4)
    try "{}".write(toFile: directory + "/plan.json", atomically: true, encoding: .utf8)
    let flags = [
      "--data", directory + "/var", "--programs", directory, "--nodes", "127.0.0.1:\(ports[0]),127.0.0.1:\(ports[1])",
      "--http",
      "127.0.0.1:\(ports[2])", "--tcp", "127.0.0.1:\(ports[3])", "--demo", directory + "/plan.json",
    ]
    let first = await holdfast(["up"] + flags)
    #expect(first.code == 0, "\(first.error)")
    #expect(first.out.contains("started n1, n2, router"))
    #expect(first.out.contains("127.0.0.1:\(ports[2])"))
    let log = try String(contentsOfFile: directory + "/var/log/n2.log", encoding: .utf8)
    #expect(log.contains("--name n2 --listen 127.0.0.1:\(ports[1])"))
    #expect(try String(contentsOfFile: directory + "/var/log/router.log", encoding: .utf8).contains("created"))

    let again = await holdfast(["up"] + flags)
    #expect(again.code == 0 && again.out.contains("Already running."), "\(again.error)")

    // One is gone: only that one is started.
    let pid = try pid(of: "n1", in: directory)
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
    let third = await holdfast(["up"] + flags)
    #expect(third.out.contains("started n1."), "\(third.out)\(third.error)")

    let pids = try ["n1", "n2", "router"].map { try self.pid(of: $0, in: directory) }
    // The children of a test are its own to collect, which the real `down` need not do.
    let collector = Thread { for each in pids { waitpid(each, nil, 0) } }
    collector.start()
    let down = await holdfast("down", "--data", directory + "/var")
    #expect(down.code == 0 && down.out == "Stopped router, n1, n2. The data stay.\n", "\(down.out)\(down.error)")
    #expect(await holdfast("down", "--data", directory + "/var").out == "Nothing was running.\n")
    let deadline = ContinuousClock.now + .seconds(5)
    while pids.contains(where: { kill($0, 0) == 0 }), ContinuousClock.now < deadline { usleep(2_000) }
    for each in pids { #expect(kill(each, 0) != 0) }
  }

  /// Both want to start the dead node: one does, and its number is the one that is kept.
  @Test func twoAtOnceStartEachProcessOnce() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try programs(in: directory)
    let ports = freePorts(4)
    let flags = [
      "--data", directory + "/var", "--programs", directory, "--nodes", "127.0.0.1:\(ports[0]),127.0.0.1:\(ports[1])",
      "--http", "127.0.0.1:\(ports[2])", "--tcp", "127.0.0.1:\(ports[3])", "--demo", "none",
    ]
    async let first = holdfast(["up"] + flags)
    async let second = holdfast(["up"] + flags)
    let texts = await [first.out, second.out]
    #expect(texts.count { $0.contains("started n1, n2, router") } == 1, "\(texts)")
    #expect(texts.count { $0.contains("Already running.") } == 1, "\(texts)")
    let pids = try ["n1", "n2", "router"].map { try self.pid(of: $0, in: directory) }
    for each in pids { #expect(kill(each, 0) == 0) }
    let cors = await holdfast(["up"] + flags + ["--cors", "https://shop.example"])
    #expect(cors.code == 1 && cors.error.contains("router runs without it"), "\(cors.out)\(cors.error)")
    let collector = Thread { for each in pids { waitpid(each, nil, 0) } }
    collector.start()
    #expect(await holdfast("down", "--data", directory + "/var").code == 0)
  }

  @Test func anAddressThatIsGivenTwiceIsRefusedBeforeAnythingStarts() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    for flags in [
      ["--nodes", "127.0.0.1:31,127.0.0.1:31"], ["--nodes", "127.0.0.1:31,127.0.0.1:32", "--http", "127.0.0.1:32"],
      ["--http", "127.0.0.1:31", "--tcp", "127.0.0.1:31"],
    ] {
      let ran = await holdfast(["up", "--data", directory + "/var", "--programs", directory] + flags)
      #expect(ran.code == 2 && ran.error.contains("is given twice"), "\(ran.out)\(ran.error)")
    }
    #expect(!FileManager.default.fileExists(atPath: directory + "/var"))
  }

  private func pid(of part: String, in directory: String) throws -> pid_t {
    let text = try String(contentsOfFile: directory + "/var/run/\(part).pid", encoding: .utf8)
    #expect(text.hasSuffix("\n"))
    return try #require(pid_t(text.dropLast()), "a pid file holds one number")
  }

  @Test func upKeepsItsFlags() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try programs(in: directory)
    let ports = freePorts(5)
    let nodes = "127.0.0.1:\(ports[0]),127.0.0.1:\(ports[1])"
    func up(_ flags: String...) async -> Ran {
      await holdfast(["up", "--data", directory + "/var", "--programs", directory] + flags)
    }
    let first = await up(
      "--nodes", nodes, "--http", "127.0.0.1:\(ports[2])", "--tcp", "127.0.0.1:\(ports[3])", "--shards", "8", "--demo",
      "none")
    #expect(first.code == 0, "\(first.error)")
    #expect(!first.out.contains("arena"))
    let pids = try ["n1", "n2", "router"].map { try pid(of: $0, in: directory) }
    // Without flags it is the same cluster.
    let again = await up()
    #expect(again.code == 0 && again.out.hasPrefix("Already running."), "\(again.error)")
    #expect(again.out.contains("127.0.0.1:\(ports[2])"))
    // What contradicts is refused, with both values, whatever runs or not.
    for (flag, wanted, known) in [
      ("--shards", "16", "8"), ("--nodes", "127.0.0.1:\(ports[4])", nodes),
      ("--coordinator", "file:/nowhere", "file:\(directory)/var/coordinator"),
      ("--http", "127.0.0.1:\(ports[4])", "127.0.0.1:\(ports[2])"), ("--loops", "3", "0"),
    ] {
      let refused = await up(flag, wanted)
      #expect(refused.code == 1, "\(flag)")
      #expect(refused.error.contains(wanted) && refused.error.contains(known), "\(refused.error)")
    }
    for each in pids {
      kill(each, SIGKILL)
      waitpid(each, nil, 0)
    }
    // What does not lie in the data may change while nothing runs.
    let moved = await up("--http", "127.0.0.1:\(ports[4])")
    #expect(moved.code == 0, "\(moved.error)")
    #expect(await up("--shards", "16").code == 1)
    for part in ["n1", "n2", "router"] {
      let each = try pid(of: part, in: directory)
      kill(each, SIGKILL)
      waitpid(each, nil, 0)
    }
  }

  @Test func aTakenPortIsNamedWithWhoHasIt() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try programs(in: directory)
    let taken = PretendServer { _ in }
    defer { taken.stop() }
    let ports = freePorts(3)
    let ran = await holdfast(
      "up", "--data", directory + "/var", "--programs", directory, "--nodes",
      "127.0.0.1:\(ports[0]),127.0.0.1:\(ports[1])",
      "--http", taken.address, "--tcp", "127.0.0.1:\(ports[2])")
    #expect(ran.code == 1)
    #expect(
      ran.error.contains("\(taken.address) (the HTTP door): the port is taken by process \(getpid())"), "\(ran.error)")
    // Nothing was started.
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/var/run") == ["lock"])
  }

  @Test func aServerThatEndsAtOnceIsSaidWithItsLog() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try programs(in: directory)
    try "#!/bin/sh\necho cannot do this >&2\nsleep 0.2\nexit 1\n".write(
      toFile: directory + "/holdfast-node", atomically: true, encoding: .utf8)
    chmod(directory + "/holdfast-node", 0o755)
    // A router that never becomes ready.
    try "#!/bin/sh\nexec sleep 300\n".write(toFile: directory + "/holdfast-router", atomically: true, encoding: .utf8)
    chmod(directory + "/holdfast-router", 0o755)
    let ports = freePorts(3)
    let ran = await holdfast(
      "up", "--data", directory + "/var", "--programs", directory, "--nodes", "127.0.0.1:\(ports[0])", "--http",
      "127.0.0.1:\(ports[1])", "--tcp", "127.0.0.1:\(ports[2])")
    #expect(ran.code == 1)
    #expect(ran.error.contains("n1 ended") && ran.error.contains("cannot do this"), "\(ran.error)")
    let router = try pid(of: "router", in: directory)
    kill(router, SIGKILL)
    // Every child must be collected: the library's monitor of exit tests goes round in circles over one that is not.
    for part in [router, try pid(of: "n1", in: directory)] { waitpid(part, nil, 0) }
  }
}
