import Flags
import Octets
import RESP

/// COMMAND: what clients complete, hint and check with.
extension RESPSession {
  func describe(_ input: RawSpan) {
    let count = parser.argumentCount
    let all = RESPCommand.allCases
    if count == 1 { return reply(takeNumber()) { $0.putCommandInfos(all) } }
    let word = parser.argument(1, in: input)
    var named: [RESPCommand?] = []
    for place in 2..<max(2, count) { named.append(RESPCommand(parser.argument(place, in: input))) }
    if word.isWord("COUNT"), count == 2 {
      reply(takeNumber()) { $0.putInteger(Int64(all.count)) }
    } else if word.isWord("INFO") {
      let wanted = count == 2 ? all : named
      reply(takeNumber()) { $0.putCommandInfos(wanted) }
    } else if word.isWord("DOCS") {
      let wanted = count == 2 ? all : named.compactMap { $0 }
      let proto = version
      reply(takeNumber()) { out in
        out.putMap(wanted.count, proto)
        for command in wanted {
          out.putLowercased(command.name)
          out.putDocs(command, proto)
        }
      }
    } else if word.isWord("LIST"), count == 2 {
      reply(takeNumber()) { out in
        out.putArray(all.count)
        for command in all { out.putLowercased(command.name) }
      }
    } else if word.isWord("GETKEYS"), count > 2 {
      // What is named here are events, holds and orders: none is a key that could lie on another server.
      fail(named[0] == nil ? "Invalid command specified" : "The command has no key arguments")
    } else {
      fail("unknown subcommand or wrong number of arguments for 'command'. COMMAND DOCS COMMAND says what is known.")
    }
  }
}

extension [UInt8] {
  fileprivate mutating func putLowercased(_ name: StaticString) { putBulk(bytes: Bytes(name.description.lowercased())) }
  private mutating func putTextBulk(_ text: String) { putBulk(bytes: Bytes(text)) }

  fileprivate mutating func putDocs(_ command: RESPCommand, _ proto: RESPVersion) {
    let arguments = RESPArgument.all(in: command.usage)
    putMap(arguments.isEmpty ? 3 : 4, proto)
    putBulk("summary")
    putTextBulk(command.summary)
    putBulk("since")
    putBulk(Version.current)
    putBulk("group")
    putBulk(command.word.group.name)
    guard !arguments.isEmpty else { return }
    putBulk("arguments")
    putArguments(arguments, proto)
  }

  private mutating func putArguments(_ arguments: [RESPArgument], _ proto: RESPVersion) {
    putArray(arguments.count)
    for argument in arguments { putArgument(argument, proto) }
  }

  private mutating func putArgument(_ argument: RESPArgument, _ proto: RESPVersion) {
    let flags: [StaticString] = (argument.isOptional ? ["optional"] : []) + (argument.isMultiple ? ["multiple"] : [])
    var parts: [RESPArgument] = []
    let type: StaticString
    switch argument.kind {
    case .string: type = "string"
    case .integer: type = "integer"
    case .pureToken: type = "pure-token"
    case .oneOf(let choices): (type, parts) = ("oneof", choices)
    case .block(let inner): (type, parts) = ("block", inner)
    }
    putMap(2 + (argument.token == nil ? 0 : 1) + (flags.isEmpty ? 0 : 1) + (parts.isEmpty ? 0 : 1), proto)
    putBulk("name")
    putTextBulk(argument.name)
    putBulk("type")
    putBulk(type)
    if let token = argument.token {
      putBulk("token")
      putTextBulk(token)
    }
    if !flags.isEmpty {
      putBulk("flags")
      putArray(flags.count)
      for flag in flags { putSimple(flag) }
    }
    if !parts.isEmpty {
      putBulk("arguments")
      putArguments(parts, proto)
    }
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
      if command.word.group == .holdfast {
        putSimple(command.isWrite ? "write" : "readonly")
      } else {
        putSimple("fast")
      }
      for _ in 0..<3 { putInteger(0) }
      for _ in 0..<4 { putArray(0) }
    }
  }
}
