import EventLoop
import Octets
import RESP
import RouterCore
import Time

/// The commands that Redis clients and tools begin with.
extension RESPSession {
  func ping(_ input: RawSpan) {
    let number = takeNumber()
    let count = parser.argumentCount
    guard count <= 2 else { return reply(number) { $0.putWrongCount(.ping) } }
    if count == 1 {
      reply(number) { $0.putSimple("PONG") }
    } else {
      let text = Bytes(parser.argument(1, in: input))
      reply(number) { $0.putBulk(text.rawSpan) }
    }
  }

  func echo(_ input: RawSpan) {
    let text = Bytes(parser.argument(1, in: input))
    reply(takeNumber()) { $0.putBulk(text.rawSpan) }
  }

  func auth(_ input: RawSpan) {
    let count = parser.argumentCount
    guard count <= 3 else { return wrongCount(.auth) }
    // As Redis without a password: only the default user exists, and any password is its password.
    if count == 3, parser.argument(1, in: input).isWord("DEFAULT") {
      reply(takeNumber()) { $0.putSimple("OK") }
    } else if count == 3 {
      reply(takeNumber()) { $0.putError("WRONGPASS", "invalid username-password pair or user is disabled.") }
    } else {
      fail(
        "AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
      )
    }
  }

  func select(_ input: RawSpan) {
    guard let index = parser.argument(1, in: input).decimal else {
      return fail("value is not an integer or out of range")
    }
    if index == 0 { reply(takeNumber()) { $0.putSimple("OK") } } else { fail("DB index is out of range") }
  }

  func reset() {
    speak(.two)
    name = Bytes()
    dropTransaction()
    watchWasRefused = false
    reply(takeNumber()) { $0.putSimple("RESET") }
  }

  func quit() {
    reply(takeNumber()) { $0.putSimple("OK") }
    endAfterReplies()
  }

  func info() {
    let text = infoText()
    reply(takeNumber()) { $0.putBulk(text.rawSpan) }
  }

  func hello(_ input: RawSpan) {
    let count = parser.argumentCount
    var chosen = version
    var chosenName = name
    if count > 1 {
      switch parser.argument(1, in: input).decimal {
      case 2: chosen = .two
      case 3: chosen = .three
      case nil: return fail("Protocol version is not an integer or out of range")
      default: return reply(takeNumber()) { $0.putError("NOPROTO", "unsupported protocol version") }
      }
      var word = 2
      while word < count {
        if parser.argument(word, in: input).isWord("AUTH"), word + 2 < count {
          guard parser.argument(word + 1, in: input).isWord("DEFAULT") else {
            return reply(takeNumber()) {
              $0.putError("WRONGPASS", "invalid username-password pair or user is disabled.")
            }
          }
          word += 3
        } else if parser.argument(word, in: input).isWord("SETNAME"), word + 1 < count {
          let wanted = parser.argument(word + 1, in: input)
          guard wanted.isClientName else {
            return fail("Client names cannot contain spaces, newlines or special characters.")
          }
          chosenName = Bytes(wanted)
          word += 2
        } else {
          return fail("Syntax error in HELLO option")
        }
      }
    }
    speak(chosen)
    name = chosenName
    let (id, proto) = (id, version)
    reply(takeNumber()) { out in
      out.putMap(7, proto)
      out.putBulk("server")
      out.putBulk("holdfast")
      out.putBulk("version")
      out.putBulk(RouterVersion.text)
      out.putBulk("proto")
      out.putInteger(Int64(proto.rawValue))
      out.putBulk("id")
      out.putInteger(Int64(id))
      out.putBulk("mode")
      out.putBulk("standalone")
      out.putBulk("role")
      out.putBulk("master")
      out.putBulk("modules")
      out.putArray(0)
    }
  }

  func client(_ input: RawSpan) {
    let word = parser.argument(1, in: input)
    let count = parser.argumentCount
    if word.isWord("SETNAME"), count == 3 {
      let wanted = parser.argument(2, in: input)
      guard wanted.isClientName else {
        return fail("Client names cannot contain spaces, newlines or special characters.")
      }
      name = Bytes(wanted)
      reply(takeNumber()) { $0.putSimple("OK") }
    } else if word.isWord("GETNAME"), count == 2 {
      let (name, proto) = (name, version)
      reply(takeNumber()) { if name.isEmpty { $0.putNull(proto) } else { $0.putBulk(name.rawSpan) } }
    } else if word.isWord("ID"), count == 2 {
      let id = id
      reply(takeNumber()) { $0.putInteger(Int64(id)) }
    } else if word.isWord("SETINFO"), count == 4 {
      reply(takeNumber()) { $0.putSimple("OK") }
    } else if count == 3, word.isWord("NO-EVICT") || word.isWord("NO-TOUCH") || word.isWord("REPLY"),
      parser.argument(2, in: input).isWord("ON")
        || (!word.isWord("REPLY") && parser.argument(2, in: input).isWord("OFF"))
    {
      reply(takeNumber()) { $0.putSimple("OK") }
    } else if word.isWord("INFO") || word.isWord("LIST") {
      let text = Bytes("id=\(id) addr=\(peerAddress) name=\(name) db=0 resp=\(version.rawValue)\n")
      reply(takeNumber()) { $0.putBulk(text.rawSpan) }
    } else {
      fail("unknown subcommand or wrong number of arguments for 'client'")
    }
  }

