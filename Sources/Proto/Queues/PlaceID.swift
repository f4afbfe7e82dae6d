/// Names a buyer's place in an event's queue. Written `q_` and 32 characters.
///
/// The slot is the event's. The sequence number has how often the room was emptied in its high 16 bits and the number
/// of the join, from 0, in the low 32. The secret follows from a key of the room that nobody is told, so that it takes
/// no memory and cannot be guessed.
public struct PlaceID: ShardedID {
  public var shard: ShardID
  public var slot: UInt32
  public var sequence: UInt64
  public var secret: UInt64
  @inlinable public static var letter: UInt8 { UInt8(ascii: "q") }
  @inlinable public init(shard: ShardID, slot: UInt32, sequence: UInt64, secret: UInt64) {
    (self.shard, self.slot, self.sequence, self.secret) = (shard, slot, sequence, secret)
  }

  public init(shard: ShardID, slot: UInt32, round: UInt16, join: UInt32, secret: UInt64) {
    self.init(shard: shard, slot: slot, sequence: UInt64(round) << 32 | UInt64(join), secret: secret)
  }

  /// How often the room had been emptied.
  public var round: UInt16 { UInt16(truncatingIfNeeded: sequence >> 32) }
  /// The how manieth join it was, from 0.
  public var join: UInt32 { UInt32(truncatingIfNeeded: sequence) }
}

/// What becomes of a place.
public enum PlaceState: UInt8, Sendable, CaseIterable {
  /// In the queue, drawn or not.
  case waiting = 0
  /// May take a pass.
  case called = 1
  /// Has a pass.
  case inside = 2
  /// Was not there when it was called; the next call is this place's as soon as its buyer is back.
  case passedOver = 3
  /// Gone: left, sent away, or its pass ran out.
  case left = 4
}
