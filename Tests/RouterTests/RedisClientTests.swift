import Octets
import Proto
import RESP
import Router
import Testing

/// What clients of Redis ask a server about itself and its commands.
@Suite struct RedisClientTests {
  /// What `redis-cli` hints with is made of the usage texts: rendered again as Redis does, it is each of them.
  @Test func docsAreTheUsage() async throws {
    func fields(_ reply: RESPReply) -> [String: RESPReply] {
      guard case .map(let flat) = reply else { return [:] }
      var found: [String: RESPReply] = [:]
      for place in stride(from: 0, to: flat.count - 1, by: 2) { found["\(flat[place].text)"] = flat[place + 1] }
      return found
    }
    func render(_ arguments: RESPReply?) -> String {
      guard case .array(let arguments)? = arguments else { return "" }
      return arguments.map { argument -> String in
        let argument = fields(argument)
        let flags = argument["flags"].map { "\($0)" } ?? ""
        let token = argument["token"].map(\.text)
        var text: String
        switch argument["type"]?.text {
        case "pure-token": text = token ?? "?"
        case "oneof":
          guard case .array(let choices)? = argument["arguments"] else { return "?" }
          text = "<" + choices.map { render(.array([$0])) }.joined(separator: " | ") + ">"
        case "block": text = (token.map { $0 + " " } ?? "") + render(argument["arguments"])
        default: text = (token.map { $0 + " " } ?? "") + (argument["name"]?.text ?? "?")
        }
        let isOptional = flags.contains("optional")
        if flags.contains("multiple") {
          let repeated = token == nil ? text : argument["name"]?.text ?? "?"
          text += isOptional ? " …" : " [\(repeated) …]"
        }
        return isOptional ? "[\(text)]" : text
      }.joined(separator: " ")
    }
    try await TestCluster.with { cluster in
      let resp = try cluster.resp()
      _ = try resp.call("HELLO", "3")
      guard case .map(let all) = try resp.call("COMMAND", "DOCS") else { throw TestError("no map") }
      var rendered: Set<String> = []
      for place in stride(from: 0, to: all.count, by: 2) {
        let docs = fields(all[place + 1])
        #expect(docs["summary"]?.text.hasSuffix(".") == true && docs["group"] != nil, "\(all[place])")
        rendered.insert("\(all[place].text.uppercased()) \(render(docs["arguments"]))")
      }
      for row in OperationTable.all {
        for command in row.commands { #expect(rendered.contains(command), "\(command) in \(rendered.sorted())") }
      }
      for command in [
        "HELLO [protover [AUTH username password] [SETNAME clientname]]", "CONFIG GET pattern [pattern …]",
        "COMMAND [<COUNT | DOCS [command …] | INFO [command …] | LIST | GETKEYS command [argument …]>]",
      ] { #expect(rendered.contains(command), "\(command) in \(rendered.sorted())") }
      #expect(try resp.call("COMMAND", "COUNT") == .integer(Int64(all.count / 2)))
      #expect(try resp.call("COMMAND", "DOCS", "nonsense") == .map([]))
      #expect(try resp.call("COMMAND", "GETKEYS", "HOLD", "e", "b", "1", "s").isError("ERR The command has no key"))
      #expect(try resp.call("COMMAND", "GETKEYS", "nonsense").isError("ERR Invalid command specified"))
    }
  }

  @Test func whatClientsSayOfThemselves() async throws {
    try await TestCluster.with { cluster in
      let (one, two) = (try cluster.resp(), try cluster.resp())
      #expect(try one.call("CLIENT", "SETINFO", "lib-name", "shop") == .simple("OK"))
      #expect(try one.call("CLIENT", "SETINFO", "LIB-VER", "1.2") == .simple("OK"))
      #expect(try one.call("CLIENT", "SETINFO", "LIB-NAME", "a b").isError("ERR lib-name cannot contain spaces"))
      #expect(try one.call("CLIENT", "SETINFO", "LIB-X", "a").isError("ERR Unrecognized option 'LIB-X'"))
      #expect(try two.call("CLIENT", "SETNAME", "two") == .simple("OK"))
      // They may be on two loops.
      let list = try two.call("CLIENT", "LIST").text
      let lines = list.split(separator: "\n")
      #expect(lines.count == 2 && list.contains("lib-name=shop lib-ver=1.2") && list.contains(" name=two "), "\(list)")
      guard case .integer(let id) = try one.call("CLIENT", "ID") else { throw TestError("no id") }
      #expect(try two.call("CLIENT", "LIST", "ID", "\(id)").text.hasPrefix("id=\(id) "))
      #expect(try two.call("CLIENT", "LIST", "TYPE", "pubsub") == .bulk(""))
      #expect(try two.call("CLIENT", "LIST", "FOO").isError("ERR syntax error"))
      #expect(try one.call("CLIENT", "INFO").text.hasPrefix("id=\(id) addr=127.0.0.1:"))
      for words in [["NO-EVICT", "ON"], ["no-touch", "off"], ["TRACKING", "OFF"], ["REPLY", "ON"]] {
        one.write(["CLIENT"] + words)
        #expect(try one.reply() == .simple("OK"), "\(words)")
      }
      #expect(try one.call("CLIENT", "TRACKING", "ON").isError("ERR CLIENT TRACKING ON is not supported"))
      #expect(try one.call("CLIENT", "REPLY", "OFF").isError("ERR CLIENT REPLY OFF is not supported"))
      #expect(try one.call("CLIENT", "REPLY", "SKIP").isError("ERR CLIENT REPLY SKIP is not supported"))
      #expect(try one.call("CLIENT", "NO-EVICT", "maybe").isError("ERR syntax error"))
      #expect(try one.call("CLIENT", "GETREDIR") == .integer(-1))
      #expect(try one.call("CLIENT", "KILL", "x").isError("ERR unknown subcommand 'KILL'"))
      #expect(
        try one.call("CLIENT", "SETNAME") == .error("ERR wrong number of arguments for 'client|setname' command"))
      #expect(try one.call("PING", "a", "b") == .error("ERR wrong number of arguments for 'ping' command"))
      #expect(
        try one.call("HOLD")
          == .error(
            "ERR wrong number of arguments for 'hold' command: HOLD event buyer seconds seat [seat …] [PASS token] [KEY k]"
          ))
      #expect(
        try one.call("nope", "a", "b c") == .error("ERR unknown command 'nope', with args beginning with: 'a' 'b c' "))
      let long = String(repeating: "x", count: 200)
      #expect(
        try one.call(long, long, "y")
          == .error(
            Bytes("ERR unknown command '\(long.prefix(128))', with args beginning with: '\(long.prefix(128))' ")))
      #expect(try one.call("READONLY") == .error("ERR This instance has cluster support disabled"))
    }
  }

  /// No idle close, as in Redis, while nobody asks for one; a router that has one says so.
  @Test func idleConnectionsStayAtTheRESPDoor() async throws {
    try await TestCluster.with(configure: { $0.idleTimeout = .milliseconds(100) }) { cluster in
      let resp = try cluster.resp()
      let http = try cluster.http()
      #expect(try http.isAtEnd())
      #expect(try resp.call("PING") == .simple("PONG"))
      #expect(try resp.call("CONFIG", "GET", "timeout") == .array([.bulk("timeout"), .bulk("0")]))
    }
    try await TestCluster.with(configure: { $0.respIdleTimeout = .seconds(7) }) { cluster in
      let resp = try cluster.resp()
      #expect(try resp.call("CONFIG", "GET", "T?meout") == .array([.bulk("timeout"), .bulk("7")]))
    }
  }
}

extension RESPReply {
  /// Of a text; empty for all else.
  fileprivate var text: String {
    switch self {
    case .simple(let text), .error(let text), .bulk(let text): text.description
    case .integer, .null, .array, .map, .push: ""
    }
  }
}