  func config(_ input: RawSpan) {
    guard parser.argument(1, in: input).isWord("GET"), parser.argumentCount >= 3 else {
      return fail("only CONFIG GET is understood: settings are flags of the process")
    }
    // What tools ask for before they begin. Every yes is on two disks, which is what `always` says of one.
    let settings: [(word: StaticString, name: StaticString, value: StaticString)] = [
      ("SAVE", "save", ""), ("APPENDONLY", "appendonly", "yes"), ("APPENDFSYNC", "appendfsync", "always"),
      ("DATABASES", "databases", "1"), ("MAXMEMORY", "maxmemory", "0"),
    ]
    var found: [(StaticString, StaticString)] = []
    for setting in settings {
      for word in 2..<parser.argumentCount {
        let pattern = parser.argument(word, in: input)
        if pattern.isWord("*") || pattern.isWord(setting.word) {
          found.append((setting.name, setting.value))
          break
        }
      }
    }
    let (matches, proto) = (found, version)
    reply(takeNumber()) { out in
      out.putMap(matches.count, proto)
      for (name, value) in matches {
        out.putBulk(name)
        out.putBulk(value)
      }
    }
  }

  /// As Redis: who came through a file is named by that file, with the port 0.
  private var peerAddress: String {
    let text = connection.peerText
    return text.hasPrefix("unix:") ? text.dropFirst(5) + ":0" : text
  }

  private func infoText() -> Bytes {
    let metrics = loop.metrics
    var text = "# Server\r\nserver_name:holdfast\r\nholdfast_version:\(RouterVersion.text)\r\nredis_version:7.0.0\r\n"
    text +=
      "redis_mode:standalone\r\nprocess_id:\(context.processID)\r\ntcp_port:\(context.respDoors.first { $0.path == nil }?.port ?? 0)\r\n"
    for path in context.respDoors.compactMap(\.path) { text += "unixsocket:\(path)\r\n" }
    text += "uptime_in_seconds:\((engine.now - context.startedAt).seconds)\r\n"
    text += "# Clients\r\nconnected_clients:\(metrics.respConnections)\r\n"
    text += "# Replication\r\nrole:master\r\nshards:\(engine.shardCount)\r\n"
    return Bytes(text)
  }

  // MARK: COMMAND

  func describe(_ input: RawSpan) {
    let count = parser.argumentCount
    let proto = version
    if count == 1 {
      return reply(takeNumber()) { $0.putCommandInfos(RESPCommand.allCases.map { $0 }) }
    }
    let word = parser.argument(1, in: input)
    var named: [RESPCommand?] = []
    for place in 2..<max(2, count) { named.append(RESPCommand(parser.argument(place, in: input))) }
    if word.isWord("COUNT"), count == 2 {
      reply(takeNumber()) { $0.putInteger(Int64(RESPCommand.allCases.count)) }
    } else if word.isWord("INFO") {
      let wanted = count == 2 ? RESPCommand.allCases.map { $0 } : named
      reply(takeNumber()) { $0.putCommandInfos(wanted) }
    } else if word.isWord("DOCS") {
      let wanted = count == 2 ? RESPCommand.allCases : named.compactMap { $0 }
      reply(takeNumber()) { out in
        out.putMap(wanted.count, proto)
        for command in wanted {
          out.putLowercased(command.name)
          out.putMap(3, proto)
          out.putBulk("summary")
          out.putBulk(bytes: Bytes(command.usage))
          out.putBulk("since")
          out.putBulk("1.0.0")
          out.putBulk("group")
          out.putBulk(command.isWrite ? "seats" : "connection")
        }
      }
    } else if word.isWord("LIST"), count == 2 {
      reply(takeNumber()) { out in
        out.putArray(RESPCommand.allCases.count)
        for command in RESPCommand.allCases { out.putLowercased(command.name) }
      }
    } else {
      fail("unknown subcommand or wrong number of arguments for 'command'")
    }
  }
}

/// What the doors call themselves.
enum RouterVersion {
  static let text: StaticString = "1.0.0"
}

extension RawSpan {
  /// Printable ASCII without spaces; may be empty.
  fileprivate var isClientName: Bool {
    for offset in 0..<byteCount {
      // Safe: the offset is below the count.
      let byte = unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if byte <= 0x20 || byte > 0x7E { return false }
    }
    return true
  }
}

extension [UInt8] {
  fileprivate mutating func putLowercased(_ name: StaticString) {
    let bytes = Bytes(name.description.lowercased())
    putBulk(bytes.rawSpan)
  }

  /// As Redis 7: name, arity, flags, first key, last key, step; then categories, tips, key specifications, subcommands.
  fileprivate mutating func putCommandInfos(_ commands: [RESPCommand?]) {
    putArray(commands.count)
    for command in commands {
      guard let command else {
        putText("*-1\r\n")
        continue
      }
      putArray(10)
      putLowercased(command.name)
      putInteger(command.arity)
      putArray(1)
      putSimple(command.isWrite ? "write" : "readonly")
      for _ in 0..<3 { putInteger(0) }
      for _ in 0..<4 { putArray(0) }
    }
  }
}
