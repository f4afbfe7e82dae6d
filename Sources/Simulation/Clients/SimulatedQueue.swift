import Octets
import Proto
import RouterCore
import Seeded
import Time

/// Buyers who wait in the queue of an event of their own: what they were told of their places must stay so, whatever
/// happens to nodes and routers. But for a few, none of them gives up a place, so that a place ends only where time
/// leaps.
final class SimulatedQueue {
  /// Who waits, and what that one knows.
  final class Visitor {
    let buyer: Bytes
    var place: PlaceID?
    var position: UInt32?
    var isInside = false
    /// The question that waits for an answer; older ones' answers count as well, but nobody waits for them.
    var asked = 0
    var isWaiting = false
    /// Until when it is away from the screen, in microseconds.
    var awayUntil = 0
    /// Gives its place up now and then, and comes again.
    let isFickle: Bool
    init(_ buyer: Bytes, isFickle: Bool) { (self.buyer, self.isFickle) = (buyer, isFickle) }
  }

  private unowned let world: World
  /// Of its own, so that runs without a queue are what they were.
  private var random: SeededRandom
  private let event: Bytes
  private let shard: ShardID
  private var isCreated = false
  private var isAsking = false
  private let visitors: [Visitor]
  private var owners: [UInt32: Bytes] = [:]
  private var standing: [UInt32: Bytes] = [:]
  private var commitment = Bytes()
  private var seed = Bytes()
  private var admitted: UInt32 = 0
  private(set) var done: Set<SimulatedCall> = []

  static let visitorCount = 24

  init(_ world: World, seed: UInt64) {
    self.world = world
    random = SeededRandom(seed: mix64(seed ^ 0x7175_6575_65))
    let id = Self.eventID
    (event, shard) = (id, ShardID.owning(event: id.rawSpan, shardCount: world.shardCount))
    visitors = (0..<Self.visitorCount).map { Visitor(Bytes("visitor-\($0)"), isFickle: $0 % 8 == 0) }
    act()
  }

  /// Everybody is inside: nobody was forgotten.
  var isServed: Bool { visitors.allSatisfy(\.isInside) }
  var summary: String {
    visitors.filter { !$0.isInside }.map { "\($0.buyer) at \($0.position.map { "\($0)" } ?? "?")" }
      .joined(separator: ", ")
  }

  static let eventID = Bytes("queue-0")
  /// Who comes within the first second and a half is drawn.
  static let room = WaitingRoom(
    startsAt: World.epoch + Milliseconds(1_500), admitPerMinute: 300, passTTL: 86_400, claimTTL: 5, leaveAfter: 5)

  private func act() {
    world.plan(after: Int.random(in: 20_000...120_000, using: &random) + world.standstillLeft) {
      [unowned self] world in
      act()
      guard world.clients.allSatisfy(\.isReady), !(world.isHealing && isServed) else { return }
      guard isCreated else {
        if !isAsking { create() }
        return
      }
      for visitor in visitors where !visitor.isWaiting && visitor.awayUntil <= world.time {
        guard world.isHealing || random.chance(15) else { continue }
        if !world.isHealing, random.chance(5) {
          visitor.awayUntil = world.time + Int.random(in: 1_000_000...12_000_000, using: &random)
          continue
        }
        want(visitor)
      }
    }
  }

  private func create() {
    isAsking = true
    // An answer that is lost is not waited for.
    world.plan(after: 3_000_000) { [unowned self] _ in isAsking = false }
    ask(.createEvent(NewEvent(SimulatedEvent.definition(shard, id: event))), key: "queue") { [unowned self] result in
      isAsking = false
      if case .created = result { isCreated = true }
      if case .refused(.eventExists) = result { isCreated = true }
    }
  }

  private func want(_ visitor: Visitor) {
    guard let place = visitor.place else { return join(visitor) }
    if visitor.isFickle, !world.isHealing, random.chance(20) { return leave(visitor, place) }
    if random.chance(1) { control() }
    // Twice the same question now and then: a join must find its place again.
    if random.chance(10) { return join(visitor) }
    if visitor.isInside, random.chance(50) { return hold(visitor, place) }
    ask(.place(place), of: visitor) { [unowned self] in took($0, visitor, "asked for its place") }
  }

  private func leave(_ visitor: Visitor, _ place: PlaceID) {
    ask(.leavePlace(place), of: visitor) { [unowned self] result in
      if case .placeGivenUp = result {
        done.insert(.leavePlace)
        (visitor.place, visitor.position, visitor.isInside) = (nil, nil, false)
      }
    }
  }

  /// An operator pauses it, or lets it go on.
  private func control() {
    let action = world.isHealing || random.chance(60) ? QueueControl.Action.resume : .pause
    ask(.onQueue(event, .control(QueueControl(action: action)))) { [unowned self] result in
      if case .queue = result { done.insert(.controlQueue) }
    }
  }

  private func join(_ visitor: Visitor) {
    ask(.onQueue(event, .join(buyer: visitor.buyer)), of: visitor) { [unowned self] in took($0, visitor, "joined") }
  }

