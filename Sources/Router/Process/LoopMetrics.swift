import HTTP

/// What a loop counted since it started. Plain numbers, touched on the loop only; `/metrics` asks each loop for its
/// own.
struct LoopMetrics: Sendable {
  /// Latencies in powers of two of a microsecond: bucket n counts what took below 2^n µs.
  struct Histogram: Sendable {
    static let bucketCount = 26
    var buckets = [UInt64](repeating: 0, count: Histogram.bucketCount)
    var count: UInt64 = 0
    var sumNanoseconds: UInt64 = 0

    @inline(__always) mutating func add(nanoseconds: UInt64) {
      let micros = nanoseconds / 1_000
      let bucket = micros == 0 ? 0 : 64 - micros.leadingZeroBitCount
      buckets[min(bucket, Self.bucketCount - 1)] &+= 1
      count &+= 1
      sumNanoseconds &+= nanoseconds
    }

    mutating func add(_ other: Histogram) {
      for place in buckets.indices { buckets[place] &+= other.buckets[place] }
      count &+= other.count
      sumNanoseconds &+= other.sumNanoseconds
    }
  }

  /// Requests by route and status: see `countHTTP`.
  private(set) var http = [UInt64](
    repeating: 0, count: (2 * OperationName.count + HTTPMethod.allCases.count) * LoopMetrics.statusCount)
  private(set) var httpLatency = Histogram()
  /// Commands: answered, refused, and so on by command.
  private(set) var resp = [UInt64](repeating: 0, count: RESPCommand.allCases.count * 2)
  private(set) var respLatency = Histogram()
  var freshReads: UInt64 = 0
  var strongReads: UInt64 = 0
  var framesSent: UInt64 = 0
  var linksLost: UInt64 = 0
  var httpConnections = 0
  var respConnections = 0
  /// Connections at the RESP door since the start.
  var respSessions: UInt64 = 0
  /// Commands there that were executed, whether they need a shard or not.
  var respCommands: UInt64 = 0
  /// Connections at the RESP door that were closed for what they sent.
  var respProtocolErrors: UInt64 = 0

  private static let statusCount = 600
  private static let methods = HTTPMethod.allCases

  mutating func countRESP(_ command: RESPCommand, isError: Bool, since startedAt: UInt64, now: UInt64) {
    resp[command.rawValue * 2 + (isError ? 1 : 0)] &+= 1
    respLatency.add(nanoseconds: now &- startedAt)
  }

  func respCount(_ command: RESPCommand, isError: Bool) -> UInt64 { resp[command.rawValue * 2 + (isError ? 1 : 0)] }

  /// - Parameters:
  ///   - route: nil for what met no route.
  ///   - method: as it was asked; a route is counted under its own, or under HEAD.
  mutating func countHTTP(
    _ route: OperationName?, _ method: HTTPMethod, status: Int, since startedAt: UInt64, now: UInt64
  ) {
    let row: Int
    if let route {
      row = method == .head ? OperationName.count + route.rawValue : route.rawValue
    } else {
      row = 2 * OperationName.count + (Self.methods.firstIndex(of: method) ?? 0)
    }
    http[row * Self.statusCount + status] &+= 1
    httpLatency.add(nanoseconds: now &- startedAt)
  }

  /// Calls `body` for each method, route and status that was counted; nil: no route.
  func forEachHTTP(_ body: (_ method: StaticString, OperationName?, _ status: Int, _ count: UInt64) -> Void) {
    for (place, count) in http.enumerated() where count > 0 {
      let (row, status) = place.quotientAndRemainder(dividingBy: Self.statusCount)
      if let route = OperationName(rawValue: row) {
        body(route.row.http?.method.name ?? "", route, status, count)
      } else if let route = OperationName(rawValue: row - OperationName.count) {
        body(HTTPMethod.head.name, route, status, count)
      } else {
        body(Self.methods[row - 2 * OperationName.count].name, nil, status, count)
      }
    }
  }

  mutating func add(_ other: LoopMetrics) {
    for place in http.indices { http[place] &+= other.http[place] }
    for place in resp.indices { resp[place] &+= other.resp[place] }
    httpLatency.add(other.httpLatency)
    respLatency.add(other.respLatency)
    freshReads &+= other.freshReads
    strongReads &+= other.strongReads
    framesSent &+= other.framesSent
    linksLost &+= other.linksLost
    httpConnections += other.httpConnections
    respConnections += other.respConnections
    respSessions &+= other.respSessions
    respCommands &+= other.respCommands
    respProtocolErrors &+= other.respProtocolErrors
  }
}
