import EventLoop
import Glibc
import Testing

/// Sockets that are files: what becomes of the file.
@Suite struct UnixSocketTests {
  /// A directory of its own, removed with all that is in it.
  final class Place {
    let directory: String
    init() {
      directory = "/tmp/holdfast-unix-\(UInt64.random(in: 0 ... .max))"
      precondition(mkdir(directory, 0o755) == 0)
    }
    var path: String { directory + "/door.sock" }
    var door: Endpoint { .unix(path: path) }
    deinit {
      for name in ["door.sock", "link", "other"] {
        unlink(directory + "/" + name)
        rmdir(directory + "/" + name)
      }
      rmdir(directory)
    }

    func kind(_ name: String = "door.sock") -> UInt32? {
      var status = stat()
      return lstat(directory + "/" + name, &status) == 0 ? status.st_mode : nil
    }

    /// A socket's file as a killed process leaves it.
    func leaveStale() {
      let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      precondition(result == 0 && listen(fd, 1) == 0)
      close(fd)
    }
  }

  private func echo(at door: Endpoint, on loop: EventLoop) async -> [UInt8] {
    await withCheckedContinuation { continuation in
      loop.submit {
        var isDone = false
        let handler = Script {
          $0.onReceived = { span, connection in
            if !isDone { continuation.resume(returning: span.array) }
            isDone = true
            connection.close()
            return span.byteCount
          }
          $0.onClosed = { _, _ in
            if !isDone { continuation.resume(returning: []) }
            isDone = true
          }
        }
        loop.connect(to: door, handler: handler).write([1, 2, 3])
      }
    }
  }

  @Test(arguments: [UInt32(0o600), 0o660, 0o666]) func theFileComesWithItsModeAndGoes(mode: UInt32) async throws {
    let place = Place()
    let group = try LoopGroup(count: 2)
    defer { group.stop() }
    let listener = try Listener.bind(place.door, mode: mode)
    #expect(place.kind() == S_IFSOCK | mode)
    #expect(listener.address == place.door && listener.address.port == 0)
    let peers = Mailbox<String>()
    listener.start(on: group[0], targets: group.loops) { connection in
      peers.put(connection.peerText)
      return Echo()
    }
    for _ in 0..<4 { #expect(await echo(at: place.door, on: group[1]) == [1, 2, 3]) }
    // Who comes through a file has no address of its own.
    #expect(await peers.next() == "unix:\(place.path)")
    listener.stop()
    await group[0].perform {}
    #expect(place.kind() == nil)
    #expect(await echo(at: place.door, on: group[1]).isEmpty)
  }

  @Test func aListenerThatNeverStartedRemovesItsFile() throws {
    let place = Place()
    var listener: Listener? = try Listener.bind(place.door)
    #expect(listener != nil && place.kind() != nil)
    listener = nil
    #expect(place.kind() == nil)
  }

  @Test func whatNobodyListensOnIsReplaced() async throws {
    let place = Place()
    place.leaveStale()
    let group = try LoopGroup(count: 1)
    defer { group.stop() }
    let listener = try Listener.bind(place.door)
    listener.start(on: group[0]) { _ in Echo() }
    #expect(await echo(at: place.door, on: group[0]) == [1, 2, 3])
  }

  @Test func whatAProcessListensOnIsNotTouched() async throws {
    let place = Place()
    let group = try LoopGroup(count: 1)
    defer { group.stop() }
    let listener = try Listener.bind(place.door)
    listener.start(on: group[0]) { _ in Echo() }
    let refused = SocketError.socketInUse(address: "unix:\(place.path)", process: Int(getpid()))
    #expect(throws: refused) { try Listener.bind(place.door) }
    #expect(refused.description.contains("process \(getpid()) listens at unix:\(place.path)"))
    #expect(await echo(at: place.door, on: group[0]) == [1, 2, 3])
  }

  @Test func whatIsNoSocketIsNeverRemoved() throws {
    let place = Place()
    let refused = SocketError.notASocket(address: "unix:\(place.path)")
    close(open(place.path, O_CREAT | O_WRONLY, 0o644))
    #expect(throws: refused) { try Listener.bind(place.door) }
    #expect(place.kind() == S_IFREG | 0o644)
    unlink(place.path)
    mkdir(place.path, 0o755)
    #expect(throws: refused) { try Listener.bind(place.door) }
    rmdir(place.path)
    // A link is not followed, wherever it leads.
    symlink(place.directory + "/other", place.path)
    #expect(throws: refused) { try Listener.bind(place.door) }
    #expect(place.kind().map { $0 & S_IFMT } == S_IFLNK && place.kind("other") == nil)
  }

  @Test func whatCannotBeAPathIsNamed() throws {
    let place = Place()
    let long = "/" + String(repeating: "x", count: 107)
    #expect(throws: SocketError.pathTooLong(address: "unix:\(long)", limit: 107)) {
      try Listener.bind(.unix(path: long))
    }
    let missing = place.directory + "/missing/door.sock"
    #expect(
      throws: SocketError.noDirectory(address: "unix:\(missing)", directory: place.directory + "/missing")
    ) { try Listener.bind(.unix(path: missing)) }
    // As long as can be.
    let full = place.directory + "/" + String(repeating: "y", count: 106 - place.directory.utf8.count)
    #expect(full.utf8.count == 107)
    let listener = try Listener.bind(.unix(path: full))
    withExtendedLifetime(listener) {}
  }

  /// Of many processes that find the same dead socket one replaces it, and the others are told that it lives.
  @Test func oneOfManyReplacesIt() async throws {
    for _ in 0..<20 {
      let place = Place()
      place.leaveStale()
      let door = place.door
      let bound = await withTaskGroup(of: Listener?.self) { group in
        for _ in 0..<8 { group.addTask { try? Listener.bind(door) } }
        return await group.reduce(into: []) { $0.append($1) }.compactMap { $0 }
      }
      #expect(bound.count == 1)
      // A listener that goes takes its file with it.
      withExtendedLifetime(bound) { #expect(place.kind().map { $0 & S_IFMT } == S_IFSOCK) }
    }
  }

  /// Who removes its file at the end does not remove the one that another has put there meanwhile.
  @Test func anothersFileStays() throws {
    let place = Place()
    var mine: Listener? = try Listener.bind(place.door)
    // Kept, so that the new file cannot have the old one's number.
    link(place.path, place.directory + "/other")
    unlink(place.path)
    let others = try Listener.bind(place.door)
    #expect(mine != nil)
    mine = nil
    #expect(place.kind().map { $0 & S_IFMT } == S_IFSOCK)
    withExtendedLifetime(others) {}
  }
}
