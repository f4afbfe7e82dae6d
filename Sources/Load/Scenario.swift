/// Which work the load tool does.
public enum Scenario: String, Sendable, CaseIterable {
  /// Everybody wants the first seat of one event.
  case hotSeat = "hot-seat"
  /// Random seats of one event.
  case hotEvent = "hot-event"
  /// Random seats of random events.
  case manyEvents = "many-events"
  /// Look at the seats, hold two, then buy them (7 in 10) or let them go.
  case browseAndBuy = "browse-and-buy"
  /// The SEATS benchmark's transactions about seats: an event is a flight.
  case airline

  /// Whether it works on more than the first event.
  var hasManyEvents: Bool { self == .manyEvents || self == .browseAndBuy || self == .airline }
}

/// What a buyer does next.
enum Action: Equatable {
  case createEvent(Int)
  case browse(event: Int)
  case hold(event: Int, seats: [Int], buyer: UInt64)
  case checkout
  case confirm
  case release
  /// The reservation goes to another seat of its flight, or stays.
  case move(seat: Int)
}

/// What came of an action.
enum ReplyKind: Equatable {
  case ok
  /// A decision of the service: the seat is taken, the hold has ended.
  case refused
  /// Anything else.
  case error
}

/// What was said in reply.
struct LoadReply {
  var kind: ReplyKind
  /// The first word of an error, the code of a refusal.
  var word: String
  /// The hold's or the order's id, if the reply names one.
  var subject: [UInt8]
  /// The answer to `browse`, one character a seat, where it was asked for.
  var seatMap: [UInt8] = []
}

/// One buyer after another, in one place of one connection. Decides what to ask next from what came of the last.
struct Buyer {
  let scenario: Scenario
  let events: Int
  let seats: Int
  var random: LoadRandom
  private(set) var event = 0
  /// The id that the next action is about.
  private(set) var subject: [UInt8] = []
  private var last: Action?
  /// In the airline's scenario: who decides.
  private var customer: AirlineCustomer?

  init(scenario: Scenario, events: Int, seats: Int, customer: AirlineCustomer?, seed: UInt64) {
    (self.scenario, self.events, self.seats, self.customer) = (scenario, events, seats, customer)
    random = LoadRandom(state: seed)
  }

  mutating func next() -> Action {
    let action = decide()
    last = action
    return action
  }

  private mutating func decide() -> Action {
    switch scenario {
    case .hotSeat: return .hold(event: 0, seats: [0], buyer: random.next() >> 24)
    case .hotEvent: return .hold(event: 0, seats: [random.below(seats)], buyer: random.next() >> 24)
    case .manyEvents:
      event = random.below(events)
      return .hold(event: event, seats: [random.below(seats)], buyer: random.next() >> 24)
    case .airline:
      guard let next = customer?.next(&random) else { preconditionFailure("the airline's scenario has customers") }
      subject = next.subject
      return next.action
    case .browseAndBuy:
      switch last {
      case .browse:
        let first = random.below(max(1, seats - 1))
        return .hold(event: event, seats: seats > 1 ? [first, first + 1] : [0], buyer: random.next() >> 24)
      case .hold where !subject.isEmpty: return random.below(10) < 7 ? .checkout : .release
      case .checkout where !subject.isEmpty: return .confirm
      case .createEvent, .hold, .checkout, .confirm, .release, .move, nil:
        event = random.below(events)
        return .browse(event: event)
      }
    }
  }

  mutating func heard(_ reply: LoadReply) {
    customer?.heard(reply, &random)
    subject = reply.kind == .ok ? reply.subject : []
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct LoadRandom {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// 0 up to `bound`, which must be positive.
  mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }
}
