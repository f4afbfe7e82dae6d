import EventLoop
import Testing

@Suite struct HandOverTests {
  let group: LoopGroup
  init() throws { group = try LoopGroup(count: 2) }

  /// The first line says which loop; everything behind it, also what came in the same packet, is answered there.
  private func serve(options: ConnectionOptions = ConnectionOptions()) throws -> (Listener, ends: Mailbox<CloseReason>)
  {
    let ends = Mailbox<CloseReason>()
    let listener = try Listener.bind(host: "127.0.0.1", port: 0)
    listener.start(on: group[0], options: options) { [group] _ in
      Script {
        $0.onReceived = { bytes, connection in
          guard bytes.byteCount >= 2 else { return 0 }
          connection.write(Array("moved:".utf8))
          let target = group[Int(bytes.text.prefix(1))!]
          connection.handOver(to: target) { _ in
            Script {
              $0.onOpened = { $0.write(Array("here:".utf8)) }
              $0.onReceived = { bytes, connection in
                precondition(target.isCurrent && connection.loop === target)
                connection.write(bytes)
                return bytes.byteCount
              }
            }
          }
          return 2
        }
        $0.onClosed = { ends.put($1) }
      }
    }
    return (listener, ends)
  }

  @Test(arguments: [0, 1]) func theRestMovesAlong(target: Int) async throws {
    defer { group.stop() }
    let (listener, ends) = try serve()
    let body = pattern(2_000_000)
    let message = Array("\(target)\n".utf8) + body
    let wanted = Array("moved:here:".utf8) + body
    let (bytes, _) = await exchange(message, expecting: wanted.count, port: listener.address.port, on: group[0])
    let isSame = bytes == wanted
    #expect(isSame, "\(bytes.count) bytes")
    #expect(await ends.next() == .handedOver)
    #expect(await eventually { listener.openConnections == 0 })
  }

  @Test func tlsMovesToo() async throws {
    defer { group.stop() }
    let files = try await TestCertificate()
    var options = ConnectionOptions()
    options.tls = try TLSContext.server(certificateFile: files.certificate, keyFile: files.key)
    let (listener, _) = try serve(options: options)
    var client = ConnectionOptions()
    client.tls = try TLSContext.client(trust: .file(files.certificate))
    let body = pattern(500_000)
    let wanted = Array("moved:here:".utf8) + body
    let (bytes, _) = await exchange(
      Array("1\n".utf8) + body, expecting: wanted.count, port: listener.address.port, on: group[1], options: client)
    let isSame = bytes == wanted
    #expect(isSame, "\(bytes.count) bytes")
  }

  @Test func toAStoppedLoopTheConnectionEnds() async throws {
    let (listener, ends) = try serve()
    group[1].stop()
    group[1].join()
    defer { group.stop() }
    let client = RawClient(port: listener.address.port)
    client.send("1\nx")
    #expect(await ends.next() == .handedOver)
    #expect(await eventually { listener.openConnections == 0 })
    _ = client.receiveAll()
  }
}
