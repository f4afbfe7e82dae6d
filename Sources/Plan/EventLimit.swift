public import Octets

/// How large an event may be: more is refused with `too_many`, before memory is spent on it. A decoder of what was
/// already accepted has limits of its own (`EventDefinition.Limit`).
///
/// What a search, a seat map or an index does for an event grows with these; at the limits each takes a loop a few
/// milliseconds.
public enum EventLimit: Sendable {
  case seats, rows, sections, categories, areas, notForSale

  public var value: Int {
    switch self {
    case .seats: 10_000_000
    case .rows: 100_000
    // Each section of the short form may have a category of its own.
    case .sections, .categories: 10_000
    // Every change of an event tells every router what is left of each area.
    case .areas: 1_000
    // A primary closes them one by one when the event is created. Whole sections are closed by a category without a
    // price.
    case .notForSale: 100_000
    }
  }

  /// As the API writes it, in `limit_name`.
  public var name: StaticName {
    switch self {
    case .seats: "seats"
    case .rows: "rows"
    case .sections: "sections"
    case .categories: "categories"
    case .areas: "areas"
    case .notForSale: "not_for_sale"
    }
  }

  /// For people.
  public var detail: String {
    self == .notForSale
      ? "an event has at most \(value) seats in not_for_sale; a category without a price closes all of its seats"
      : "an event has at most \(value) \(name.description)"
  }
}
