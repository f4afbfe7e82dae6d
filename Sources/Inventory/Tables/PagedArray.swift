/// A table that grows by pages of at most 32 KiB, so that neither growing nor the first write after a copy touches more
/// than one page and the list of pages.
struct PagedArray<Element: BitwiseCopyable & Sendable>: Sendable {
  private(set) var count: Int
  private var pages: [[Element]]

  /// Elements of a page, as a power of two.
  @inline(__always) static var shift: Int {
    15 - (Int.bitWidth - (MemoryLayout<Element>.stride - 1).leadingZeroBitCount)
  }
  @inline(__always) static var mask: Int { 1 << shift - 1 }

  init() { (count, pages) = (0, []) }

  /// All whole pages are one page until they are written to: a million free seats cost a few kilobytes.
  init(repeating element: Element, count: Int) {
    self.count = count
    let whole = count >> Self.shift
    pages = Array(repeating: whole == 0 ? [] : Array(repeating: element, count: 1 << Self.shift), count: whole)
    let rest = count & Self.mask
    if rest > 0 { pages.append(Array(repeating: element, count: rest)) }
  }

  var isEmpty: Bool { count == 0 }

  /// Writes the element to all places of the range; whole pages become one page, as above.
  mutating func fill(_ range: Range<Int>, with element: Element) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    var whole: [Element] = []
    var place = range.lowerBound
    while place < range.upperBound {
      let page = place >> Self.shift
      let pageEnd = (page + 1) << Self.shift
      if place & Self.mask == 0, pageEnd <= range.upperBound {
        if whole.isEmpty { whole = Array(repeating: element, count: 1 << Self.shift) }
        pages[page] = whole
        place = pageEnd
      } else {
        let end = Swift.min(pageEnd, range.upperBound)
        for index in place..<end { self[index] = element }
        place = end
      }
    }
  }

  /// Calls `body` with the elements of the range, page by page.
  func forEachPage(of range: Range<Int>, _ body: (ArraySlice<Element>) -> Void) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    var place = range.lowerBound
    while place < range.upperBound {
      let start = place & Self.mask
      let end = Swift.min(1 << Self.shift, start + range.upperBound - place)
      body(pages[place >> Self.shift][start..<end])
      place += end - start
    }
  }

  @inline(__always) subscript(index: Int) -> Element {
    get { pages[index >> Self.shift][index & Self.mask] }
    _modify { yield &pages[index >> Self.shift][index & Self.mask] }
  }

  @inline(__always) mutating func append(_ element: Element) {
    let page = count >> Self.shift
    let place = count & Self.mask
    if page == pages.count { addPage() }
    count += 1
    if place < pages[page].count {
      pages[page][place] = element
    } else {
      extend(page, element)
    }
  }

  /// Appends eight that are alike; a table that grows by eight only has them in one page.
  @inline(__always) mutating func appendEight(_ element: Element) {
    let page = count >> Self.shift
    let place = count & Self.mask
    guard page < pages.count, place + 8 <= pages[page].count else {
      for _ in 0..<8 { append(element) }
      return
    }
    for offset in 0..<8 { pages[page][place + offset] = element }
    count += 8
  }

  /// The page stays for the next `append`.
  mutating func removeLast() {
    precondition(count > 0, "callers check that there is one")
    count -= 1
  }

  private mutating func addPage() { pages.append([]) }

  /// A small table stays small and doubles; from the second page on pages are made whole.
  private mutating func extend(_ page: Int, _ element: Element) {
    let size = pages[page].count
    let wanted = page > 0 ? 1 << Self.shift : min(max(8, size * 2), 1 << Self.shift)
    pages[page].reserveCapacity(wanted)
    pages[page].append(contentsOf: repeatElement(element, count: wanted - size))
  }

  /// Roughly what the pages take.
  var bytes: Int { pages.count < 2 ? count * MemoryLayout<Element>.stride : pages.count << 15 }
}

extension PagedArray where Element: Equatable {
  /// Writes `new` where `old` stands; false: it does not stand there, and nothing was written.
  @inline(__always) mutating func exchange(_ old: Element, for new: Element, at index: Int) -> Bool {
    guard self[index] == old else { return false }
    self[index] = new
    return true
  }
}
