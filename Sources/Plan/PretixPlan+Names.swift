import Octets
import Proto

extension PretixPlan {
  /// Calls each section as its zone is called: by its name, else its id, else its place. The second zone of a name gets
  /// a number behind it. What the plan calls anything is taken first, so that no invented name is one of its own.
  mutating func nameSections(_ zones: [ZoneName]) {
    var names = UniqueNames()
    let hasOwnName = zones.map { !$0.name.isEmpty && names.take($0.name) }
    let hasOwnID = zones.map { $0.name.isEmpty && !$0.id.isEmpty && names.take($0.id) }
    for (place, zone) in zones.enumerated() {
      if hasOwnName[place] {
        sections[place].name = zone.name
      } else if hasOwnID[place] {
        sections[place].name = zone.id
      } else if zone.name.isEmpty, zone.id.isEmpty {
        sections[place].name = names.invent(Bytes("Zone \(place + 1)"))
      } else {
        let name = names.invent(zone.name.isEmpty ? zone.id : zone.name)
        sections[place].name = name
        renamed.add { "'\(name)'" }
      }
    }
  }

  /// Calls each row without a name by its place in its section, as no other row of the section is called. Rows of one
  /// name stay: they may be one row with an aisle in it.
  mutating func nameRows() {
    for section in sections.indices {
      guard case .listed(var rows) = sections[section].rows, rows.contains(where: { $0.name.isEmpty }) else { continue }
      sections[section].rows = .listed([])
      var names = UniqueNames()
      for row in rows where !row.name.isEmpty { _ = names.take(row.name) }
      for place in rows.indices where rows[place].name.isEmpty {
        rows[place].name = names.invent(Bytes("Row \(place + 1)"))
      }
      sections[section].rows = .listed(rows)
    }
  }
}
