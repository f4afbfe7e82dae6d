import Flags
import Foundation
import Proto
import Router
import Testing

/// Both doors speak TLS when they are given a certificate.
@Suite struct TLSTests {
  private func run(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  @Test func theHTTPDoorSpeaksTLS() async throws {
    let directory = NSTemporaryDirectory() + "holdfast-tls-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    _ = try run([
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
      "-subj",
      "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", directory + "/key.pem", "-out",
      directory + "/cert.pem",
    ])
    try await TestCluster.with(configure: {
      $0.certificateFile = directory + "/cert.pem"
      $0.keyFile = directory + "/key.pem"
      $0.http.append(.unix(path: directory + "/http.sock"))
    }) { cluster in
      let port = cluster.router.httpAddresses[0].port
      let answer = try run([
        "curl", "-sS", "--cacert", directory + "/cert.pem", "--resolve", "localhost:\(port):127.0.0.1",
        "https://localhost:\(port)/healthz",
      ])
      #expect(answer == "{\"status\":\"ok\",\"version\":\"\(Version.current)\"}")
      // What comes through a file has not left the machine.
      let through = try run(["curl", "-sS", "--unix-socket", directory + "/http.sock", "http://localhost/healthz"])
      #expect(through == answer)
      // Plain bytes are no handshake: the connection ends, and the door goes on.
      let plain = try cluster.http()
      plain.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
      while try plain.readMore() {}
      #expect(!String(decoding: plain.buffer, as: UTF8.self).contains("200 OK"))
    }
  }
}
