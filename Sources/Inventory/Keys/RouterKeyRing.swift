import Proto
import Time

/// Keys that routers made for holds, in 24 bytes each.
///
/// A router's key is its id and a number that grows, so that the keys of one router stand in the order of their
/// numbers, of their holds' sequence numbers and of time at once: no index is needed, a search halves. What a hold's
/// own slot still says is not stored again; what a slot is about to forget goes to `saved` first. Rows are dropped by
/// slices of time, all at once.
///
/// A key that does not fit in here (another length or order, too many routers) goes to the table of other keys: which
/// ones do follows from the rows alone, so that every replica decides alike.
struct RouterKeyRing: Sendable {
  /// A key and what it got, as far as the hold's slot does not say it.
  ///
  /// Layout: `number: u32` (from the chunk's first), `slot: u28`, `isBest: u1`; `version: u47, ttl: u17`; `arguments:
  /// u32`, `sequence: u16` and `stamp: u16` (both from the chunk's first).
  struct Row: Sendable, BitwiseCopyable {
    var place: UInt64
    var outcome: UInt64
    var origin: UInt64
  }

  /// A row, unpacked.
  struct Entry {
    var router: UInt64
    var number: UInt64
    var slot: UInt32
    var sequence: UInt64
    var isBest: Bool
    var stamp: Stamp
    /// Seconds.
    var ttl: UInt64
    var version: UInt64
    /// Hash of the command without its random bits.
    var arguments: UInt32
  }

  /// Rows of one router and one slice of time, at most 64 KiB of them.
  struct Chunk: Sendable {
    var rows: [Row] = []
    var number: UInt64
    var sequence: UInt64
    var stamp: Stamp
    /// The sum of the rows' terms of the digest.
    var sum: UInt64 = 0

    var slice: Int64 { stamp.rawValue >> RouterKeyRing.sliceShift }
    @inline(__always) func number(_ row: Int) -> UInt64 { number &+ rows[row].place & 0xFFFF_FFFF }
    @inline(__always) func sequence(_ row: Int) -> UInt64 { sequence &+ rows[row].origin >> 32 & 0xFFFF }

    /// False: the row does not fit in here.
    @inline(__always) mutating func append(_ entry: Entry, _ term: UInt64, _ rowsMax: Int) -> Bool {
      let number = entry.number &- number
      let sequence = entry.sequence &- sequence
      guard number <= UInt64(UInt32.max), sequence <= UInt64(UInt16.max), rows.count < rowsMax,
        entry.stamp.rawValue >> RouterKeyRing.sliceShift == slice
      else { return false }
      let stamp = UInt64(bitPattern: (entry.stamp &- stamp).rawValue)
      rows.append(
        Row(
          place: number | UInt64(entry.slot) << 32 | (entry.isBest ? 1 << 60 : 0),
          outcome: entry.version | entry.ttl << 47, origin: UInt64(entry.arguments) | sequence << 32 | stamp << 48))
      sum &+= term
      return true
    }

    func entry(_ row: Int, router: UInt64) -> Entry {
      let words = rows[row]
      return Entry(
        router: router, number: number(row), slot: UInt32(truncatingIfNeeded: words.place >> 32) & HoldRecord.low28,
        sequence: sequence(row), isBest: words.place >> 60 & 1 == 1,
        stamp: stamp + Milliseconds(Int64(words.origin >> 48)), ttl: words.outcome >> 47,
        version: words.outcome & RouterKeyRing.versionMax, arguments: UInt32(truncatingIfNeeded: words.origin))
    }
  }

  /// One router's rows, oldest first.
  struct Router: Sendable {
    let id: UInt64
    /// No key of this router with a higher number is stored, here or in the table of other keys. Not replicated: it
    /// only spares searches.
    var seen: UInt64
    var chunks: [Chunk] = []
    /// The last row's number; meaningless without rows.
    var last: UInt64 = 0
  }

  static let sliceShift: Int64 = 12
  static let versionMax: UInt64 = 1 << 47 - 1
  private static let rowsMax = 2_730
  /// Routers that have rows at one time; each loop of a router's process counts.
  private static let routersMax = 64
  /// Routers that are remembered.
  private static let knownMax = 256

