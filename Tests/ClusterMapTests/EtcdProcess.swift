import Foundation
import Testing

/// A real etcd (Debian's `etcd-server`) on ports of its own, with its data in a temporary directory.
final class EtcdProcess: @unchecked Sendable {
  let endpoint: String
  private let process = Process()
  private let directory: String

  /// Returns once it answers.
  static func start() async throws -> EtcdProcess {
    let ports = freePorts(2)
    let etcd = EtcdProcess(client: ports[0], peer: ports[1])
    try etcd.process.run()
    try await etcd.waitUntilHealthy()
    return etcd
  }

  private init(client: UInt16, peer: UInt16) {
    endpoint = "127.0.0.1:\(client)"
    directory = temporaryDirectory()
    let peerURL = "http://127.0.0.1:\(peer)"
    process.executableURL = URL(filePath: "/usr/bin/etcd")
    process.arguments = [
      "--name", "test", "--data-dir", directory + "/data", "--listen-client-urls", "http://" + endpoint,
      "--advertise-client-urls", "http://" + endpoint, "--listen-peer-urls", peerURL, "--initial-advertise-peer-urls",
      peerURL, "--initial-cluster", "test=" + peerURL,
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
  }

  private func waitUntilHealthy() async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while true {
      let check = Process()
      check.executableURL = URL(filePath: "/usr/bin/curl")
      check.arguments = ["-sf", "-m", "2", "http://\(endpoint)/health"]
      check.standardOutput = FileHandle.nullDevice
      try check.run()
      check.waitUntilExit()
      if check.terminationStatus == 0 { return }
      try #require(ContinuousClock.now < deadline, "etcd does not come up")
      try #require(process.isRunning, "etcd ended")
      try await Task.sleep(for: .milliseconds(30))
    }
  }

  func pause() { kill(process.processIdentifier, SIGSTOP) }
  func resume() { kill(process.processIdentifier, SIGCONT) }

  /// Forgets every revision before the present one.
  func compact(before revision: UInt64) throws {
    let call = Process()
    call.executableURL = URL(filePath: "/usr/bin/curl")
    call.arguments = ["-sf", "-m", "5", "-d", "{\"revision\":\"\(revision)\"}", "http://\(endpoint)/v3/kv/compaction"]
    call.standardOutput = FileHandle.nullDevice
    try call.run()
    call.waitUntilExit()
    try #require(call.terminationStatus == 0)
  }

  /// Ends it and removes its data.
  func stop() {
    if process.isRunning {
      kill(process.processIdentifier, SIGCONT)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    try? FileManager.default.removeItem(atPath: directory)
  }

  deinit { stop() }
}

/// Ports that nobody listens on now.
private func freePorts(_ count: Int) -> [UInt16] {
  var sockets: [Int32] = []
  defer { for each in sockets { close(each) } }
  return (0..<count).map { _ in
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    sockets.append(descriptor)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(descriptor, $0, length)
        _ = getsockname(descriptor, $0, &length)
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }
}