  /// With its pass, with nobody's, or with another's.
  private func hold(_ visitor: Visitor, _ place: PlaceID) {
    let other = visitors.first { $0 !== visitor && $0.isInside }?.place
    let pass = [place, place, nil, other].randomElement(using: &random) ?? place
    let seat = SeatIndex(UInt32.random(in: 0..<UInt32(SimulatedEvent.seatCount), using: &random))
    let reservation = Reservation(
      event: event, buyer: visitor.buyer, ttl: 1, choice: .named(seats: [SimulatedEvent.label(seat)], areas: []),
      pass: pass)
    ask(.reserve(reservation), of: visitor) { [unowned self] result in
      if case .held = result, pass != place { wrong(visitor, "held a seat with another's pass, or none") }
      guard case .refused(let refusal) = result else { return }
      if refusal == .passRequired, pass != nil { wrong(visitor, "has a pass, and is asked for one") }
      if refusal == .passForeign, pass == place { wrong(visitor, "has a pass that is called another's") }
      if refusal == .passExpired, pass == place, !mayLose(visitor) {
        wrong(visitor, "has a pass that is called out of date")
      }
    }
  }

  private func wrong(_ visitor: Visitor, _ what: String) {
    world.fail("the waiting room", "\(visitor.buyer) \(what)")
  }

  private func took(_ result: CallResult, _ visitor: Visitor, _ did: String) {
    if case .place(let info) = result {
      done.formUnion([.joinQueue, .place])
      return check(info, visitor)
    }
    guard case .refused(let refusal) = result else { return wrong(visitor, "\(did), and was answered otherwise") }
    if [.unavailable, .unknown, .diskFull, .queueClosed(opensAt: nil)].contains(refusal) { return }
    guard refusal == .placeLeft, mayLose(visitor) else {
      return wrong(visitor, "\(did), and was refused: \(refusal)")
    }
    // It has been inside, if it did not go by itself.
    if visitor.isFickle { (visitor.place, visitor.position) = (nil, nil) } else { visitor.isInside = true }
  }

  /// Whether a place of it may have ended: it gave it up, perhaps without an answer, or its pass ran out where time
  /// leapt.
  private func mayLose(_ visitor: Visitor) -> Bool { visitor.isFickle || world.keysAreClients }

  private func check(_ info: PlaceInfo, _ visitor: Visitor) {
    if let place = visitor.place, place != info.place, !mayLose(visitor) {
      return wrong(visitor, "had \(place), and now has \(info.place)")
    }
    visitor.place = info.place
    if info.buyer != visitor.buyer { return wrong(visitor, "is told of \(info.buyer)'s place") }
    if let owner = owners.updateValue(visitor.buyer, forKey: info.place.join), owner != visitor.buyer {
      return wrong(visitor, "has the place of \(owner)")
    }
    if let position = info.position {
      if let before = visitor.position, before != position, !mayLose(visitor) {
        return wrong(visitor, "stood at \(before), and now stands at \(position)")
      }
      visitor.position = position
      if let owner = standing.updateValue(visitor.buyer, forKey: position), owner != visitor.buyer {
        return wrong(visitor, "stands where \(owner) stands")
      }
    }
    if info.state == .inside { visitor.isInside = true }
    if visitor.isInside, info.state != .inside, !mayLose(visitor) {
      return wrong(visitor, "was inside, and is \(info.state)")
    }
    if !commitment.isEmpty, info.queue.commitment != commitment { return wrong(visitor, "sees another commitment") }
    commitment = info.queue.commitment
    if !seed.isEmpty, !info.queue.seed.isEmpty, info.queue.seed != seed { return wrong(visitor, "sees another draw") }
    if !info.queue.seed.isEmpty { seed = info.queue.seed }
    let all = info.queue.waiting + info.queue.called + info.queue.inside
    if all > info.queue.joined { wrong(visitor, "sees \(all) places of \(info.queue.joined) joins") }
    if info.queue.admitted > info.queue.joined { wrong(visitor, "sees more passes than joins: somebody has two") }
  }

  // MARK: Asking

  private func ask(_ operation: Operation, of visitor: Visitor, _ took: @escaping (CallResult) -> Void) {
    visitor.asked += 1
    visitor.isWaiting = true
    let mine = visitor.asked
    func done() { if visitor.asked == mine { visitor.isWaiting = false } }
    world.plan(after: 3_000_000) { _ in done() }
    ask(operation) { result in
      done()
      took(result)
    }
  }

  /// Through any router that is up; what is lost on the way is lost.
  private func ask(_ operation: Operation, key: Bytes = "", _ took: @escaping (CallResult) -> Void) {
    guard let router = world.routers.filter(\.isUp).randomElement(using: &random),
      let loop = router.loops.randomElement(using: &random)
    else { return took(.refused(.unavailable)) }
    let life = router.life
    let (up, down) = (Pipe(), Pipe())
    world.network.send(on: up) { [unowned world] in
      guard router.life == life else { return }
      router.whileRunning {
        let owner = Question { result in world.network.send(on: down) { took(result) } }
        loop.engine.start(
          Call(
            operation, key: key, owner: owner, number: 0, deadline: loop.engine.deadline,
            startedAt: loop.engine.nowNanoseconds))
      }
    }
  }

  private final class Question: CallOwner {
    private let took: (CallResult) -> Void
    init(_ took: @escaping (CallResult) -> Void) { self.took = took }
    func ended(_ call: Call, with result: CallResult) { took(result) }
  }
}