  private(set) var routers: [Router] = []
  private(set) var count = 0
  private var routersWithRows = 0
  /// Where the router of the last key stands.
  private var current = 0
  /// Of the oldest row; without rows the largest number, which no hold has.
  private(set) var firstSequence: UInt64 = .max
  /// Of the oldest row; meaningless without rows.
  private(set) var firstSlice: Int64 = 0
  /// Whether a router may have come back whose numbers were forgotten.
  private var hasForgotten = false
  /// Outcomes of rows whose slots no longer say them. Neither in the digest nor in snapshots: they follow from the
  /// rows' own story.
  var saved: KeyTable

  init(salt: UInt64) { saved = KeyTable(salt: salt) }

  /// Keys and what is stored of their outcomes.
  var keyBytes: Int { count * MemoryLayout<Row>.stride + saved.entryBytes }

  var bytes: Int {
    var bytes = saved.bytes
    for router in routers { bytes += router.chunks.count * MemoryLayout<Chunk>.stride }
    return bytes + count * MemoryLayout<Row>.stride
  }

  // MARK: Finding

  @inline(__always) private func place(of id: UInt64) -> Int? {
    if current < routers.count, routers[current].id == id { return current }
    return routers.firstIndex { $0.id == id }
  }

  /// Whether this key is stored nowhere, which a glance tells for almost every key.
  @inline(__always) mutating func isNew(_ id: UInt64, _ number: UInt64) -> Bool {
    guard let place = place(of: id) else { return false }
    current = place
    return number > routers[place].seen
  }

  /// Whether this key is stored nowhere and can have a row, as far as a glance tells: both at once, for the hot path.
  @inline(__always) mutating func takesNew(_ id: UInt64, _ number: UInt64) -> Bool {
    guard current < routers.count, routers[current].id == id else { return isNew(id, number) && takes(id, number) }
    guard number > routers[current].seen else { return false }
    // Above every number that was seen is above the last row's.
    return !routers[current].chunks.isEmpty || routersWithRows < Self.routersMax
  }

  func find(_ id: UInt64, _ number: UInt64) -> Entry? {
    guard let place = place(of: id) else { return nil }
    let chunks = routers[place].chunks
    let chunk = firstPlace(in: chunks.count) { chunks[$0].number > number } - 1
    guard chunk >= 0 else { return nil }
    let row = firstPlace(in: chunks[chunk].rows.count) { chunks[chunk].number($0) > number } - 1
    guard row >= 0, chunks[chunk].number(row) == number else { return nil }
    return chunks[chunk].entry(row, router: id)
  }

  /// The row of a hold.
  func find(sequence: UInt64) -> Entry? {
    guard sequence >= firstSequence else { return nil }
    for router in routers {
      let chunks = router.chunks
      let chunk = firstPlace(in: chunks.count) { chunks[$0].sequence > sequence } - 1
      guard chunk >= 0 else { continue }
      let row = firstPlace(in: chunks[chunk].rows.count) { chunks[chunk].sequence($0) > sequence } - 1
      if row >= 0, chunks[chunk].sequence(row) == sequence { return chunks[chunk].entry(row, router: router.id) }
    }
    return nil
  }

