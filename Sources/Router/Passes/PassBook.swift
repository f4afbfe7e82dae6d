import ClusterMap
import Digests
import EventLoop
import Octets
import Passes
import Proto
import Threads
import Time

/// The keys of passes, as this process last read them from the coordinator.
final class SharedPassKeys: Sendable {
  let value = Lock(PassKeys())
  /// Somebody waits in a queue, and will need a pass. A cluster without waiting rooms makes no key.
  let areWanted = Lock(false)
}

/// The passes that one loop made and saw: a signature costs half a millisecond and its check some microseconds, so each
/// is made once and checked once.
struct PassBook {
  /// By the token's digest.
  private var verified: [Digest256: Pass] = [:]
  private var made: [PlaceID: Made] = [:]

  private struct Made {
    var until: Stamp
    var token: [UInt8]
  }

  /// What either table keeps; then it begins anew.
  private static let countMax = 50_000

  /// Why a pass is not good for a reservation.
  enum Fault: Error {
    case foreign, expired
  }

  /// The pass of a buyer who is inside; nil: there is no key to sign it with.
  mutating func token(for info: PlaceInfo, _ keys: SharedPassKeys, at now: Stamp) -> [UInt8]? {
    // Who waits will need one: it is made long before the first call, most times.
    keys.areWanted.withLock { $0 = true }
    guard info.state == .inside, let until = info.until else { return nil }
    if let made = made[info.place], made.until == until { return made.token }
    guard let (key, id) = keys.value.withLock({ $0.signing(at: now) }) else { return nil }
    let pass = Pass(
      event: info.queue.eventID, buyer: info.buyer, place: info.place, from: info.calledAt ?? now, until: until)
    let token = pass.token(key, id: id)
    guard !token.isEmpty else { return nil }
    if made.count >= Self.countMax { made = [:] }
    made[info.place] = Made(until: until, token: token)
    return token
  }

  /// The place whose pass this is, if it is a pass of this buyer for this event that has not ended.
  mutating func place(
    of token: Bytes, event: Bytes, buyer: Bytes, _ keys: SharedPassKeys, at now: Stamp
  ) throws(Fault) -> PlaceID {
    let digest = sha256(token.rawSpan)
    let pass: Pass
    if let known = verified[digest] {
      pass = known
    } else {
      guard let read = Pass(token: token.array, key: { id in keys.value.withLock { $0.key(id, at: now) } }) else {
        throw .foreign
      }
      if verified.count >= Self.countMax { verified = [:] }
      verified[digest] = read
      pass = read
    }
    guard pass.event == event, pass.buyer == buyer else { throw .foreign }
    // The shard knows the hour: a router's clock that is fast must not end what is good. Long after its end nobody is
    // asked any more.
    guard now < pass.until + Self.clocksMayDiffer else { throw .expired }
    return pass.place
  }

  private static let clocksMayDiffer: Milliseconds = 5_000
}

/// Renews this process's keys, and makes the first one if the cluster has none and one is wanted.
func renewPassKeys(_ shared: SharedPassKeys, _ coordinator: any Coordinator) async throws(CoordinatorError) {
  var records = try await coordinator.passKeys()
  if records.isEmpty {
    guard shared.areWanted.withLock({ $0 }) else { return }
    // Half a second of a processor.
    let made = await onOwnThread(name: "pass-key") { newPassKey(signsFrom: wallClock()) }
    guard let first = made else { return }
    try await coordinator.add(first)
    records = try await coordinator.passKeys()
  }
  let known = shared.value.withLock { $0 }
  let keys = PassKeys(records, known: known)
  shared.value.withLock { $0 = keys }
}
