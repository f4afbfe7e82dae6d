import Digests
import Octets
import Proto
import Time

/// An event's waiting room: who is in the queue, in what order, and who may come in. Replicated state.
///
/// Places are numbered by their joins, which the shard's log puts in order. Nothing is sorted when the draw is made: a
/// permutation (`Draw`) says where each join stands. A place costs its buyer's name and one byte, a word for where the
/// name is, and its entry in the index of buyers.
struct Room: Sendable {
  /// The draw's secret, and the key that places' ids follow from.
  struct Keys: Equatable, Sendable {
    var secret: Digest256
    var placeKey: Digest256
  }

  /// A place that was called, or is inside.
  struct Active: Equatable, Sendable {
    var calledAt: Stamp
    /// Until when the pass must be taken, or is good.
    var until: Stamp
  }

  struct Due: Comparable, Sendable {
    var stamp: Stamp
    var join: UInt32
    static func < (a: Due, b: Due) -> Bool { (a.stamp, a.join) < (b.stamp, b.join) }
  }

  /// How far calls had come at a time.
  struct Milestone: Equatable, Sendable {
    var stamp: Stamp
    var position: UInt32
  }

  let slot: UInt32
  let incarnation: UInt64
  /// How often it was emptied.
  var round: UInt16 = 0
  /// nil: it has not opened yet.
  var keys: Keys?
  /// Over the ids of all places in the order of their joins: each is hashed behind the chain of those before it.
  var chain = Digest256.zero
  /// nil: it has not started yet.
  var draw: Draw?
  /// The first position that was neither called nor passed over.
  var nextPosition: UInt32 = 0
  /// How many ever got a pass.
  var admitted: UInt32 = 0
  /// Calls that came to nothing: they count back into the rate.
  var unclaimed: UInt32 = 0
  var isPaused = false
  var isDrained = false
  var message = Bytes()
  /// Oldest first, at least `milestoneEvery` apart.
  var milestones: [Milestone] = []

  /// By join: where in `names` its buyer begins, one byte with the length and then so many; and its state.
  private(set) var nameAt = PagedArray<UInt32>()
  private(set) var states = PagedArray<UInt8>()
  private var names = PagedArray<UInt8>()
  /// Places that were not left, by buyer.
  private var index = HashIndex()
  private let salt: UInt64
  /// By join.
  private(set) var active: [UInt32: Active] = [:]
  /// What has no such deadline any more is skipped when it comes.
  private var deadlines = MinHeap<Due>()
  /// Places by state.
  private(set) var counts = [UInt32](repeating: 0, count: PlaceState.allCases.count)
  /// What its places add to the digest.
  private(set) var placesTerm: UInt64 = 0

  static let joinsMax: UInt32 = 1 << 28
  static let messageBytesMax = 255
  static let milestonesMax = 13
  static let milestoneEvery: Milliseconds = 10_000

  init(slot: UInt32, incarnation: UInt64, salt: UInt64) {
    (self.slot, self.incarnation, self.salt) = (slot, incarnation, salt)
  }

  var joined: UInt32 { UInt32(states.count) }
  var isFull: Bool { joined >= Self.joinsMax || names.count > Int(UInt32.max) - 256 }
  var bytes: Int { nameAt.bytes + states.bytes + names.bytes + index.bytes + active.count * 48 }

  func count(_ state: PlaceState) -> UInt32 { counts[Int(state.rawValue)] }

  /// Places that may still be called.
  var waiting: UInt32 { count(.waiting) + count(.passedOver) }

  // MARK: Places

  func state(_ join: UInt32) -> PlaceState { PlaceState(rawValue: states[Int(join)]) ?? .left }

  func buyer(_ join: UInt32) -> Bytes {
    let at = Int(nameAt[Int(join)])
    var name: [UInt8] = []
    let count = Int(names[at])
    name.reserveCapacity(count)
    for place in 0..<count { name.append(names[at + 1 + place]) }
    return Bytes(name)
  }

