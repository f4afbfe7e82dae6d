package import Budgets
package import Octets
package import Plan
package import Proto
import Synchronization
package import Threads
import Time

/// One life of one event, as a router knows it: the definition, whose plan never changes, the index of its labels, and
/// the copy of its seats' states. Shared by the process's loops.
package final class EventEntry: Sendable {
  package let id: Bytes
  package let ref: EventRef
  package let shard: ShardID
  /// As the event was created.
  package let definition: EventDefinition
  private let latest: Lock<LatestTerms>
  package let index: PlanIndex
  /// The copy that fresh reads are served from.
  package let copy: SeatCopy
  private let rendered = Lock<RenderedPlan?>(nil)
  private let surroundings: EventSurroundings

  /// About what definition and index take, what the copy's map would, and the body of the plan. In bytes.
  let baseBytes: Int
  let mapBytes: Int
  let planBytes: Int
  private let lastUse = Atomic<Int64>(0)
  private let wasDropped = Atomic<Bool>(false)
  private let reservedPlan = Atomic<Int>(0)

  /// The terms that this process heard of last.
  private struct LatestTerms {
    var version: UInt64
    /// nil: those of the creation.
    var terms: EventTerms?
  }

  /// The body of the plan, and the version of the terms that it says.
  private struct RenderedPlan {
    var body: SharedBody
    var termsVersion: UInt64
  }

  package init(_ info: EventInfo, shard: ShardID, surroundings: EventSurroundings = EventSurroundings()) {
    id = info.definition.id
    ref = info.ref
    self.shard = shard
    self.surroundings = surroundings
    definition = info.definition
    latest = Lock(LatestTerms(version: info.availability.terms, terms: info.terms))
    index = PlanIndex(info.definition)
    copy = SeatCopy(ref: info.ref, outputBudget: surroundings.outputBudget)
    let (listedSeats, words) = info.definition.listedSize
    baseBytes = 4_096 + listedSeats * 190 + words
    mapBytes = SeatMapBody.byteCount(info.definition, seatCount: index.seatCount)
    planBytes = 4_096 + listedSeats * 100 + words
  }

  deinit {
    // A listed seat is two small arrays: a large plan is let go of where there is time.
    guard definition.isLarge, let elsewhere = surroundings.elsewhere else { return }
    let definition = definition
    elsewhere.runAnyway { _ = definition.sections.count }
  }

  // MARK: Terms

  /// The event's version when the terms known here came about; 0: they are those of its creation.
  package var termsVersion: UInt64 { latest.withLock { $0.version } }

  /// The terms known here, and the definition with them.
  package var current: (definition: EventDefinition, isPaused: Bool) {
    guard let terms = latest.withLock({ $0.terms }) else { return (definition, false) }
    return (definition.with(terms), terms.isPaused)
  }

  /// Takes over terms that a node said, unless newer ones are known. False: they are not of this event.
  func adopt(_ terms: EventTerms, version: UInt64) -> Bool {
    guard definition.fits(terms) else { return false }
    latest.withLock { latest in
      if version > latest.version { latest = LatestTerms(version: version, terms: terms) }
    }
    return true
  }

  // MARK: Use

  /// When it was last used, monotonic; to half a second.
  var usedAt: MonotonicTime { MonotonicTime(lastUse.load(ordering: .relaxed)) }

  @inline(__always) func use(now: MonotonicTime) {
    if now &- usedAt > 500 { lastUse.store(now.rawValue, ordering: .relaxed) }
  }

  /// The directory has let go of it.
  var isDropped: Bool { wasDropped.load(ordering: .relaxed) }
  func setDropped() { wasDropped.store(true, ordering: .relaxed) }

  /// What the directory counts for the plan's body; under its lock.
  var planReserved: Int {
    get { reservedPlan.load(ordering: .relaxed) }
    set { reservedPlan.store(newValue, ordering: .relaxed) }
  }

  package var seatCount: Int { index.seatCount }
  /// Bytes of a node's answer with the counts and so many seats.
  func answerBytes(seats: Int) -> Int {
    Query.answerBytes(seats: seats, categories: definition.categories.count, areas: definition.areas.count)
  }

  /// The seat that the caller means by a label or by `#n`.
  func seat(_ label: RawSpan) -> SeatIndex? { index.seat(label) }
  func area(_ name: RawSpan) -> AreaIndex? { index.area(name) }
  func category(_ name: RawSpan) -> CategoryIndex? { index.category(name) }

  package func areaName(_ area: AreaIndex) -> Bytes? {
    let place = Int(area.rawValue)
    return place < definition.areas.count ? definition.areas[place].name : nil
  }

  func categoryName(_ category: CategoryIndex) -> Bytes? {
    let place = Int(category.rawValue)
    return place < definition.categories.count ? definition.categories[place].name : nil
  }

  /// Whether what a node says about the event can be: numbers are checked before they are used as indexes.
  func fits(_ counts: Availability) -> Bool {
    counts.categories.count == definition.categories.count && counts.areas.count == definition.areas.count
  }

  func fits(_ seats: [SeatIndex]) -> Bool { seats.allSatisfy { $0.rawValue < seatCount } }

  func fits(_ info: HoldInfo) -> Bool {
    fits(info.seats) && info.areas.allSatisfy { $0.area.rawValue < definition.areas.count }
  }

  /// The body of `GET …/plan`, made on first use and kept until the directory drops it.
  package func planBody() -> SharedBody {
    if let body = planBodyIfMade { return body }
    let version = termsVersion
    // Outside the lock: whoever only wants to know whether it is there must not wait for it.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(planBytes)
    PlanDocument.write(current.definition, into: &bytes)
    let fresh = SharedBody(bytes)
    return rendered.withLock { plan in
      if let plan, plan.termsVersion >= version { return plan.body }
      plan?.body.retire(to: surroundings.outputBudget)
      plan = RenderedPlan(body: fresh, termsVersion: version)
      return fresh
    }
  }

  /// nil: there is none with the terms known here.
  var planBodyIfMade: SharedBody? {
    let version = termsVersion
    return rendered.withLock { plan in plan.flatMap { $0.termsVersion >= version ? $0.body : nil } }
  }

  /// False: there is none.
  func dropPlanBody() -> Bool {
    rendered.withLock { plan in
      guard let dropped = plan else { return false }
      dropped.body.retire(to: surroundings.outputBudget)
      plan = nil
      return true
    }
  }
}

