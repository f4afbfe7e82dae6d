import Dispatch
import EventLoop
import Glibc
import Testing

/// A self-signed certificate for `localhost` and 127.0.0.1 in files that go away with it.
final class TestCertificate: Sendable {
  let folder: String
  var certificate: String { folder + "/certificate.pem" }
  var key: String { folder + "/key.pem" }

  init() async throws {
    folder = "/tmp/holdfast-tls-\(UInt64.random(in: .min ... .max))"
    let (status, text) = await run(
      "mkdir -m 700 \(folder) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        + "-keyout \(folder)/key.pem -out \(folder)/certificate.pem -subj /CN=localhost "
        + "-addext subjectAltName=DNS:localhost,IP:127.0.0.1")
    try #require(status == 0, "\(text)")
  }

  deinit {
    unlink(certificate)
    unlink(key)
    rmdir(folder)
  }
}

/// Runs a shell command to its end, at most 20 seconds; standard output and error together. On a thread of its own: the
/// tests' pool has few. (Not by Foundation's `Process`, which Address Sanitizer finds reading past a buffer.)
func run(_ command: String) async -> (status: Int32, output: String) {
  await withCheckedContinuation { continuation in
    DispatchQueue.global().async {
      guard let pipe = popen("timeout -s KILL 20 sh -c '\(command)' 2>&1", "re") else {
        return continuation.resume(returning: (-1, errorText(errno)))
      }
      var output: [UInt8] = []
      var byte = fgetc(pipe)
      while byte != EOF {
        output.append(UInt8(byte))
        byte = fgetc(pipe)
      }
      continuation.resume(returning: (pclose(pipe), String(decoding: output, as: UTF8.self)))
    }
  }
}

@Suite struct TLSTests {
  let group: LoopGroup
  let files: TestCertificate

  init() async throws {
    group = try LoopGroup(count: 2)
    files = try await TestCertificate()
  }

  private func serve(_ accept: @escaping @Sendable (Connection) -> (any ConnectionHandler)?) throws -> UInt16 {
    var options = ConnectionOptions()
    options.tls = try TLSContext.server(certificateFile: files.certificate, keyFile: files.key)
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    listener.start(on: group[0], options: options, accept: accept)
    return listener.address.port
  }

  private func clientOptions(_ trust: TLSContext.Trust, name: String? = nil) throws -> ConnectionOptions {
    var options = ConnectionOptions()
    options.tls = try TLSContext.client(trust: trust)
    options.tlsServerName = name
    return options
  }

  @Test func bothSidesAreOurs() async throws {
    defer { group.stop() }
    let port = try serve { _ in Echo() }
    let message = pattern(3_000_000)
    let (bytes, ended) = await exchange(
      message, expecting: message.count, port: port, on: group[1], options: try clientOptions(.file(files.certificate)))
    #expect(ended == nil)
    let isSame = bytes == message
    #expect(isSame, "\(bytes.count) bytes")
  }

  /// Pipelined answers are one write with TLS too.
  @Test func answersAreSentTogether() async throws {
    defer { group.stop() }
    let port = try serve { _ in
      Script {
        $0.onReceived = { bytes, connection in
          for _ in 0..<bytes.byteCount { connection.write(Array("answer".utf8)) }
          return bytes.byteCount
        }
      }
    }
    let loop = group[0]
    let before = await loop.perform { loop.counters }
    let (bytes, _) = await exchange(
      [UInt8](repeating: 1, count: 500), expecting: 3_000, port: port, on: group[1],
      options: try clientOptions(.anybody))
    #expect(bytes.count == 3_000)
    let after = await loop.perform { loop.counters }
    // Handshake and close included.
    #expect(after.socketWrites - before.socketWrites <= 6)
  }

  @Test func strangersAreRefused() async throws {
    defer { group.stop() }
    let port = try serve { _ in Echo() }
    let cases: [(TLSContext.Trust, String?)] = [(.system, nil), (.file(files.certificate), "elsewhere.example")]
    for (trust, name) in cases {
      let (_, ended) = await exchange(
        [1], expecting: 1, port: port, on: group[1], options: try clientOptions(trust, name: name))
      guard case .connectFailed(.tls(let detail)) = ended else {
        Issue.record("\(ended as Any)")
        continue
      }
      #expect(detail.contains("certificate"))
    }
  }

  @Test func curlAndOpenSSLAreServed() async throws {
    defer { group.stop() }
    let port = try serve { _ in
      Script {
        $0.onReceived = { bytes, connection in
          guard bytes.array.last == UInt8(ascii: "\n") else { return 0 }
          connection.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nseats\n".utf8))
          connection.close()
          return bytes.byteCount
        }
      }
    }
    let (certificate, url) = (files.certificate, "https://localhost:\(port)/")
    let curl = "curl -sS --max-time 5 -4 --cacert \(certificate)"
    for most in ["1.2", "1.3"] {
      let (status, output) = await run("\(curl) --tlsv\(most) --tls-max \(most) \(url)")
      #expect(status == 0 && output == "seats\n", "\(most): \(status) \(output)")
    }
    let (status, output) = await run(
      "echo GET | openssl s_client -connect 127.0.0.1:\(port) -CAfile \(certificate) -verify_return_error -quiet -ign_eof"
    )
    #expect(output.contains("seats"), "\(status) \(output)")
    let old = await run("\(curl) --tls-max 1.1 \(url)")
    #expect(old.status != 0, "TLS 1.1 was let in")
  }

  /// What is no TLS ends the connection, and nobody hears `opened`.
  @Test func plainTextIsRefused() async throws {
    defer { group.stop() }
    let ends = Mailbox<CloseReason>()
    let port = try serve { _ in
      Script {
        $0.onOpened = { _ in Issue.record("opened") }
        $0.onClosed = { ends.put($1) }
      }
    }
    let client = RawClient(port: port)
    client.send("GET / HTTP/1.1\r\n\r\n")
    guard case .connectFailed(.tls) = await ends.next() else {
      Issue.record("not refused")
      return
    }
    _ = client.receiveAll()
  }

  @Test func aSilentPeerTimesOut() async throws {
    defer { group.stop() }
    let ends = Mailbox<CloseReason>()
    var options = ConnectionOptions()
    options.tls = try TLSContext.server(certificateFile: files.certificate, keyFile: files.key)
    options.openTimeout = .milliseconds(100)
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    listener.start(on: group[0], options: options) { _ in Script { $0.onClosed = { ends.put($1) } } }
    let client = RawClient(port: listener.address.port)
    guard case .connectFailed(.connectTimedOut) = await ends.next() else {
      Issue.record("not closed")
      return
    }
    #expect(client.receiveAll() == [])
  }

  @Test func unusableFilesAreNamed() async throws {
    defer { group.stop() }
    let other = try await TestCertificate()
    for (certificate, key, name) in [
      ("/nowhere.pem", files.key, "/nowhere.pem"), (files.certificate, "/nowhere.key", "/nowhere.key"),
      (files.key, files.key, files.key), (files.certificate, other.key, other.key),
    ] {
      do {
        _ = try TLSContext.server(certificateFile: certificate, keyFile: key)
        Issue.record("took \(certificate) and \(key)")
      } catch {
        #expect(error.description.contains(name), "\(error)")
      }
    }
  }
}
