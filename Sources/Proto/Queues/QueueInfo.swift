public import Octets
public import Time

/// What a queue is, for its door and for everybody who waits in it.
public enum QueueState: UInt8, Sendable, CaseIterable {
  /// Nobody may join yet.
  case closed = 0
  /// Buyers join, nobody is called.
  case open = 1
  case running = 2
  case paused = 3
  /// Nobody may join any more.
  case drained = 4
}

/// All that is public about an event's queue.
public struct QueueInfo: Equatable, Sendable {
  public var event: EventRef
  public var eventID: Bytes
  public var state: QueueState
  /// Places that may still be called.
  public var waiting: UInt32
  /// Have been called and have no pass yet.
  public var called: UInt32
  public var inside: UInt32
  /// How many ever got a pass.
  public var admitted: UInt32
  /// The first position that was not called yet, from 0.
  public var nextPosition: UInt32
  /// How many ever joined, and how many of them were drawn.
  public var joined: UInt32
  public var drawn: UInt32
  /// Positions that were passed in the last minutes, and in how many milliseconds; 0: not known yet.
  public var recentPositions: UInt32
  public var recentTime: Milliseconds
  public var room: WaitingRoom
  /// When calls begin; nil: as soon as it opens.
  public var startsAt: Stamp?
  /// SHA-256 of the draw's secret; empty: the room is not open yet.
  public var commitment: Bytes
  /// Both empty until the start.
  public var secret: Bytes
  public var seed: Bytes
  public var message: Bytes

  public init(
    event: EventRef, eventID: Bytes, state: QueueState, waiting: UInt32, called: UInt32, inside: UInt32,
    admitted: UInt32, nextPosition: UInt32, joined: UInt32, drawn: UInt32, recentPositions: UInt32,
    recentTime: Milliseconds, room: WaitingRoom, startsAt: Stamp?, commitment: Bytes, secret: Bytes, seed: Bytes,
    message: Bytes
  ) {
    (self.event, self.eventID, self.state) = (event, eventID, state)
    (self.waiting, self.called, self.inside, self.admitted) = (waiting, called, inside, admitted)
    (self.nextPosition, self.joined, self.drawn) = (nextPosition, joined, drawn)
    (self.recentPositions, self.recentTime) = (recentPositions, recentTime)
    (self.room, self.startsAt) = (room, startsAt)
    (self.commitment, self.secret, self.seed, self.message) = (commitment, secret, seed, message)
  }

  func encode(into out: inout [UInt8]) {
    event.encode(into: &out)
    out.putShort(eventID)
    out.append(state.rawValue)
    for number in [waiting, called, inside, admitted, nextPosition, joined, drawn, recentPositions] { out.put(number) }
    out.put(recentTime.rawValue)
    room.encode(into: &out)
    out.put(optional: startsAt) { $0.put($1) }
    for text in [commitment, secret, seed, message] { out.putShort(text) }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    event = try EventRef(decoding: &reader)
    eventID = try reader.shortBytes()
    guard let state = QueueState(rawValue: try reader.u8()) else { throw .invalid(field: "queue state") }
    self.state = state
    waiting = try reader.u32()
    called = try reader.u32()
    inside = try reader.u32()
    admitted = try reader.u32()
    nextPosition = try reader.u32()
    joined = try reader.u32()
    drawn = try reader.u32()
    recentPositions = try reader.u32()
    recentTime = Milliseconds(try reader.i64())
    room = try WaitingRoom(decoding: &reader)
    startsAt = try reader.isPresent() ? try reader.stamp() : nil
    commitment = try reader.shortBytes()
    secret = try reader.shortBytes()
    seed = try reader.shortBytes()
    message = try reader.shortBytes()
  }
}

/// A buyer's place, with what a door needs to say about it.
public struct PlaceInfo: Equatable, Sendable {
  public var place: PlaceID
  public var buyer: Bytes
  public var state: PlaceState
  /// From 0; nil: it is not drawn yet.
  public var position: UInt32?
  /// When it was called: its pass is good from here on; nil: it was not.
  public var calledAt: Stamp?
  /// Of who was called: until when the pass must be taken. Of who is inside: until when it is good.
  public var until: Stamp?
  public var queue: QueueInfo

  public init(
    place: PlaceID, buyer: Bytes, state: PlaceState, position: UInt32?, calledAt: Stamp?, until: Stamp?,
    queue: QueueInfo
  ) {
    (self.place, self.buyer, self.state, self.position) = (place, buyer, state, position)
    (self.calledAt, self.until, self.queue) = (calledAt, until, queue)
  }

  func encode(into out: inout [UInt8]) {
    place.encode(into: &out)
    out.putShort(buyer)
    out.append(state.rawValue)
    out.put(optional: position) { $0.put($1) }
    out.put(optional: calledAt) { $0.put($1) }
    out.put(optional: until) { $0.put($1) }
    queue.encode(into: &out)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    place = try PlaceID(decoding: &reader)
    buyer = try reader.shortBytes()
    guard let state = PlaceState(rawValue: try reader.u8()) else { throw .invalid(field: "place state") }
    self.state = state
    position = try reader.isPresent() ? try reader.u32() : nil
    calledAt = try reader.isPresent() ? try reader.stamp() : nil
    until = try reader.isPresent() ? try reader.stamp() : nil
    queue = try QueueInfo(decoding: &reader)
  }
}