/// What entries need of the process around them; a simulated one has none of it.
package struct EventSurroundings: Sendable {
  /// Counts pieces of bodies that are being sent while their owner has let go of them.
  var outputBudget: MemoryBudget?
  /// For what takes longer than a loop's turn.
  var elsewhere: Worker?

  package init() {}
  package init(outputBudget: MemoryBudget, elsewhere: Worker) {
    (self.outputBudget, self.elsewhere) = (outputBudget, elsewhere)
  }
}

extension EventDefinition {
  /// Too much to index within a loop's turn.
  package var isLarge: Bool {
    let (seats, words) = listedSize
    return seats > 5_000 || words > 256 << 10
  }

  /// Listed seats, and about what all the rest takes, in bytes.
  var listedSize: (seats: Int, otherBytes: Int) {
    var (seats, rows) = (0, 0)
    for section in sections {
      guard case .listed(let listed) = section.rows else { continue }
      rows += listed.count
      for row in listed { seats += row.seats.count }
    }
    return (seats, rows * 160 + (sections.count + categories.count + areas.count) * 320 + notForSale.count * 8)
  }

  /// Counts before anything was held: what an event is created with.
  func initialAvailability() -> Availability {
    var categories = Array(repeating: Counts(), count: self.categories.count)
    var closed = notForSale[...]
    var seat = 0
    func add(_ category: CategoryIndex, _ count: Int) {
      var closedHere = 0
      while let first = closed.first, Int(first.rawValue) < seat + count {
        closedHere += 1
        closed = closed.dropFirst()
      }
      let place = Int(category.rawValue)
      if self.categories[place].price == nil { closedHere = count }
      categories[place].notForSale += UInt32(closedHere)
      categories[place].free += UInt32(count - closedHere)
      seat += count
    }
    for section in sections {
      switch section.rows {
      case .grid(let rows, let seatsPerRow, let category): add(category, Int(rows) * Int(seatsPerRow))
      case .listed(let rows): for row in rows { for entry in row.seats { add(entry.category, 1) } }
      }
    }
    return Availability(
      categories: categories,
      areas: areas.map { $0.price == nil ? Counts(notForSale: $0.capacity) : Counts(free: $0.capacity) })
  }
}
