import Octets
import Proto

/// Sentences about a new event for who creates it: what was taken as it is, and may not be meant.
enum EventWarnings {
  /// - Parameter plan: what the sections were made of, if it was a plan.
  static func all(_ event: EventDefinition, _ plan: PretixPlan?) -> [String] {
    var warnings = notForSale(event, plan?.uncategorised?.category)
    if let none = plan?.uncategorised {
      let category = event.categories[Int(none.category.rawValue)]
      if category.price == nil {
        warnings.insert(
          "not for sale, because the plan defines no category for \(none.seats.count == 1 ? "it" : "them"): "
            + "\(none.seats.text); a price of '\(category.name)' sells \(none.seats.count == 1 ? "it" : "them")",
          at: 0)
      }
    }
    if let renamed = plan?.renamed, !renamed.isEmpty {
      warnings.append("zones of one name were told apart; new names: \(renamed.text)")
    }
    return warnings
  }

  /// What nobody can buy, because nobody said what it costs.
  ///
  /// - Parameter other: a category about which that is said otherwise.
  private static func notForSale(_ event: EventDefinition, _ other: CategoryIndex?) -> [String] {
    var seats = [Int](repeating: 0, count: event.categories.count)
    for section in event.sections {
      switch section.rows {
      case .grid(let rows, let seatsPerRow, let category):
        seats[Int(category.rawValue)] += Int(rows) * Int(seatsPerRow)
      case .listed(let rows):
        for row in rows { for seat in row.seats { seats[Int(seat.category.rawValue)] += 1 } }
      }
    }
    var unpriced = ListOfSome()
    var isSomethingClosed = false
    for (place, category) in event.categories.enumerated() where category.price == nil && seats[place] > 0 {
      isSomethingClosed = true
      if let other, Int(other.rawValue) == place { continue }
      unpriced.add { "\(category.name) (\(counted(seats[place], "seat")))" }
    }
    for area in event.areas where area.price == nil {
      unpriced.add { "\(area.name) (\(counted(Int(area.capacity), "place")))" }
    }
    if unpriced.isEmpty, !isSomethingClosed { return [] }
    let isSomethingSold =
      event.areas.contains { $0.price != nil }
      || event.categories.enumerated().contains { $0.element.price != nil && seats[$0.offset] > 0 }
    return (unpriced.isEmpty ? [] : ["not for sale: \(unpriced.text)"])
      + (isSomethingSold ? [] : ["nothing of this event is for sale: give prices, now or later"])
  }
}

/// The first of many things in words, and how many more there are: a list of any length makes a sentence that someone
/// reads.
struct ListOfSome {
  static let countMax = 20
  private(set) var count = 0
  private var texts: [String] = []

  var isEmpty: Bool { count == 0 }

  mutating func add(_ text: () -> String) {
    if count < Self.countMax { texts.append(text()) }
    count += 1
  }

  var text: String {
    let more = count - texts.count
    return texts.joined(separator: ", ") + (more > 0 ? ", and \(more) more" : "")
  }
}

/// `1 seat`, `4 seats`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
