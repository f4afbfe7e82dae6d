import Octets
import Proto
import Seeded

/// An event that one client alone knows, creates, sells from and deletes, again and again under the same id: what it
/// was told must be so.
struct OwnEvent {
  var event: SimulatedEvent
  /// nil: nobody knows, because an answer was given up.
  var isThere: Bool? = false
  /// How often it was asked to be deleted.
  private(set) var deletions = 0

  init(client: Int, shardCount: Int) {
    let id = Bytes("own-\(client)")
    event = SimulatedEvent(
      shard: ShardID.owning(event: id.rawSpan, shardCount: shardCount),
      ref: EventRef(slot: EventSlot(0), incarnation: 0), id: id)
  }

  /// What to ask for next.
  mutating func next(_ world: World) -> ClientOperation.What {
    let create = ClientOperation.What.create(SimulatedEvent.definition(event.shard, id: event.id))
    let seat = SeatIndex(UInt32(world.draw(0...(SimulatedEvent.seatCount - 1))))
    let hold = ClientOperation.What.hold(event, [seat], places: world.random.chance(50) ? 1 : 0, ttl: 0)
    guard isThere != false else { return world.random.chance(30) ? hold : create }
    switch world.draw(0...9) {
    case 0...5: return hold
    case 6:
      deletions += 1
      return .delete(event, isForced: false)
    default:
      deletions += 1
      return .delete(event, isForced: true)
    }
  }

  /// What is wrong with an answer, in words; nil: nothing.
  mutating func took(_ outcome: Outcome) -> String? {
    let before = isThere
    switch outcome {
    case .created:
      isThere = true
      return before == true ? "created again" : nil
    case .deleted:
      isThere = false
      return before == false ? "deleted again" : nil
    case .held, .refused(.eventExists), .refused(.eventInUse), .refused(.seatsTaken), .refused(.soldOut):
      isThere = true
      return before == false ? "there again" : nil
    case .refused(.noSuchEvent):
      isThere = false
      return before == true ? "not there any more" : nil
    case .refused, .termsSet, .blocked, .heldBest, .released, .extended, .checkedOut, .order, .place, .queue,
      .placeGivenUp, .noted:
      return nil
    }
  }
}
