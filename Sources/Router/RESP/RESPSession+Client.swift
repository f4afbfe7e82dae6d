import EventLoop
import Octets
import RESP
import RouterCore
import Time

/// CLIENT: what a connection says of itself and may ask of others.
extension RESPSession {
  /// Its subcommands, in lower case as in Redis's messages.
  private enum Subcommand: String, CaseIterable {
    case setname, getname, id, info, list, setinfo, tracking, trackinginfo, getredir, reply
    case noEvict = "no-evict"
    case noTouch = "no-touch"

    /// Words of the whole command.
    var words: ClosedRange<Int> {
      switch self {
      case .getname, .id, .info, .trackinginfo, .getredir: 2...2
      case .setname, .reply, .noEvict, .noTouch: 3...3
      case .setinfo: 4...4
      case .tracking: 3...Int.max
      case .list: 2...Int.max
      }
    }
  }

  func client(_ input: RawSpan) {
    let word = Bytes(parser.argument(1, in: input)).description
    guard let subcommand = Subcommand(rawValue: word.lowercased()) else {
      return fail("unknown subcommand '\(word.prefix(128))'. COMMAND DOCS CLIENT names those that are known.")
    }
    guard subcommand.words.contains(parser.argumentCount) else {
      return fail("wrong number of arguments for 'client|\(subcommand.rawValue)' command")
    }
    switch subcommand {
    case .setname:
      let wanted = parser.argument(2, in: input)
      guard wanted.isClientName else { return failName() }
      name = Bytes(wanted)
      succeed()
    case .getname:
      let (name, proto) = (name, version)
      reply(takeNumber()) { if name.isEmpty { $0.putNull(proto) } else { $0.putBulk(name.rawSpan) } }
    case .id:
      let id = id
      reply(takeNumber()) { $0.putInteger(Int64(id)) }
    case .info:
      let text = Bytes(description(now: engine.now) + "\n")
      reply(takeNumber()) { $0.putBulk(text.rawSpan) }
    case .list: list(input)
    case .setinfo: setInfo(input)
    // Nothing here is evicted or touched by reading.
    case .noEvict, .noTouch: takeSwitch(subcommand, input, mayBeOn: true, mayBeOff: true)
    case .tracking:
      takeSwitch(subcommand, input, mayBeOn: false, mayBeOff: true)
    case .reply: takeSwitch(subcommand, input, mayBeOn: true, mayBeOff: false)
    case .trackinginfo:
      let proto = version
      reply(takeNumber()) { out in
        out.putMap(3, proto)
        out.putBulk("flags")
        out.putArray(1)
        out.putBulk("off")
        out.putBulk("redirect")
        out.putInteger(-1)
        out.putBulk("prefixes")
        out.putArray(0)
      }
    case .getredir: reply(takeNumber()) { $0.putInteger(-1) }
    }
  }

  private func succeed() { reply(takeNumber()) { $0.putSimple("OK") } }
  private func failName() { fail("Client names cannot contain spaces, newlines or special characters.") }

  private func takeSwitch(_ subcommand: Subcommand, _ input: RawSpan, mayBeOn: Bool, mayBeOff: Bool) {
    let word = parser.argument(2, in: input)
    switch (word.isWord("ON"), word.isWord("OFF")) {
    case (true, _) where mayBeOn, (_, true) where mayBeOff: succeed()
    case (false, false) where !word.isWord("SKIP"): fail("syntax error")
    case (_, _):
      fail(
        "CLIENT \(subcommand.rawValue.uppercased()) \(Bytes(word).description.uppercased()) is not supported: "
          + (subcommand == .tracking ? "holdfast tells clients nothing unasked" : "every command is answered"))
    }
  }

  private func setInfo(_ input: RawSpan) {
    let (attribute, value) = (parser.argument(2, in: input), parser.argument(3, in: input))
    guard value.isClientName else {
      let name = Bytes(attribute).description.lowercased()
      return fail("\(name.prefix(64)) cannot contain spaces, newlines or special characters.")
    }
    if attribute.isWord("LIB-NAME") {
      library.name = Bytes(value)
    } else if attribute.isWord("LIB-VER") {
      library.version = Bytes(value)
    } else {
      return fail("Unrecognized option '\(Bytes(attribute).description.prefix(64))'")
    }
    succeed()
  }

  /// All connections at this router's RESP door, or those that are named.
  private func list(_ input: RawSpan) {
    var ids: Set<Int64>?
    if parser.argumentCount > 2 {
      if parser.argument(2, in: input).isWord("ID"), parser.argumentCount > 3 {
        let named = (3..<parser.argumentCount).map { parser.argument($0, in: input).decimal }
        guard !named.contains(nil) else { return fail("Invalid client ID") }
        ids = Set(named.compactMap { $0 })
      } else if parser.argument(2, in: input).isWord("TYPE"), parser.argumentCount == 4 {
        // All are of one type.
        if !parser.argument(3, in: input).isWord("NORMAL") { ids = [] }
      } else {
        return fail("syntax error")
      }
    }
    let (number, wanted) = (takeNumber(), ids)
    loop.gather(
      [] as [(id: UInt64, line: String)],
      { loop, lines in
        for (id, session) in loop.respSessions where wanted?.contains(Int64(id)) != false {
          lines.append((id, session.description(now: loop.engine.now)))
        }
      },
      { [self] lines in
        var text: [UInt8] = []
        for (_, line) in lines.sorted(by: { $0.id < $1.id }) { text.append(contentsOf: (line + "\n").utf8) }
        reply(number) { $0.putBulk(text.rawSpan) }
      })
  }

  /// One line of CLIENT LIST: Redis's fields, of which clients demand those that are numbers.
  private func description(now: MonotonicTime) -> String {
    let queued = transaction.map { String($0.count) } ?? "-1"
    let (input, output) = (connection.inputByteCount, connection.outputByteCount)
    return "id=\(id) addr=\(peerAddress) name=\(name) age=\((now - openedAt).seconds) "
      + "idle=\((now - heardAt).seconds) flags=\(transaction == nil ? "N" : "x") db=0 sub=0 psub=0 ssub=0 "
      + "multi=\(queued) qbuf=\(input) qbuf-free=0 argv-mem=0 multi-mem=\(queuedBytes) obl=0 oll=0 omem=\(output) "
      + "tot-mem=\(input + queuedBytes + output) user=default resp=\(version.rawValue) lib-name=\(library.name) lib-ver=\(library.version)"
  }

  /// As Redis: who came through a file is named by that file, with the port 0.
  private var peerAddress: String {
    let text = connection.peerText
    return text.hasPrefix("unix:") ? text.dropFirst(5) + ":0" : text
  }
}
