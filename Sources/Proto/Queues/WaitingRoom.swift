import Octets
public import Time

/// How an event lets its buyers in: a term of the event. Who is in it, and in what order, is the room's own state.
public struct WaitingRoom: Equatable, Sendable {
  /// Who comes first.
  public enum Order: UInt8, Sendable, CaseIterable {
    /// Who came before the start is drawn; who comes later stands behind, in the order of the shard's log.
    case shuffle = 0
    /// The order of the shard's log.
    case fifo = 1
  }

  /// Before this nobody may join; nil: at once.
  public var opensAt: Stamp?
  /// From here on buyers are called; nil: when the event goes on sale.
  public var startsAt: Stamp?
  public var order: Order
  /// 0 to `admitPerMinuteMax`; 0: nobody is called.
  public var admitPerMinute: UInt32
  /// Buyers that may be called or inside at a time; nil: no limit.
  public var maxInside: UInt32?
  /// Seconds for which a pass is good, from when it was taken: 10 to 86,400.
  public var passTTL: UInt32
  /// Seconds within which who was called must take the pass: 5 to 86,400.
  public var claimTTL: UInt32
  /// Seconds without a sign of life after which a buyer is passed over: 5 to 86,400.
  public var leaveAfter: UInt32

  public static let admitPerMinuteMax: UInt32 = 6_000_000

  public init(
    opensAt: Stamp? = nil, startsAt: Stamp? = nil, order: Order = .shuffle, admitPerMinute: UInt32 = 600,
    maxInside: UInt32? = nil, passTTL: UInt32 = 600, claimTTL: UInt32 = 120, leaveAfter: UInt32 = 90
  ) {
    (self.opensAt, self.startsAt, self.order) = (opensAt, startsAt, order)
    (self.admitPerMinute, self.maxInside) = (admitPerMinute, maxInside)
    (self.passTTL, self.claimTTL, self.leaveAfter) = (passTTL, claimTTL, leaveAfter)
  }

  /// Layout: `opensAt`, `startsAt` (`i64` behind a presence byte), `order: u8`, `admitPerMinute: u32`, `maxInside`
  /// (`u32` behind a presence byte), `passTTL: u32`, `claimTTL: u32`, `leaveAfter: u32`.
  func encode(into out: inout [UInt8]) {
    out.put(optional: opensAt) { $0.put($1) }
    out.put(optional: startsAt) { $0.put($1) }
    out.append(order.rawValue)
    out.put(admitPerMinute)
    out.put(optional: maxInside) { $0.put($1) }
    out.put(passTTL)
    out.put(claimTTL)
    out.put(leaveAfter)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    let opensAt = try reader.isPresent() ? try reader.stamp() : nil
    let startsAt = try reader.isPresent() ? try reader.stamp() : nil
    guard let order = Order(rawValue: try reader.u8()) else { throw .invalid(field: "waiting room order") }
    let admitPerMinute = try reader.u32()
    let maxInside = try reader.isPresent() ? try reader.u32() : nil
    let passTTL = try reader.u32()
    let claimTTL = try reader.u32()
    self.init(
      opensAt: opensAt, startsAt: startsAt, order: order, admitPerMinute: admitPerMinute, maxInside: maxInside,
      passTTL: passTTL, claimTTL: claimTTL, leaveAfter: try reader.u32())
    guard isPossible else { throw .invalid(field: "waiting room") }
  }

  /// Whether its numbers are within their limits.
  public var isPossible: Bool {
    admitPerMinute <= Self.admitPerMinuteMax && maxInside != 0 && (10...86_400).contains(passTTL)
      && (5...86_400).contains(claimTTL) && (5...86_400).contains(leaveAfter)
  }
}

/// Other terms for a waiting room: what is not named stays as it is.
public struct WaitingRoomChange: Equatable, Sendable {
  public var opensAt = TermsChange.Edit<Stamp>.keep
  public var startsAt = TermsChange.Edit<Stamp>.keep
  public var order: WaitingRoom.Order?
  public var admitPerMinute: UInt32?
  public var maxInside = TermsChange.Edit<UInt32>.keep
  public var passTTL: UInt32?
  public var claimTTL: UInt32?
  public var leaveAfter: UInt32?

  public init() {}

  /// Layout: as that of `TermsChange`, for each field in the order of declaration.
  func encode(into out: inout [UInt8]) {
    out.put(opensAt) { $0.put($1) }
    out.put(startsAt) { $0.put($1) }
    out.put(TermsChange.Edit(order)) { $0.append($1.rawValue) }
    out.put(TermsChange.Edit(admitPerMinute)) { $0.put($1) }
    out.put(maxInside) { $0.put($1) }
    for seconds in [passTTL, claimTTL, leaveAfter] { out.put(TermsChange.Edit(seconds)) { $0.put($1) } }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    opensAt = try reader.time()
    startsAt = try reader.time()
    if try reader.isSet(mayBeRemoved: false) != .keep {
      order = WaitingRoom.Order(rawValue: try reader.u8())
      guard order != nil else { throw .invalid(field: "waiting room order") }
    }
    admitPerMinute = try reader.seconds()
    maxInside = try reader.number()
    passTTL = try reader.seconds()
    claimTTL = try reader.seconds()
    leaveAfter = try reader.seconds()
  }
}

extension WaitingRoom {
  /// This room with the change, whether that is possible or not.
  public func with(_ change: WaitingRoomChange) -> WaitingRoom {
    var room = self
    change.opensAt.apply(to: &room.opensAt)
    change.startsAt.apply(to: &room.startsAt)
    if let order = change.order { room.order = order }
    if let rate = change.admitPerMinute { room.admitPerMinute = rate }
    change.maxInside.apply(to: &room.maxInside)
    if let seconds = change.passTTL { room.passTTL = seconds }
    if let seconds = change.claimTTL { room.claimTTL = seconds }
    if let seconds = change.leaveAfter { room.leaveAfter = seconds }
    return room
  }
}

extension ByteReader {
  /// A number that may be kept but not removed.
  fileprivate mutating func seconds() throws(DecodeError) -> UInt32? {
    try isSet(mayBeRemoved: false) == .keep ? nil : try u32()
  }
}
