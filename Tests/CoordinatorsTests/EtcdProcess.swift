import Foundation
import TestKit
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

  /// Returns when it stands still: the signal alone may take a while to stop every thread.
  func pause() {
    let pid = process.processIdentifier
    kill(pid, SIGSTOP)
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
      let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
      let states = tasks.map { task -> Character? in
        let stat = try? String(contentsOfFile: "/proc/\(pid)/task/\(task)/stat", encoding: .utf8)
        return stat?.split(separator: ")").last?.dropFirst().first
      }
      if !states.isEmpty, states.allSatisfy({ $0 == "T" }) { return }
      usleep(1_000)
    }
  }

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
