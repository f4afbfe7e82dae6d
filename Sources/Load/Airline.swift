/// The transactions of the SEATS benchmark (H-Store, OLTP-Bench) that are about seats, in its proportions to each
/// other.
enum AirlineTransaction: String, CaseIterable {
  case findOpenSeats = "FindOpenSeats"
  case newReservation = "NewReservation"
  case updateReservation = "UpdateReservation"
  case deleteReservation = "DeleteReservation"

  static func draw(_ random: inout LoadRandom) -> Self {
    switch random.below(80) {
    case 0..<35: return .findOpenSeats
    case 35..<55: return .newReservation
    case 55..<70: return .updateReservation
    default: return .deleteReservation
    }
  }
}

/// A customer of the airline: remembers some open seats that it saw and the reservations that it made.
///
/// A transaction for which it knows nothing yet (no open seat, no reservation) becomes a look at the open seats.
struct AirlineCustomer {
  private struct Reservation {
    var event: Int
    var seat: Int
    var subject: [UInt8]
  }
  private enum Step {
    case look(event: Int)
    case reserve(event: Int, seat: Int)
    /// At a service that moves a reservation at once.
    case move(Reservation, to: Int)
    /// Elsewhere: the new seat is held first, then the old one let go, so that a buyer is never without.
    case takeNew(Reservation, to: Int)
    case letGoOld
    case delete
  }

  private static let candidatesMax = 4
  private static let reservationsMax = 1_024

  let ledger: AirlineLedger
  let movesAtOnce: Bool
  private var candidates: [(event: Int, seat: Int)] = []
  private var reservations: [Reservation] = []
  private var step: Step?
  private var transaction = AirlineTransaction.findOpenSeats

  init(ledger: AirlineLedger, movesAtOnce: Bool) {
    (self.ledger, self.movesAtOnce) = (ledger, movesAtOnce)
  }

  /// What to ask for, and the subject that it is about.
  mutating func next(_ random: inout LoadRandom) -> (action: Action, subject: [UInt8]) {
    if case .takeNew(let old, _)? = step {
      // Only a new seat that was got leaves this step in place.
      step = .letGoOld
      ledger.freed(old.event, old.seat)
      return (.release, old.subject)
    }
    transaction = AirlineTransaction.draw(&random)
    switch transaction {
    case .newReservation where !candidates.isEmpty && reservations.count < Self.reservationsMax:
      let wanted = candidates.removeLast()
      step = .reserve(event: wanted.event, seat: wanted.seat)
      return (.hold(event: wanted.event, seats: [wanted.seat], buyer: random.next() >> 24), [])
    case .updateReservation where !reservations.isEmpty:
      let old = removeOne(&random)
      let seat = random.below(ledger.seats)
      guard movesAtOnce else {
        step = .takeNew(old, to: seat)
        return (.hold(event: old.event, seats: [seat], buyer: random.next() >> 24), [])
      }
      step = .move(old, to: seat)
      ledger.freed(old.event, old.seat)
      return (.move(seat: seat), old.subject)
    case .deleteReservation where !reservations.isEmpty,
      .newReservation where reservations.count == Self.reservationsMax:
      transaction = .deleteReservation
      let old = removeOne(&random)
      step = .delete
      ledger.freed(old.event, old.seat)
      return (.release, old.subject)
    case .findOpenSeats, .newReservation, .updateReservation, .deleteReservation:
      transaction = .findOpenSeats
      let event = ledger.drawEvent(&random)
      step = .look(event: event)
      return (.browse(event: event), [])
    }
  }

  mutating func heard(_ reply: LoadReply, _ random: inout LoadRandom) {
    let isYes = reply.kind == .ok
    let now = step
    step = nil
    switch now {
    case .look(let event):
      if isYes { remember(reply.seatMap, of: event, &random) }
    case .reserve(let event, let seat):
      if isYes { got(Reservation(event: event, seat: seat, subject: reply.subject)) }
    case .move(let old, let seat):
      if isYes {
        got(Reservation(event: old.event, seat: seat, subject: reply.subject))
      } else {
        // Nobody can have got the old seat: it was never let go.
        got(old)
      }
    case .takeNew(let old, let seat):
      if isYes {
        got(Reservation(event: old.event, seat: seat, subject: reply.subject))
        // The transaction goes on with the old seat.
        step = now
        return
      }
      reservations.append(old)
    case .letGoOld, .delete: break
    case nil: return
    }
    ledger.finished(transaction, isYes)
  }

  private mutating func removeOne(_ random: inout LoadRandom) -> Reservation {
    reservations.swapAt(random.below(reservations.count), reservations.count - 1)
    return reservations.removeLast()
  }

  private mutating func got(_ reservation: Reservation) {
    ledger.taken(reservation.event, reservation.seat)
    reservations.append(reservation)
  }

  private mutating func remember(_ map: [UInt8], of event: Int, _ random: inout LoadRandom) {
    candidates.removeAll(keepingCapacity: true)
    guard !map.isEmpty else { return }
    for _ in 0..<Self.candidatesMax {
      let start = random.below(map.count)
      let open = (0..<map.count).lazy.map { (start + $0) % map.count }.first { map[$0] == UInt8(ascii: ".") }
      guard let open else { return }
      candidates.append((event, open))
    }
  }
}

/// What the customers of one worker were told, seat by seat: sees a seat that two of them got. Lives on its worker's
/// loop.
final class AirlineLedger {
  let seats: Int
  /// Sums of the events' weights: an event is drawn in proportion to its own.
  private let sums: [Int]
  private var owned: [Bool]
  /// How many acknowledged reservations were of a seat that an acknowledged reservation already had.
  private(set) var doubled: UInt64 = 0
  private(set) var done: [AirlineTransaction: UInt64] = [:]
  private(set) var refused: [AirlineTransaction: UInt64] = [:]
  /// Transactions that end after the run's time do not count.
  var isOver = false

  /// `weights` may be shorter than `events`: the rest weigh 1.
  init(events: Int, seats: Int, weights: [Int]) {
    self.seats = seats
    var sum = 0
    sums = (0..<events).map { index in
      sum += index < weights.count ? weights[index] : 1
      return sum
    }
    owned = [Bool](repeating: false, count: events * seats)
  }

  var ownedCount: Int { owned.lazy.filter { $0 }.count }

  func drawEvent(_ random: inout LoadRandom) -> Int {
    let point = random.below(sums[sums.count - 1])
    var (low, high) = (0, sums.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > point { high = middle } else { low = middle + 1 }
    }
    return low
  }

  func taken(_ event: Int, _ seat: Int) {
    let place = event * seats + seat
    if owned[place] { doubled += 1 }
    owned[place] = true
  }

  /// Said when a release is sent: from then on somebody else may have the seat.
  func freed(_ event: Int, _ seat: Int) { owned[event * seats + seat] = false }

  func finished(_ transaction: AirlineTransaction, _ isYes: Bool) {
    guard !isOver else { return }
    if isYes { done[transaction, default: 0] += 1 } else { refused[transaction, default: 0] += 1 }
  }
}
