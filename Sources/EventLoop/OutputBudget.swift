/// Bounds what all connections of one loop have to send and their peers have not taken. A value: the loop asks it whom to close.
///
/// Over the bound, connections are closed at once, whose output has waited longest first, until the rest is within it. Over half of it, which
/// is where whoever makes large answers stops making more, only those are closed that have not taken everything for `patience`: a
/// reader that takes a byte now and then would hold the half for ever. A single one may be larger than the bound, for a while.
struct OutputBudget {
  var bytesMax = Int.max
  static let patience: UInt64 = 5_000_000_000
  /// A connection with less waiting is not worth closing.
  static let worthClosing = 64 << 10
  private static let lookEvery: UInt64 = 100_000_000
  private var looksAt: UInt64 = 0

  struct Candidate: Equatable {
    var token: UInt64
    var byteCount: Int
    /// Since when it has had something waiting.
    var since: UInt64
  }

  /// Whether it is time to look for connections to close.
  mutating func mustLook(_ byteCount: Int, now: UInt64) -> Bool {
    guard byteCount > bytesMax / 2, byteCount > bytesMax || now >= looksAt else { return false }
    looksAt = now &+ Self.lookEvery
    return true
  }

  /// Whom to close, of those with something waiting.
  func victims(of candidates: [Candidate], byteCount: Int, now: UInt64) -> [Candidate] {
    var left = byteCount
    var victims: [Candidate] = []
    let worthIt = candidates.filter { $0.byteCount >= Self.worthClosing }.sorted { $0.since < $1.since }
    for (place, candidate) in worthIt.enumerated() {
      // The last one may be a single large answer: its reader has more time, but not for ever.
      let isLast = place == worthIt.count - 1
      let isLate = now &- candidate.since >= (isLast ? 6 * Self.patience : Self.patience)
      guard (left > bytesMax && !isLast) || (left > bytesMax / 2 && isLate) else { break }
      victims.append(candidate)
      left -= candidate.byteCount
    }
    return victims
  }
}

extension EventLoop {
  /// Bytes that wait to be sent, over all connections of this loop. On the loop's thread.
  public var outputByteCount: Int { outputWaiting }

  /// Bounds `outputByteCount`, in bytes: see `OutputBudget`. Connections that are flushed first are never closed for it. On the loop's
  /// thread, or before it has connections.
  public func limitOutput(bytes: Int) { outputBudget.bytesMax = bytes }

  /// More waits than whoever makes large answers should add to.
  public var isOutputCrowded: Bool { outputWaiting > outputBudget.bytesMax / 2 }

  func closeSlowReaders() {
    let now = nowNanoseconds
    guard outputBudget.mustLook(outputWaiting, now: now) else { return }
    var candidates: [OutputBudget.Candidate] = []
    for source in sources.all {
      guard let connection = source as? Connection, !connection.options.isFlushedFirst, connection.countedOutput > 0
      else { continue }
      candidates.append(
        OutputBudget.Candidate(
          token: connection.token, byteCount: connection.countedOutput, since: connection.outputSince))
    }
    for victim in outputBudget.victims(of: candidates, byteCount: outputWaiting, now: now) {
      (sources[victim.token] as? Connection)?.end(.outputBudget)
    }
  }
}
