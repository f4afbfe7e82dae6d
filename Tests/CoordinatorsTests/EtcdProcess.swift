import Foundation
import TestKit
import Testing

/// A real etcd (Debian's `etcd-server`) on ports of its own, with its data in a temporary directory.
final class EtcdProcess: @unchecked Sendable {
  let port: UInt16
  private let process = Process()
  private let directory: String

  /// Returns once it answers.
  static func start() async throws -> EtcdProcess { try await start(members: 1)[0] }

  /// A cluster of several members. Returns once each of them answers.
  static func start(members: Int) async throws -> [EtcdProcess] {
    let ports = freePorts(2 * members)
    let cluster = (0..<members).map { "m\($0)=http://127.0.0.1:\(ports[members + $0])" }.joined(separator: ",")
    let all = (0..<members).map {
      EtcdProcess(name: "m\($0)", client: ports[$0], peer: ports[members + $0], cluster: cluster)
    }
    for etcd in all { try etcd.process.run() }
    for etcd in all { try await etcd.waitUntilHealthy() }
    return all
  }

  var endpoint: String { "127.0.0.1:\(port)" }

  private init(name: String, client: UInt16, peer: UInt16, cluster: String) {
    port = client
    directory = temporaryDirectory()
    let endpoint = "127.0.0.1:\(client)"
    let peerURL = "http://127.0.0.1:\(peer)"
    process.executableURL = URL(filePath: "/usr/bin/etcd")
    process.arguments = [
      "--name", name, "--data-dir", directory + "/data", "--listen-client-urls", "http://" + endpoint,
      "--advertise-client-urls", "http://" + endpoint, "--listen-peer-urls", peerURL, "--initial-advertise-peer-urls",
      peerURL, "--initial-cluster", cluster,
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

  /// Connections of this process to it that are open.
  var connectionsFromHere: Int {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    let own = Set(
      files.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") })
    // The kernel gives it in pieces, of which `String(contentsOfFile:)` takes the first.
    let table = (try? FileHandle(forReadingAtPath: "/proc/self/net/tcp")?.readToEnd()) ?? Data()
    let suffix = ":" + String(format: "%04X", Int(port))
    return String(decoding: table, as: UTF8.self).split(separator: "\n").count { line in
      let fields = line.split(separator: " ")
      // Remote address, state (1: established), inode.
      return fields.count > 9 && fields[2].hasSuffix(suffix) && fields[3] == "01"
        && own.contains("socket:[\(fields[9])]")
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
