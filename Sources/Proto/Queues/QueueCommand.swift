public import Octets

/// A command on an event's queue.
public enum QueueCommand: Equatable, Sendable {
  /// The same buyer gets the same place.
  case join(buyer: Bytes)
  case control(QueueControl)
  /// Logged by the primary itself: the room has opened. `secret`: of the draw, and `placeKey`: of the places' ids, 32
  /// random bytes each.
  case open(secret: Bytes, placeKey: Bytes)
  /// Logged by the primary itself: buyers are called or passed over; without any, only time has passed.
  case call(QueueCalls)

  public enum Kind: UInt8, Sendable, CaseIterable {
    case join = 0x50
    case control = 0x51
    case open = 0x52
    case call = 0x53
  }

  public var kind: Kind {
    switch self {
    case .join: .join
    case .control: .control
    case .open: .open
    case .call: .call
    }
  }

  static let keyBytes = 32

  /// What stands behind the event's reference.
  func encodeArguments(into out: inout [UInt8]) {
    switch self {
    case .join(let buyer): out.putShort(buyer)
    case .control(let control): control.encode(into: &out)
    case .open(let secret, let placeKey):
      precondition(secret.count == Self.keyBytes && placeKey.count == Self.keyBytes, "made by the primary")
      out.append(contentsOf: secret.array)
      out.append(contentsOf: placeKey.array)
    case .call(let calls): calls.encode(into: &out)
    }
  }

  init(_ kind: Kind, arguments reader: inout ByteReader) throws(DecodeError) {
    switch kind {
    case .join: self = .join(buyer: try reader.shortBytes())
    case .control: self = .control(try QueueControl(decoding: &reader))
    case .open:
      let secret = Bytes(try reader.bytes(Self.keyBytes))
      self = .open(secret: secret, placeKey: Bytes(try reader.bytes(Self.keyBytes)))
    case .call: self = .call(try QueueCalls(decoding: &reader))
    }
  }
}

/// What an operator says to a queue; what is nil stays as it is.
public struct QueueControl: Equatable, Sendable {
  public enum Action: UInt8, Sendable, CaseIterable {
    /// Nobody is called.
    case pause = 1
    case resume = 2
    /// Nobody may join any more; those who wait are called.
    case drain = 3
    /// Everybody is sent away, and the room opens anew, with another secret.
    case reset = 4
  }

  public var action: Action?
  public var admitPerMinute: UInt32?
  /// `.some(nil)`: no limit.
  public var maxInside: UInt32??
  /// Shown to all who wait; empty: none. At most 255 bytes.
  public var message: Bytes?

  public init(
    action: Action? = nil, admitPerMinute: UInt32? = nil, maxInside: UInt32?? = nil, message: Bytes? = nil
  ) {
    (self.action, self.admitPerMinute, self.maxInside, self.message) = (action, admitPerMinute, maxInside, message)
  }

  func encode(into out: inout [UInt8]) {
    out.append(action?.rawValue ?? 0)
    out.put(optional: admitPerMinute) { $0.put($1) }
    out.put(optional: maxInside) { out, limit in out.put(optional: limit) { $0.put($1) } }
    out.put(optional: message) { $0.putShort($1) }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let number = try reader.u8()
    action = Action(rawValue: number)
    guard action != nil || number == 0 else { throw .invalid(field: "queue action") }
    admitPerMinute = try reader.isPresent() ? try reader.u32() : nil
    maxInside = nil
    if try reader.isPresent() { maxInside = .some(try reader.isPresent() ? try reader.u32() : nil) }
    message = try reader.isPresent() ? try reader.shortBytes() : nil
  }
}

/// Who of a queue is called now, as the primary decided: places by the numbers of their joins.
public struct QueueCalls: Equatable, Sendable {
  /// The first position that is not called or passed over, after this.
  public var nextPosition: UInt32
  public var called: [UInt32]
  /// Were not there.
  public var passedOver: [UInt32]

  public static let countMax = 65_536

  public init(nextPosition: UInt32, called: [UInt32], passedOver: [UInt32]) {
    (self.nextPosition, self.called, self.passedOver) = (nextPosition, called, passedOver)
  }

  /// Layout: `nextPosition: u32`, then both lists, each behind a `u32` count.
  func encode(into out: inout [UInt8]) {
    out.put(nextPosition)
    for list in [called, passedOver] {
      out.put(UInt32(list.count))
      for join in list { out.put(join) }
    }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    nextPosition = try reader.u32()
    called = try reader.joins()
    passedOver = try reader.joins()
  }
}

/// A command on a place in a queue.
public enum PlaceCommand: Equatable, Sendable {
  /// The buyer who was called takes the pass.
  case claim
  /// The buyer gives the place up.
  case leave

  public enum Kind: UInt8, Sendable, CaseIterable {
    case claim = 0x60
    case leave = 0x61
  }

  public var kind: Kind {
    switch self {
    case .claim: .claim
    case .leave: .leave
    }
  }

  func encodeArguments(into out: inout [UInt8]) {
    switch self {
    case .claim, .leave: break
    }
  }

  init(_ kind: Kind, arguments reader: inout ByteReader) throws(DecodeError) {
    switch kind {
    case .claim: self = .claim
    case .leave: self = .leave
    }
  }
}

extension ByteReader {
  fileprivate mutating func joins() throws(DecodeError) -> [UInt32] {
    let count = try count(limit: QueueCalls.countMax, field: "calls")
    guard bytesLeft >= count * 4 else { throw .truncated(bytesNeeded: count * 4, bytesAvailable: bytesLeft) }
    var joins: [UInt32] = []
    joins.reserveCapacity(count)
    for _ in 0..<count { joins.append(try u32()) }
    return joins
  }
}
