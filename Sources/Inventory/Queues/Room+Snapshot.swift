import Digests
import Octets
import Proto
import Time

/// A room in a snapshot.
extension Room {
  /// Layout: `slot: u32`, `round: u16`, the keys (2 × 32 bytes behind a presence byte), the chain (32 bytes), the draw
  /// (the seed's 32 bytes and `count: u32` behind a presence byte), `joined: u32`, `nextPosition: u32`,
  /// `admitted: u32`, `unclaimed: u32`, `flags: u8` (bit 0: paused, bit 1: drained), the message (`u8` length), and
  /// behind a `u8` count the milestones, each `stamp: i64` and `position: u32`.
  func encode(into out: inout [UInt8]) {
    out.put(slot)
    out.put(round)
    out.put(optional: keys) {
      $0.append(contentsOf: $1.secret.bytes)
      $0.append(contentsOf: $1.placeKey.bytes)
    }
    out.append(contentsOf: chain.bytes)
    out.put(optional: draw) {
      $0.append(contentsOf: $1.seed.bytes)
      $0.put($1.count)
    }
    for number in [joined, nextPosition, admitted, unclaimed] { out.put(number) }
    out.append((isPaused ? 1 : 0) | (isDrained ? 2 : 0))
    out.putShort(message)
    out.append(UInt8(milestones.count))
    for milestone in milestones {
      out.put(milestone.stamp)
      out.put(milestone.position)
    }
  }

  /// Layout: `state: u8`, of who is called or inside `calledAt: i64` and `until: i64`, the buyer (`u8` length).
  func encodePlace(_ join: UInt32, into out: inout [UInt8]) {
    out.append(states[Int(join)])
    if let active = active[join] {
      out.put(active.calledAt)
      out.put(active.until)
    }
    out.putShort(buyer(join))
  }

  /// Reads all but the places.
  ///
  /// - Parameter joined: gets how many places must follow.
  init(
    decoding reader: inout ByteReader, slot: UInt32, incarnation: UInt64, salt: UInt64, joined: inout UInt32
  ) throws(DecodeError) {
    self.init(slot: slot, incarnation: incarnation, salt: salt)
    round = try reader.u16()
    if try reader.isPresent() {
      let secret = try reader.digest()
      keys = Keys(secret: secret, placeKey: try reader.digest())
    }
    chain = try reader.digest()
    if try reader.isPresent() {
      let seed = try reader.digest()
      draw = Draw(seed: seed, count: try reader.u32())
    }
    joined = try reader.u32()
    nextPosition = try reader.u32()
    admitted = try reader.u32()
    unclaimed = try reader.u32()
    let flags = try reader.u8()
    (isPaused, isDrained) = (flags & 1 != 0, flags & 2 != 0)
    message = try reader.shortBytes()
    for _ in 0..<(try reader.u8()) {
      let stamp = try reader.stamp()
      milestones.append(Milestone(stamp: stamp, position: try reader.u32()))
    }
    guard joined <= Self.joinsMax, nextPosition <= joined, draw?.count ?? 0 <= joined, flags <= 3,
      milestones.count <= Self.milestonesMax, keys != nil || (draw == nil && joined == 0)
    else { throw .invalid(field: "snapshot room") }
  }

  /// Reads the next place.
  mutating func takePlace(_ reader: inout ByteReader, now: Stamp) throws(DecodeError) {
    guard let state = PlaceState(rawValue: try reader.u8()) else { throw .invalid(field: "snapshot place") }
    var active: Active?
    if state == .called || state == .inside {
      let calledAt = try reader.stamp()
      active = Active(calledAt: calledAt, until: try reader.stamp())
    }
    let buyer = try reader.shortBytes()
    guard (1...128).contains(buyer.count), !isFull, state == .left || find(buyer.rawSpan) == nil else {
      throw .invalid(field: "snapshot place")
    }
    restore(buyer.rawSpan, state, active)
  }
}

extension ByteReader {
  fileprivate mutating func digest() throws(DecodeError) -> Digest256 {
    guard let digest = Digest256(Bytes(try bytes(Digest256.byteCount)).array) else {
      throw .truncated(bytesNeeded: Digest256.byteCount, bytesAvailable: 0)
    }
    return digest
  }
}
