/// What a run measured.
struct Report: Sendable {
  var scenario = ""
  var door = ""
  var connections = 0
  var pipeline = 0
  /// Requests a second that were asked for; 0: as many as the answers allow.
  var offeredRate: Double = 0
  var seconds: Double = 0
  var ok: UInt64 = 0
  var refused: UInt64 = 0
  var errors: UInt64 = 0
  /// Open loop: requests that were due and not sent before the time was over.
  var unsent: UInt64 = 0
  var words: [String: UInt64] = [:]
  /// From the intended start to the reply, nanoseconds.
  var latency = Histogram()
  /// The airline's scenario: transactions by name, what became of them; seats that customers have in the end; seats
  /// that two got.
  var transactions: [(name: String, done: UInt64, refused: UInt64)] = []
  var owned = 0
  var doubled: UInt64 = 0

  var transactionRate: Double {
    seconds > 0 ? Double(transactions.reduce(0) { $0 + $1.done + $1.refused }) / seconds : 0
  }
  var rate: Double { seconds > 0 ? Double(ok + refused + errors) / seconds : 0 }

  mutating func add(_ other: Report) {
    ok += other.ok
    refused += other.refused
    errors += other.errors
    unsent += other.unsent
    seconds = max(seconds, other.seconds)
    for (word, count) in other.words { words[word, default: 0] += count }
    latency.add(other.latency)
    if !other.transactions.isEmpty { (transactions, owned, doubled) = (other.transactions, other.owned, other.doubled) }
  }

  private static let shares: [(String, Double)] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)]

  var table: String {
    var lines = [
      "\(door), \(scenario), \(connections) connections, pipeline \(pipeline)"
        + (offeredRate > 0 ? ", open loop at \(Int(offeredRate))/s" : ", closed loop"),
      "  requests/s   \(Int(rate.rounded()))   in \(decimals(seconds, 2)) s",
      "  yes          \(ok)", "  refused      \(refused)", "  errors       \(errors)",
    ]
    if unsent > 0 { lines.append("  not sent     \(unsent): the service did not keep up with the rate") }
    for (word, count) in words.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(12) {
      lines.append("    \(word) \(count)")
    }
    if !transactions.isEmpty {
      lines.append("  transactions \(Int(transactionRate.rounded()))/s, \(owned) seats owned, \(doubled) of them twice")
      for each in transactions { lines.append("    \(each.name) \(each.done), refused \(each.refused)") }
    }
    let figures = Self.shares.map { "\($0.0) \(decimals(Double(latency.quantile($0.1)) / 1e6, 3))" }
    lines.append("  latency ms   \(figures.joined(separator: "   "))   max \(decimals(Double(latency.max) / 1e6, 3))")
    return lines.joined(separator: "\n") + "\n"
  }

  var json: String {
    let figures = Self.shares.map { share -> String in
      let name = share.0.map { $0 == "." ? "_" : String($0) }.joined()
      return "\"\(name)_ms\":\(decimals(Double(latency.quantile(share.1)) / 1e6, 4))"
    }
    let reasons = words.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
    let kinds = transactions.map { "\"\($0.name)\":{\"done\":\($0.done),\"refused\":\($0.refused)}" }
    let airline =
      transactions.isEmpty
      ? ""
      : "\"transactions\":{\(kinds.joined(separator: ","))},\"transaction_rate\":\(decimals(transactionRate, 1)),"
        + "\"owned\":\(owned),\"doubled\":\(doubled),"
    return "{\"door\":\"\(door)\",\"scenario\":\"\(scenario)\",\"connections\":\(connections),\"pipeline\":\(pipeline),"
      + "\"offered_rate\":\(decimals(offeredRate, 1)),\"rate\":\(decimals(rate, 1)),\"seconds\":\(decimals(seconds, 3)),"
      + "\"ok\":\(ok),\"refused\":\(refused),\"errors\":\(errors),\"unsent\":\(unsent),"
      + figures.joined(separator: ",") + ",\"max_ms\":\(decimals(Double(latency.max) / 1e6, 4)),"
      + airline + "\"words\":{\(reasons.joined(separator: ","))}}\n"
  }
}

/// A number with so many decimals, without Foundation.
func decimals(_ value: Double, _ places: Int) -> String {
  var scale = 1.0
  for _ in 0..<places { scale *= 10 }
  let scaled = Int((value * scale).rounded())
  guard places > 0 else { return "\(scaled)" }
  let (whole, rest) = abs(scaled).quotientAndRemainder(dividingBy: Int(scale))
  let digits = String(rest)
  return (scaled < 0 ? "-" : "") + "\(whole)." + String(repeating: "0", count: places - digits.count) + digits
}
