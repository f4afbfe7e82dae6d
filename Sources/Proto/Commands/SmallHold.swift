public import Octets

/// What most holds ask for: one seat, or places in one area.
public enum SmallChoice: Equatable, Sendable {
  case seat(SeatIndex)
  case area(AreaCount)
}

/// A hold command whose record is written in one piece: the same bytes as `Command.hold(…).encode(…)`, without its
/// arrays.
public struct SmallHold: Sendable {
  public var event: EventRef
  public var ttl: UInt32
  public var secret: UInt64
  public var choice: SmallChoice

  @inlinable public init(event: EventRef, ttl: UInt32, secret: UInt64, choice: SmallChoice) {
    (self.event, self.ttl, self.secret, self.choice) = (event, ttl, secret, choice)
  }

  /// Appends the whole record, under a client's key.
  @inlinable public func encode(buyer: RawSpan, key: RawSpan, into out: inout [UInt8]) {
    out.putPiece(bytesMax: 768) { piece in
      header(keyBytes: key.byteCount, isFromRouter: false, buyer, &piece)
      piece.put(key)
      body(buyer, &piece)
    }
  }

  /// Appends the whole record, under a router's key of two words.
  @inlinable public func encode(buyer: RawSpan, routerKey: (UInt64, UInt64), into out: inout [UInt8]) {
    out.putPiece(bytesMax: 512) { piece in
      header(keyBytes: CommandRecord.routerKeyBytes, isFromRouter: true, buyer, &piece)
      piece.put(routerKey.0)
      piece.put(routerKey.1)
      body(buyer, &piece)
    }
  }

  /// The record's header.
  @inlinable @inline(__always)
  func header(keyBytes: Int, isFromRouter: Bool, _ buyer: RawSpan, _ piece: inout Piece) {
    precondition(buyer.byteCount <= 255, "a buyer has at most 128 bytes: check it at the door")
    let choiceBytes = if case .seat = choice { 4 } else { 6 }
    CommandRecord.putHead(
      .hold, keyBytes: keyBytes, keyIsFromRouter: isFromRouter, actorBytes: 0,
      bodyBytes: HoldView.fixedBytes &+ buyer.byteCount &+ choiceBytes, into: &piece)
  }

  /// `HoldView`'s layout.
  @inlinable @inline(__always)
  func body(_ buyer: RawSpan, _ piece: inout Piece) {
    piece.put(event.slot.rawValue)
    piece.put(event.incarnation)
    piece.put(ttl)
    piece.put(secret)
    piece.put(UInt8(truncatingIfNeeded: buyer.byteCount))
    switch choice {
    case .seat(let seat):
      piece.put(UInt8(0))
      piece.put(UInt16(1))
      piece.put(buyer)
      piece.put(seat.rawValue)
    case .area(let area):
      piece.put(UInt8(1))
      piece.put(UInt16(0))
      piece.put(buyer)
      piece.put(area.area.rawValue)
      piece.put(area.count)
    }
  }
}
