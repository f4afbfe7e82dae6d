/// Bounds what all connections that share it have received and nobody has consumed: unfinished messages. Whoever sends halves of messages
/// on many connections takes memory on each of them, however small the bound of one is.
///
/// Over the bound, connections are closed until the rest is within it: those of the lowest `Connection.inputRank` first, among them whose
/// message has been unfinished the longest. A single one may always finish. Bytes count as they come, not as they are announced.
public final class InputBudget: Sendable {
  public let bytesMax: Int
  /// Shorter rests are not counted: a connection's own descriptor costs as much.
  static let countedFrom = 4 << 10

  private struct Holder {
    let connection: Connection
    var byteCount: Int
    let rank: UInt8
    /// The order in which messages began.
    let number: UInt64
  }

  private struct State {
    var holders: [ObjectIdentifier: Holder] = [:]
    var byteCount = 0
    var next: UInt64 = 0
    var closed: UInt64 = 0
  }

  private let state = LoopLock(State())

  public init(bytesMax: Int) { self.bytesMax = bytesMax }

  /// Bytes that wait now, and how many connections were closed for room.
  public var usage: (bytes: Int, closed: UInt64) { state.locked { ($0.byteCount, $0.closed) } }

  /// The connection now keeps so many bytes; 0: none. On the connection's loop.
  func note(_ connection: Connection, byteCount: Int) {
    let victims: [Connection] = state.locked { state in
      let key = ObjectIdentifier(connection)
      if byteCount < Self.countedFrom {
        if let holder = state.holders.removeValue(forKey: key) { state.byteCount -= holder.byteCount }
        return []
      }
      if let known = state.holders[key] {
        state.byteCount += byteCount - known.byteCount
        state.holders[key]?.byteCount = byteCount
      } else {
        state.holders[key] = Holder(
          connection: connection, byteCount: byteCount, rank: connection.inputRank, number: state.next)
        state.byteCount += byteCount
        state.next += 1
      }
      return Self.takeVictims(&state, bytesMax)
    }
    for victim in victims {
      if victim.loop === connection.loop {
        victim.abort(reason: .inputBudget)
      } else {
        victim.loop.submit { victim.abort(reason: .inputBudget) }
      }
    }
  }

  private static func takeVictims(_ state: inout State, _ bytesMax: Int) -> [Connection] {
    guard state.byteCount > bytesMax, state.holders.count > 1 else { return [] }
    var victims: [Connection] = []
    for holder in state.holders.values.sorted(by: { ($0.rank, $0.number) < ($1.rank, $1.number) }) {
      guard state.byteCount > bytesMax, state.holders.count > 1 else { break }
      state.holders[ObjectIdentifier(holder.connection)] = nil
      state.byteCount -= holder.byteCount
      state.closed += 1
      victims.append(holder.connection)
    }
    return victims
  }
}
