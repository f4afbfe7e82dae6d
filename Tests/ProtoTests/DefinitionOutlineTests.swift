import Octets
import Proto
import TestKit
import Testing

@Suite struct DefinitionOutlineTests {
  @Test func anotherVersionIsRefusedByName() throws {
    let event = EventDefinition(
      id: "e", name: "n", holdTTL: 120, categories: [.init(name: "c", price: 1)],
      sections: [.init(name: "S", rows: .grid(rows: 1, seatsPerRow: 2, category: CategoryIndex(0)))])
    var bytes: [UInt8] = []
    event.encode(into: &bytes)
    bytes[0] = Format.version - 1
    #expect(throws: DecodeError.otherVersion(found: Format.version - 1)) {
      var reader = ByteReader(bytes.rawSpan)
      _ = try EventDefinition(decoding: &reader)
    }
    #expect(throws: DecodeError.otherVersion(found: Format.version - 1)) {
      var reader = ByteReader(bytes.rawSpan)
      _ = try DefinitionOutline(decoding: &reader)
    }
  }

  /// The outline says of every definition what the definition says, and keeps its bytes.
  @Test(arguments: [UInt64](1...200)) func anOutlineIsTheDefinitionWithoutNames(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var definition = random.definition()
    // Rows of several categories, too.
    for section in definition.sections.indices {
      guard case .listed(var rows) = definition.sections[section].rows else { continue }
      for row in rows.indices {
        for seat in rows[row].seats.indices {
          rows[row].seats[seat].category = CategoryIndex(
            UInt16.random(in: 0..<UInt16(definition.categories.count), using: &random))
        }
      }
      definition.sections[section].rows = .listed(rows)
    }
    var bytes: [UInt8] = [7, 7]
    definition.encode(into: &bytes)
    let end = bytes.count
    bytes += [9]
    var reader = ByteReader(bytes.rawSpan)
    reader.offset = 2
    let outline = try DefinitionOutline(decoding: &reader)
    #expect(reader.offset == end)
    #expect(outline.encoded.array == Array(bytes[2..<end]))
    var head = definition
    head.sections = []
    #expect(outline.definition == head)
    #expect(outline.sections.count == definition.sections.count)
    var categories: [CategoryIndex] = []
    for (section, expected) in zip(outline.sections, definition.sections) {
      switch (section, expected.rows) {
      case (.grid(let rows, let seatsPerRow, let category), _):
        #expect(expected.rows == .grid(rows: rows, seatsPerRow: seatsPerRow, category: category))
      case (.listed(let range, let lines), .listed(let rows)):
        #expect(lines == expected.lines)
        for (row, expected) in zip(outline.rows[range], rows) {
          #expect(Int(row.seatCount) == expected.seats.count)
          let all = Set(expected.seats.map(\.category))
          #expect(row.category == (all.count == 1 ? all.first : nil))
          categories += expected.seats.map(\.category)
        }
        #expect(range.count == rows.count)
      case (.listed, .grid): Issue.record("a grid is no list")
      }
    }
    #expect(outline.seatCategories == categories)
  }

  /// What one refuses, the other refuses, for the same reason.
  @Test(arguments: [UInt64](1...20)) func bothRefuseTheSame(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var bytes: [UInt8] = []
    random.definition().encode(into: &bytes)
    var chance = SeededRandom(seed: seed &+ 1_000)
    for round in 0..<500 {
      var wrong = bytes
      if round % 2 == 0 { wrong.removeLast(Int.random(in: 0...wrong.count, using: &chance)) }
      if !wrong.isEmpty {
        wrong[Int.random(in: 0..<wrong.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
      }
      var (one, other): (DecodeError?, DecodeError?)
      var reader = ByteReader(wrong.rawSpan)
      var again = reader
      do throws(DecodeError) { _ = try EventDefinition(decoding: &reader) } catch { one = error }
      do throws(DecodeError) { _ = try DefinitionOutline(decoding: &again) } catch { other = error }
      #expect(one == other, "seed \(seed), round \(round)")
      if one == nil { #expect(reader.offset == again.offset) }
    }
  }
}