  /// The first place that `isBehind`; all before it are not, all after it are.
  @inline(__always) private func firstPlace(in count: Int, _ isBehind: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  // MARK: Adding

  /// A key of this router is about to be stored, here or elsewhere.
  mutating func see(_ id: UInt64, _ number: UInt64, othersAreEmpty: Bool) {
    if let place = place(of: id) {
      current = place
      routers[place].seen = max(routers[place].seen, number)
      return
    }
    if routers.count >= Self.knownMax { forgetIdle(othersAreEmpty: othersAreEmpty) }
    guard routers.count < Self.knownMax else { return }
    current = routers.count
    routers.append(Router(id: id, seen: hasForgotten ? .max : number))
  }

  /// Forgets routers without rows. If the table of other keys is empty, nothing of theirs is stored anywhere.
  private mutating func forgetIdle(othersAreEmpty: Bool) {
    if !othersAreEmpty { hasForgotten = true }
    routers.removeAll { $0.chunks.isEmpty }
    current = 0
  }

  /// Whether a key can have a row: it is `see`n already.
  @inline(__always) mutating func takes(_ id: UInt64, _ number: UInt64) -> Bool {
    guard let place = place(of: id) else { return false }
    current = place
    return routers[place].chunks.isEmpty ? routersWithRows < Self.routersMax : number > routers[place].last
  }

  /// Whether a row of the router that was named last may have these, as far as its last row says.
  func follows(sequence: UInt64, stamp: Stamp) -> Bool {
    guard let chunk = routers[current].chunks.last else { return true }
    let last = chunk.entry(chunk.rows.count - 1, router: 0)
    return sequence > last.sequence && stamp >= last.stamp
  }

  /// Adds a row for a key that it `takes`, and returns its term of the digest. Sequence numbers and stamps never go
  /// back.
  @inline(__always) mutating func append(_ entry: Entry) -> UInt64 {
    let term = Self.digestTerm(entry)
    if entry.sequence < firstSequence {
      (firstSequence, firstSlice) = (entry.sequence, entry.stamp.rawValue >> Self.sliceShift)
    }
    if routers[current].append(entry, term, rowsMax: Self.rowsMax) { routersWithRows += 1 }
    count += 1
    return term
  }

  @inline(__always) private static func digestTerm(_ entry: Entry) -> UInt64 {
    let place = UInt64(entry.slot) | (entry.isBest ? 1 << 28 : 0) | UInt64(entry.arguments) << 32
    return term(
      .key,
      entry.router, entry.number, entry.sequence, entry.version | entry.ttl << 47, place,
      UInt64(bitPattern: entry.stamp.rawValue))
  }

  // MARK: Dropping

  /// Whether the time of the oldest slice's last row has passed.
  @inline(__always) func isDue(at now: Stamp, window: Milliseconds) -> Bool {
    count > 0 && now >= Stamp((firstSlice + 1) << Self.sliceShift) + window
  }

  /// Drops the oldest slice and returns its terms of the digest.
  mutating func dropSlice() -> UInt64 {
    var sum: UInt64 = 0
    for place in routers.indices where !routers[place].chunks.isEmpty {
      let chunks = routers[place].chunks
      let old = chunks.prefix { $0.slice == firstSlice }
      if old.isEmpty { continue }
      for chunk in old {
        sum &+= chunk.sum
        count -= chunk.rows.count
      }
      routers[place].chunks = Array(chunks[old.endIndex...])
      if routers[place].chunks.isEmpty { routersWithRows -= 1 }
    }
    (firstSequence, firstSlice) = (.max, .max)
    for router in routers {
      guard let chunk = router.chunks.first else { continue }
      firstSequence = min(firstSequence, chunk.sequence)
      firstSlice = min(firstSlice, chunk.slice)
    }
    return sum
  }

  /// Drops saved outcomes whose rows are gone; a few at a time.
  mutating func dropSaved() {
    for _ in 0..<8 where saved.count > 0 {
      if count > 0, saved.firstStamp.rawValue >> Self.sliceShift >= firstSlice { break }
      _ = saved.dropFirst()
    }
  }
}

extension RouterKeyRing.Router {
  /// Adds a row; true: it is the first.
  @inline(__always) mutating func append(_ entry: RouterKeyRing.Entry, _ term: UInt64, rowsMax: Int) -> Bool {
    let isFirst = chunks.isEmpty
    last = entry.number
    seen = max(seen, entry.number)
    if !isFirst, chunks[chunks.count - 1].append(entry, term, rowsMax) { return false }
    beginChunk(entry, rowsMax)
    _ = chunks[chunks.count - 1].append(entry, term, rowsMax)
    return isFirst
  }

  private mutating func beginChunk(_ entry: RouterKeyRing.Entry, _ rowsMax: Int) {
    var chunk = RouterKeyRing.Chunk(number: entry.number, sequence: entry.sequence, stamp: entry.stamp)
    if let last = chunks.last, last.slice == chunk.slice {
      // A second chunk within a slice: there will be many rows.
      chunk.rows.reserveCapacity(rowsMax)
    } else if let last = chunks.last, last.rows.capacity > last.rows.count + last.rows.count / 4 {
      // The slice is complete: room that was made for more of it goes back.
      let rows = last.rows
      // Safe: the copy is made while the rows live; it is as long as they are.
      chunks[chunks.count - 1].rows = unsafe rows.withUnsafeBufferPointer { unsafe Array($0) }
    }
    chunks.append(chunk)
  }
}
