package import Octets
package import Proto

/// An event of one section.
package func arena(_ id: Bytes, rows: UInt32 = 100, seatsPerRow: UInt32 = 100) -> EventDefinition {
  EventDefinition(
    id: id, name: "Arena", categories: [.init(name: "Stalls", price: 4_500)],
    sections: [.init(name: "Stalls", rows: .grid(rows: rows, seatsPerRow: seatsPerRow, category: CategoryIndex(0)))])
}
