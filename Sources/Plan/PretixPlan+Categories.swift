internal import JSON
import Octets
import Proto

extension PretixPlan {
  mutating func readCategories(_ reader: inout JSONReader) throws(JSONError) {
    var names = NameTable()
    var namesAt: [Int] = []
    var array = try reader.beginArray()
    while try reader.next(&array) {
      guard categories.count < EventLimit.categories.value else { throw .tooMany(.categories, at: reader.offset) }
      var category = EventDefinition.Category(name: "", price: nil)
      guard var object = try reader.beginObject(&problems) else { continue }
      while let field = try reader.nextField(categoryFields, &object, &problems) {
        let mark = reader.mark
        do throws(JSONError) {
          switch field {
          case 0:
            category.name = try reader.name()
            let at = reader.valueStart
            if let other = names.insert(category.name.rawSpan) {
              problems.add(.refused("two categories have this name", at: at), other: namesAt[other])
            } else {
              namesAt.append(at)
            }
          default:
            if try reader.nullIfNext() { continue }
            category.color = try reader.text(max: 64)
          }
        } catch {
          try problems.keep(error)
          try reader.skip(from: mark)
        }
      }
      object.require(0, of: categoryFields, &problems)
      categories.append(category)
    }
  }

  /// A seat's category, as a number that `resolveCategories` translates. Neighbours mostly have the same.
  mutating func readCategory(_ reader: inout JSONReader, _ reading: inout Reading) throws(JSONError) -> CategoryIndex? {
    if try reader.nullIfNext() { return nil }
    if let range = try reader.plainString(), reader.bytes(range).equals(reading.lastUsed.rawSpan), !range.isEmpty {
      return CategoryIndex(UInt16(truncatingIfNeeded: reading.lastUsedNumber))
    }
    reader.rewind()
    let name = Bytes(try reader.string())
    return try use(name, at: reader.valueStart, &reading)
  }

  /// The number of a category that a seat names; of the empty name, if it names none.
  func use(_ name: Bytes, at offset: Int, _ reading: inout Reading) throws(JSONError) -> CategoryIndex {
    let number = reading.used.insert(name.rawSpan) ?? reading.used.count - 1
    guard number < EventLimit.categories.value else { throw .tooMany(.categories, at: offset) }
    (reading.lastUsed, reading.lastUsedNumber) = (name, number)
    return CategoryIndex(UInt16(truncatingIfNeeded: number))
  }

  /// Puts each seat's category where the plan defines it, and seats of none into one of their own.
  ///
  /// - Parameter offset: of the plan.
  mutating func resolveCategories(_ reading: Reading, at offset: Int) throws(JSONError) {
    var defined = NameTable()
    for category in categories { _ = defined.insert(category.name.rawSpan) }
    var translation: [CategoryIndex] = []
    var unknown: [Bool] = []
    for number in 0..<reading.used.count {
      if let index = defined.find(reading.usedName(number).rawSpan) {
        unknown.append(false)
        translation.append(CategoryIndex(UInt16(truncatingIfNeeded: index)))
      } else {
        unknown.append(true)
        translation.append(try categoryOfNone(at: offset))
      }
    }
    if translation.enumerated().allSatisfy({ $0.offset == Int($0.element.rawValue) }), uncategorised == nil { return }
    for section in sections.indices {
      guard case .listed(var rows) = sections[section].rows else { continue }
      sections[section].rows = .listed([])
      for row in rows.indices {
        for seat in rows[row].seats.indices {
          let number = Int(rows[row].seats[seat].category.rawValue)
          rows[row].seats[seat].category = translation[number]
          if unknown[number] {
            let label = rows[row].seats[seat].label
            uncategorised?.seats.add {
              let name = reading.usedName(number)
              return Names.isName(name.rawSpan) ? "\(label) ('\(name)')" : "\(label)"
            }
          }
        }
      }
      sections[section].rows = .listed(rows)
    }
  }

  private mutating func categoryOfNone(at offset: Int) throws(JSONError) -> CategoryIndex {
    if let uncategorised { return uncategorised.category }
    guard categories.count < EventLimit.categories.value else { throw .tooMany(.categories, at: offset) }
    var names = UniqueNames()
    for category in categories { _ = names.take(category.name) }
    let index = CategoryIndex(UInt16(truncatingIfNeeded: categories.count))
    categories.append(EventDefinition.Category(name: names.invent("No category"), price: nil))
    uncategorised = Uncategorised(category: index)
    return index
  }
}

extension PretixPlan.Reading {
  fileprivate func usedName(_ number: Int) -> Bytes {
    var name: [UInt8] = []
    used.write(number, into: &name)
    return Bytes(name)
  }
}

private let categoryFields = JSONFields("name", "color")
