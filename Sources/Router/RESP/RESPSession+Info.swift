import EventLoop
import Flags
internal import Glibc
import Octets
import RESP
import RouterCore
import Time

/// INFO and CONFIG GET: what tools that watch a Redis read. Every value is true of this router; what has no meaning
/// here is not there.
extension RESPSession {
  private enum Section: String, CaseIterable {
    case server = "Server"
    case clients = "Clients"
    case memory = "Memory"
    case persistence = "Persistence"
    case stats = "Stats"
    case replication = "Replication"
    case cpu = "CPU"
    case cluster = "Cluster"
    case keyspace = "Keyspace"
  }

  func info(_ input: RawSpan) {
    var wanted = parser.argumentCount == 1 ? Section.allCases : []
    for place in 1..<parser.argumentCount {
      let word = Bytes(parser.argument(place, in: input)).description.lowercased()
      if ["all", "default", "everything"].contains(word) { wanted = Section.allCases }
      if let one = Section.allCases.first(where: { $0.rawValue.lowercased() == word }), !wanted.contains(one) {
        wanted.append(one)
      }
    }
    let (number, sections) = (takeNumber(), wanted)
    loop.collectMetrics { [self] sample in
      let text = Bytes(sections.map { "# \($0.rawValue)\r\n" + fields($0, sample) }.joined(separator: "\r\n"))
      reply(number) { $0.putBulk(text.rawSpan) }
    }
  }

  private func fields(_ section: Section, _ sample: MetricsSample) -> String {
    var lines: [(name: String, value: String)] = []
    switch section {
    case .server:
      let uptime = Int(sample.uptime.seconds)
      lines = [
        ("server_name", "holdfast"), ("holdfast_version", Version.current.description),
        // Whose commands and answers these are like.
        ("redis_version", "7.0.0"), ("redis_mode", "standalone"), ("process_id", "\(context.processID)"),
        ("tcp_port", "\(respPort)"),
      ]
      lines += context.respDoors.compactMap(\.path).map { ("unixsocket", $0) }
      lines += [("uptime_in_seconds", "\(uptime)"), ("uptime_in_days", "\(uptime / 86_400)")]
    case .clients:
      lines = [
        ("connected_clients", "\(sample.counters.respConnections)"),
        ("maxclients", "\(DescriptorBudget.process.connectionsMax)"), ("blocked_clients", "0"),
      ]
    case .memory:
      let resident = residentBytes()
      lines = [("used_memory", "\(resident)"), ("used_memory_rss", "\(resident)")]
    case .persistence: lines = [("loading", "0")]
    case .stats:
      lines = [
        ("total_connections_received", "\(sample.counters.respSessions)"),
        ("total_commands_processed", "\(sample.counters.respCommands)"),
      ]
    case .replication:
      lines = [("role", "master"), ("connected_slaves", "0"), ("shards", "\(engine.shardCount)")]
    case .cpu:
      var usage = rusage()
      // Safe: the structure is this function's own.
      unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      lines = [("used_cpu_sys", seconds(usage.ru_stime)), ("used_cpu_user", seconds(usage.ru_utime))]
    case .cluster: lines = [("cluster_enabled", "0")]
    case .keyspace: break
    }
    return lines.map { "\($0.name):\($0.value)\r\n" }.joined()
  }

  private func seconds(_ time: timeval) -> String {
    let micros = String(time.tv_usec)
    return "\(time.tv_sec)." + String(repeating: "0", count: 6 - micros.count) + micros
  }

  /// 0: it listens at files only.
  private var respPort: UInt16 { context.respDoors.first { $0.path == nil }?.port ?? 0 }

  func config(_ input: RawSpan) {
    guard parser.argument(1, in: input).isWord("GET"), parser.argumentCount >= 3 else {
      return fail("only CONFIG GET is understood: settings are flags of the process")
    }
    // What tools ask for before they begin. Every yes is on two disks, which is what `always` says of one.
    let settings: [(name: String, value: String)] = [
      ("save", ""), ("appendonly", "yes"), ("appendfsync", "always"), ("databases", "1"), ("maxmemory", "0"),
      ("maxclients", "\(DescriptorBudget.process.connectionsMax)"),
      ("timeout", "\(context.respIdleTimeout / 1_000_000_000)"), ("tcp-keepalive", "\(DoorContext.respKeepAlive)"),
      ("port", "\(respPort)"), ("unixsocket", context.respDoors.compactMap(\.path).first ?? ""),
      ("proto-max-bulk-len", "\(parser.limits.bulkBytes)"),
    ]
    let patterns = (2..<parser.argumentCount).map { Bytes(parser.argument($0, in: input)).array }
    let found = settings.filter { setting in
      patterns.contains { RESPPattern.matches($0[...], Array(setting.name.utf8)[...]) }
    }
    let proto = version
    reply(takeNumber()) { out in
      out.putMap(found.count, proto)
      for (name, value) in found {
        out.putBulk(bytes: Bytes(name))
        out.putBulk(bytes: Bytes(value))
      }
    }
  }
}

/// Redis's patterns for names, as far as names of settings need them: `*` and `?`, and capitals are as small letters.
enum RESPPattern {
  /// - Parameter name: in small letters.
  static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    var (pattern, name) = (pattern, name)
    // Where the last star was, and what of the name it had taken: it takes one more when the rest does not fit.
    var star: (after: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
    while true {
      if let wanted = pattern.first, wanted == UInt8(ascii: "*") {
        pattern.removeFirst()
        star = (pattern, name)
      } else if let wanted = pattern.first, let byte = name.first,
        wanted == UInt8(ascii: "?") || wanted == byte || (0x41...0x5A).contains(wanted) && wanted + 0x20 == byte
      {
        pattern.removeFirst()
        name.removeFirst()
      } else if pattern.isEmpty, name.isEmpty {
        return true
      } else if let last = star, !last.name.isEmpty {
        star = (last.after, last.name.dropFirst())
        (pattern, name) = (last.after, last.name.dropFirst())
      } else {
        return false
      }
    }
  }
}