  func isBuyer(_ join: UInt32, _ buyer: RawSpan) -> Bool {
    let at = Int(nameAt[Int(join)])
    guard Int(names[at]) == buyer.byteCount else { return false }
    for place in 0..<buyer.byteCount {
      // Safe: `place` is below the count.
      let byte = unsafe buyer.unsafeLoad(fromUncheckedByteOffset: place, as: UInt8.self)
      if names[at + 1 + place] != byte { return false }
    }
    return true
  }

  /// The place that this buyer has; nil: none, or it was left.
  func find(_ buyer: RawSpan) -> UInt32? {
    var probe = index.probe(stableHash(buyer, seed: salt))
    while let join = index.next(&probe) { if isBuyer(join, buyer) { return join } }
    return nil
  }

  /// What an id's secret follows from: forty-eight bytes without a gap.
  private struct IDBlock: BitwiseCopyable {
    var key: Digest256
    var incarnation: UInt64
    var sequence: UInt64
  }

  func id(_ join: UInt32, shard: ShardID) -> PlaceID {
    let id = PlaceID(shard: shard, slot: slot, round: round, join: join, secret: 0)
    guard let keys else { return id }
    let block = IDBlock(
      key: keys.placeKey, incarnation: incarnation.littleEndian, sequence: id.sequence.littleEndian)
    return PlaceID(
      shard: shard, slot: slot, round: round, join: join, secret: UInt64(littleEndian: sha256(of: block).a))
  }

  /// What a link of the chain hashes: sixty-four bytes without a gap.
  private struct Link: BitwiseCopyable {
    var chain: Digest256
    var place: Digest256
  }

  /// Adds a place behind the last. The buyer has none.
  mutating func join(_ buyer: RawSpan, shard: ShardID) -> UInt32 {
    let join = joined
    append(buyer, .waiting)
    index.insert(stableHash(buyer, seed: salt), join)
    var text: [UInt8] = []
    id(join, shard: shard).write(into: &text)
    chain = sha256(of: Link(chain: chain, place: sha256(text.rawSpan)))
    placesTerm &+= placeTerm(join)
    return join
  }

  private mutating func append(_ buyer: RawSpan, _ state: PlaceState) {
    nameAt.append(UInt32(names.count))
    names.append(UInt8(truncatingIfNeeded: buyer.byteCount))
    for place in 0..<buyer.byteCount {
      // Safe: `place` is below the count.
      names.append(unsafe buyer.unsafeLoad(fromUncheckedByteOffset: place, as: UInt8.self))
    }
    states.append(state.rawValue)
    counts[Int(state.rawValue)] += 1
  }

  /// Adds a place that a snapshot says.
  mutating func restore(_ buyer: RawSpan, _ state: PlaceState, _ active: Active?) {
    let join = joined
    append(buyer, state)
    if state != .left { index.insert(stableHash(buyer, seed: salt), join) }
    if let active {
      self.active[join] = active
      deadlines.insert(Due(stamp: active.until, join: join))
    }
    placesTerm &+= placeTerm(join)
  }

  /// Where a place stands, from 0; nil: it is not drawn yet.
  func position(_ join: UInt32, _ order: WaitingRoom.Order) -> UInt32? {
    guard let draw else { return order == .fifo ? join : nil }
    return join < draw.count ? draw.position(of: join) : join
  }

  /// Who stands there; the room has started.
  func join(at position: UInt32) -> UInt32 {
    guard let draw, position < draw.count else { return position }
    return draw.join(at: position)
  }

  // MARK: What becomes of places

  private func placeTerm(_ join: UInt32) -> UInt64 {
    let deadlines = active[join]
    return term(
      .place, UInt64(slot) << 32 | UInt64(join), UInt64(states[Int(join)]),
      stableHash(buyer(join).rawSpan, seed: incarnation), UInt64(bitPattern: deadlines?.calledAt.rawValue ?? 0),
      UInt64(bitPattern: deadlines?.until.rawValue ?? 0))
  }

