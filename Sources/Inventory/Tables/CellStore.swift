import Octets

/// Where what has no fixed size is kept: long buyers, lists of seats and areas. A list is a chain of cells of eight
/// 32-bit words; the first word of a cell is the number of the next, and the chain's second is a header that its owner
/// understands.
struct CellStore: Sendable {
  /// A chain's first cell. 0 is never one.
  typealias Reference = UInt32
  static let referenceMax = 1 << 28 - 1

  private var words = PagedArray<UInt32>()
  private var freeCell: UInt32 = 0
  private(set) var cellsUsed = 0

  init() { for _ in 0..<8 { words.append(0) } }

  /// A chain that is being written.
  struct Chain {
    let first: Reference
    fileprivate var cell: UInt32
    fileprivate var place: Int
  }

  mutating func begin(header: UInt32) -> Chain {
    let cell = allocate()
    words[Int(cell) * 8 + 1] = header
    return Chain(first: cell, cell: cell, place: 2)
  }

  mutating func put(_ word: UInt32, to chain: inout Chain) {
    if chain.place == 8 {
      let next = allocate()
      words[Int(chain.cell) * 8] = next
      (chain.cell, chain.place) = (next, 1)
    }
    words[Int(chain.cell) * 8 + chain.place] = word
    chain.place += 1
  }

  /// A place in a chain that is being read.
  struct Cursor {
    fileprivate var cell: UInt32
    fileprivate var place: Int
  }

  func open(_ reference: Reference) -> (header: UInt32, cursor: Cursor) {
    (words[Int(reference) * 8 + 1], Cursor(cell: reference, place: 2))
  }

  /// The next word; the owner knows from the header how many there are.
  func next(_ cursor: inout Cursor) -> UInt32 {
    if cursor.place == 8 {
      cursor = Cursor(cell: words[Int(cursor.cell) * 8], place: 1)
    }
    defer { cursor.place += 1 }
    return words[Int(cursor.cell) * 8 + cursor.place]
  }

  mutating func free(_ reference: Reference) {
    var cell = reference
    while cell != 0 {
      let next = words[Int(cell) * 8]
      words[Int(cell) * 8] = freeCell
      freeCell = cell
      cellsUsed -= 1
      cell = next
    }
  }

  private mutating func allocate() -> UInt32 {
    cellsUsed += 1
    if freeCell != 0 {
      let cell = freeCell
      freeCell = words[Int(cell) * 8]
      words[Int(cell) * 8] = 0
      return cell
    }
    let cell = UInt32(words.count / 8)
    words.appendEight(0)
    return cell
  }

  /// Whether `words` more words surely find a cell that a reference can name.
  func hasRoom(words: Int) -> Bool { cellsUsed + words / 7 + 2 < Self.referenceMax }

  var bytes: Int { words.bytes }

  /// A hash of a chain's content, wherever its cells are.
  func hash(_ reference: Reference, wordCount: (UInt32) -> Int) -> UInt64 {
    var (header, cursor) = open(reference)
    var hash = mix64(UInt64(header))
    for _ in 0..<wordCount(header) { hash = mix64(hash ^ UInt64(next(&cursor))) }
    return hash
  }
}

/// A buyer or a reference in eight bytes: the bytes themselves if they are at most eight, else a chain whose header is
/// their count.
struct PackedText: Sendable, Equatable {
  /// 0…8: so many bytes are in `word`; `chained`: `word` is a chain.
  var form: UInt8
  var word: UInt64
  static let chained: UInt8 = 15
}

extension CellStore {
  mutating func pack(_ text: RawSpan) -> PackedText {
    if text.byteCount <= 8 { return PackedText(form: UInt8(text.byteCount), word: text.word(0)) }
    var chain = begin(header: UInt32(text.byteCount))
    for index in 0..<text.wordCount {
      let word = text.word(index)
      put(UInt32(truncatingIfNeeded: word), to: &chain)
      put(UInt32(truncatingIfNeeded: word >> 32), to: &chain)
    }
    return PackedText(form: PackedText.chained, word: UInt64(chain.first))
  }

  static func words(ofText header: UInt32) -> Int { (Int(header) + 7) / 8 * 2 }

  func unpack(_ text: PackedText) -> Bytes {
    var out: [UInt8] = []
    if text.form != PackedText.chained {
      for place in 0..<Int(text.form) { out.append(UInt8(truncatingIfNeeded: text.word >> (8 * UInt64(place)))) }
      return Bytes(out)
    }
    var (header, cursor) = open(UInt32(truncatingIfNeeded: text.word))
    out.reserveCapacity(Int(header) + 8)
    for _ in 0..<Self.words(ofText: header) { out.put(next(&cursor)) }
    out.removeLast(out.count - Int(header))
    return Bytes(out)
  }

  mutating func free(_ text: PackedText) {
    if text.form == PackedText.chained { free(UInt32(truncatingIfNeeded: text.word)) }
  }

  func equals(_ text: PackedText, _ span: RawSpan) -> Bool {
    if text.form != PackedText.chained { return Int(text.form) == span.byteCount && text.word == span.word(0) }
    var (header, cursor) = open(UInt32(truncatingIfNeeded: text.word))
    guard Int(header) == span.byteCount else { return false }
    for index in 0..<span.wordCount {
      let low = UInt64(next(&cursor))
      let word = low | UInt64(next(&cursor)) << 32
      if word != span.word(index) { return false }
    }
    return true
  }
}
