public import Octets
public import Time

/// An event as it was created. What may change later is in its `EventTerms`, all else never changes. Seats are numbered
/// across sections and rows in the order they stand here; the number is all that commands, the log and the inventory
/// use. Labels are for people and are translated at the door.
public struct EventDefinition: Equatable, Sendable {
  /// What a seat costs and what it is called by buyers who do not pick one.
  public struct Category: Equatable, Sendable {
    public var name: Bytes
    /// Minor units of the event's currency; nil: its seats are not for sale.
    public var price: Int64?
    /// As the plan gave it (`#7f4a91`), or empty.
    public var color: Bytes
    public init(name: Bytes, price: Int64?, color: Bytes = "") {
      (self.name, self.price, self.color) = (name, price, color)
    }
  }

  public struct Section: Equatable, Sendable {
    public var name: Bytes
    public var rows: Rows
    /// Of listed rows: how they stand; empty: as listed, each row from its first seat to its last, the first in front.
    public var lines: [SeatLine]
    public init(name: Bytes, rows: Rows, lines: [SeatLine] = []) {
      (self.name, self.rows, self.lines) = (name, rows, lines)
    }
  }

  public enum Rows: Equatable, Sendable {
    /// The short form: equal rows A, B, …, Z, AA, …, seats from 1, one category.
    case grid(rows: UInt32, seatsPerRow: UInt32, category: CategoryIndex)
    /// A plan's rows as they are.
    case listed([Row])
  }

  public struct Row: Equatable, Sendable {
    public var name: Bytes
    public var seats: [Seat]
    public init(name: Bytes, seats: [Seat]) { (self.name, self.seats) = (name, seats) }
  }

  public struct Seat: Equatable, Sendable {
    /// What the seat is called (pretix: `seat_guid`); unique in the event.
    public var label: Bytes
    /// What stands on it (pretix: `seat_number`).
    public var number: Bytes
    public var category: CategoryIndex
    /// Place in the plan's own units, for drawing.
    public var x: Float
    public var y: Float
    public init(label: Bytes, number: Bytes, category: CategoryIndex, x: Float, y: Float) {
      (self.label, self.number, self.category, self.x, self.y) = (label, number, category, x, y)
    }
  }

  /// General admission: places without seats.
  public struct Area: Equatable, Sendable {
    public var name: Bytes
    public var capacity: UInt32
    /// Minor units of the event's currency, for one place; nil: its places are not for sale.
    public var price: Int64?
    public init(name: Bytes, capacity: UInt32, price: Int64?) {
      (self.name, self.capacity, self.price) = (name, capacity, price)
    }
  }

  /// A plan's extent in its own units, for drawing.
  public struct Size: Equatable, Sendable {
    public var width: Float
    public var height: Float
    public init(width: Float, height: Float) { (self.width, self.height) = (width, height) }
  }

  public var id: Bytes
  public var name: Bytes
  public var venue: Bytes?
  public var startsAt: Stamp?
  /// Before this, holds are refused with `not_on_sale`; nil: on sale at once.
  public var onSaleAt: Stamp?
  /// ISO 4217, three letters.
  public var currency: Bytes
  /// Seconds, 1 to 86,400.
  public var holdTTL: UInt32
  /// Seconds, `holdTTL` to 86,400: the longest time that a caller may ask for.
  public var maxHoldTTL: UInt32
  /// Seconds, 60 to 86,400.
  public var paymentTTL: UInt32
  /// Seats and places in one hold; nil: no limit.
  public var maxPerOrder: UInt32?
  /// Seats and places of one buyer in living holds and orders together; nil: no limit.
  public var maxPerBuyer: UInt32?
  public var categories: [Category]
  public var sections: [Section]
  public var areas: [Area]
  /// Seats that are never sold, ascending, each once.
  public var notForSale: [SeatIndex]
  /// As the plan gave it.
  public var size: Size?
  /// nil: holds need no pass.
  public var waitingRoom: WaitingRoom?

  /// - Parameter maxHoldTTL: nil: `holdTTL`.
  public init(
    id: Bytes, name: Bytes, venue: Bytes? = nil, startsAt: Stamp? = nil, onSaleAt: Stamp? = nil,
    currency: Bytes = "EUR", holdTTL: UInt32 = 600, maxHoldTTL: UInt32? = nil, paymentTTL: UInt32 = 900,
    maxPerOrder: UInt32? = nil, maxPerBuyer: UInt32? = nil, categories: [Category], sections: [Section],
    areas: [Area] = [],
    notForSale: [SeatIndex] = [], size: Size? = nil, waitingRoom: WaitingRoom? = nil
  ) {
    (self.id, self.name, self.venue, self.startsAt, self.onSaleAt) = (id, name, venue, startsAt, onSaleAt)
    (self.currency, self.holdTTL, self.paymentTTL) = (currency, holdTTL, paymentTTL)
    self.maxHoldTTL = maxHoldTTL ?? holdTTL
    (self.maxPerOrder, self.maxPerBuyer) = (maxPerOrder, maxPerBuyer)
    (self.categories, self.sections, self.areas, self.notForSale) = (categories, sections, areas, notForSale)
    (self.size, self.waitingRoom) = (size, waitingRoom)
  }

  /// Seats in all sections together.
  public var seatCount: Int {
    sections.reduce(0) { sum, section in
      switch section.rows {
      case .grid(let rows, let seatsPerRow, _): sum + Int(rows) * Int(seatsPerRow)
      case .listed(let rows): rows.reduce(sum) { $0 + $1.seats.count }
      }
    }
  }
}

extension EventDefinition {
  /// The limits that the decoder enforces. What fits them may still be refused by the rules of the API.
  public enum Limit {
    public static let seats = 10_000_000
    public static let sections = 65_535
    public static let rows = 10_000_000
    public static let categories = 65_535
    public static let areas = 65_535
    /// Bytes of an encoded definition.
    public static let encodedBytes = 48 << 20
  }
}