  private mutating func move(_ join: UInt32, to state: PlaceState, _ deadline: Active?) {
    placesTerm &-= placeTerm(join)
    counts[Int(states[Int(join)])] -= 1
    states[Int(join)] = state.rawValue
    counts[Int(state.rawValue)] += 1
    active[join] = deadline
    if let deadline { deadlines.insert(Due(stamp: deadline.until, join: join)) }
    placesTerm &+= placeTerm(join)
    if state == .left { index.remove(stableHash(buyer(join).rawSpan, seed: salt), join) }
  }

  /// Calls those who are named and wait, and passes over the others.
  mutating func call(_ calls: QueueCalls, claimTTL: UInt32, at now: Stamp) {
    for join in calls.called where join < joined && [.waiting, .passedOver].contains(state(join)) {
      move(join, to: .called, Active(calledAt: now, until: now + .seconds(claimTTL)))
    }
    for join in calls.passedOver where join < joined && state(join) == .waiting { move(join, to: .passedOver, nil) }
    nextPosition = max(nextPosition, min(calls.nextPosition, joined))
    guard !calls.called.isEmpty || !calls.passedOver.isEmpty else { return }
    if let last = milestones.last, now - last.stamp < Self.milestoneEvery { return }
    milestones.append(Milestone(stamp: now, position: nextPosition))
    if milestones.count > Self.milestonesMax { milestones.removeFirst() }
  }

  /// Gives a pass to who was called; nothing changes for others.
  mutating func claim(_ join: UInt32, passTTL: UInt32, at now: Stamp) {
    guard state(join) == .called, let call = active[join], call.until > now else { return }
    admitted += 1
    move(join, to: .inside, Active(calledAt: call.calledAt, until: now + .seconds(passTTL)))
  }

  mutating func leave(_ join: UInt32) {
    if state(join) == .called { unclaimed &+= 1 }
    move(join, to: .left, nil)
  }

  /// Ends what is due: a call that was not taken passes the place over, a pass that ran out ends it.
  mutating func end(by now: Stamp) {
    while let due = deadlines.first, due.stamp <= now {
      _ = deadlines.removeFirst()
      guard let present = active[due.join], present.until == due.stamp else { continue }
      switch state(due.join) {
      case .called:
        unclaimed &+= 1
        move(due.join, to: .passedOver, nil)
      case .inside: move(due.join, to: .left, nil)
      case .waiting, .passedOver, .left: preconditionFailure("only who was called has a deadline")
      }
    }
  }

  /// The first deadline of somebody who was called; an old one of somebody who is gone counts as well.
  var firstDeadline: Stamp? { deadlines.first?.stamp }

  mutating func start(_ order: WaitingRoom.Order) {
    guard let keys, draw == nil else { return }
    draw = Draw(seed: hmacSHA256(key: keys.secret, chain), count: order == .shuffle ? joined : 0)
  }

  /// Everybody is sent away; it will open anew.
  mutating func reset() {
    let round = round
    self = Room(slot: slot, incarnation: incarnation, salt: salt)
    self.round = round &+ 1
  }

  // MARK: The digest

  /// All that is not in a place.
  private var scalarTerm: UInt64 {
    var hash = mix64(UInt64(round) << 32 | UInt64(nextPosition))
    for word in [keys?.secret.a ?? 1, keys?.placeKey.a ?? 1, chain.a, chain.d, draw?.seed.a ?? 1] {
      hash = mix64(hash ^ word)
    }
    hash = mix64(hash ^ UInt64(draw?.count ?? .max) << 32 ^ UInt64(admitted))
    hash = mix64(hash ^ UInt64(unclaimed) << 8 ^ (isPaused ? 1 : 0) ^ (isDrained ? 2 : 0))
    hash = mix64(hash ^ stableHash(message.rawSpan))
    for milestone in milestones {
      hash = mix64(hash ^ UInt64(bitPattern: milestone.stamp.rawValue) ^ UInt64(milestone.position) << 44)
    }
    return term(.room, UInt64(slot), hash)
  }

  /// What the room adds to the digest.
  var digestTerm: UInt64 { placesTerm &+ scalarTerm }

  mutating func change<Result>(_ digest: inout UInt64, _ body: (inout Room) -> Result) -> Result {
    digest &-= digestTerm
    defer { digest &+= digestTerm }
    return body(&self)
  }
}
