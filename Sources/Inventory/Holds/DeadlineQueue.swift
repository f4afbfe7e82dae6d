import Proto
import Time

/// Slots by the time at which something of theirs is due: four bytes each.
///
/// Slots wait unsorted in buckets of a quarter of a second. A bucket whose time has come is sorted by deadline and then
/// by slot, so that who ends first does not depend on how the queue came to be. Nothing is ever taken out early: an
/// entry counts only while its slot has that very deadline, and others are passed over when they come up. So an
/// extension leaves four bytes behind until the old deadline has passed.
struct DeadlineQueue: Sendable {
  /// Buckets of about a minute each, in pages of 256.
  private struct Page: Sendable {
    let number: Int64
    var buckets: [PagedArray<UInt32>]
    var filled = 0
  }

  private static let bucketShift: Int64 = 8
  private static let pageShift: Int64 = 8
  @inline(__always) private static func bucket(of time: Stamp) -> Int64 { time.rawValue >> bucketShift }
  @inline(__always) private static func start(ofBucket number: Int64) -> Stamp { Stamp(number << bucketShift) }

  /// Ascending.
  private var pages: [Page] = []
  /// The bucket that was added to last stands apart, so that adding to it again is one step.
  private var openNumber: Int64 = -1
  private var open = PagedArray<UInt32>()

  /// What came up, ascending: the deadline's distance from `frontBase` above the slot. Before `frontPlace`: done.
  private var front: [UInt64] = []
  private var frontPlace = 0
  private var frontBase: Stamp = .zero
  /// Buckets up to this one have come up.
  private var frontNumber: Int64 = -1
  private static let slotBits: UInt64 = 28

  /// Entries in buckets.
  private var count = 0

  var bytes: Int { count * 4 + front.count * 8 }

  // MARK: Adding

  @inline(__always) mutating func add(_ slot: UInt32, at deadline: Stamp) {
    let number = Self.bucket(of: deadline)
    if number != openNumber || number <= frontNumber { return addElsewhere(slot, deadline) }
    open.append(slot)
    count += 1
  }

  private mutating func addElsewhere(_ slot: UInt32, _ deadline: Stamp) {
    let number = Self.bucket(of: deadline)
    guard number > frontNumber else { return addToFront(slot, deadline) }
    store()
    openNumber = number
    if let place = place(of: number >> Self.pageShift) {
      swap(&open, &pages[place].buckets[Int(number & 255)])
      if !open.isEmpty { pages[place].filled -= 1 }
    }
    open.append(slot)
    count += 1
  }

  /// Puts the open bucket back to the others.
  private mutating func store() {
    guard !open.isEmpty else { return }
    let number = openNumber >> Self.pageShift
    let place: Int
    if let found = self.place(of: number) {
      place = found
    } else {
      place = firstPlace { pages[$0].number > number }
      pages.insert(Page(number: number, buckets: Array(repeating: PagedArray(), count: 256)), at: place)
    }
    swap(&open, &pages[place].buckets[Int(openNumber & 255)])
    pages[place].filled += 1
  }

  private func place(of number: Int64) -> Int? {
    let behind = firstPlace { pages[$0].number > number }
    return behind > 0 && pages[behind - 1].number == number ? behind - 1 : nil
  }

  private func firstPlace(_ isBehind: (Int) -> Bool) -> Int {
    var (low, high) = (0, pages.count)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// A deadline in a bucket that has come up already: only after time was set back to the log's.
  private mutating func addToFront(_ slot: UInt32, _ deadline: Stamp) {
    if frontPlace == front.count || deadline < frontBase { rebase(to: deadline) }
    let key = key(slot, deadline)
    var (low, high) = (frontPlace, front.count)
    while low < high {
      let middle = (low + high) / 2
      if front[middle] > key { high = middle } else { low = middle + 1 }
    }
    front.insert(key, at: low)
  }

  private func key(_ slot: UInt32, _ deadline: Stamp) -> UInt64 {
    UInt64((deadline - frontBase).rawValue) << Self.slotBits | UInt64(slot)
  }

  /// Makes room for an earlier deadline before the front's first.
  private mutating func rebase(to deadline: Stamp) {
    let shift = UInt64(max(0, frontBase - deadline).rawValue) << Self.slotBits
    front = front[frontPlace...].map { $0 + shift }
    frontPlace = 0
    frontBase = deadline
  }

  // MARK: Taking

  /// The first slot that is due at `stamp`.
  @inline(__always) mutating func first(
    by stamp: Stamp, _ records: HoldPages
  ) -> (slot: UInt32, deadline: Stamp)? {
    while true {
      while frontPlace < front.count {
        let (slot, deadline) = entry(frontPlace)
        if deadline > stamp { return nil }
        if records.due(slot) == deadline { return (slot, deadline) }
        frontPlace += 1
      }
      guard isTimeForMore(stamp), bringUp(by: stamp, records) else { return nil }
    }
  }

  /// Passes over what `first` gave.
  mutating func removeFirst() { frontPlace += 1 }

  private func entry(_ place: Int) -> (slot: UInt32, deadline: Stamp) {
    let key = front[place]
    return (UInt32(truncatingIfNeeded: key) & HoldRecord.low28, frontBase + Milliseconds(Int64(key >> Self.slotBits)))
  }

  /// The `rank`-th deadline (1: the first) if it is at most `stamp`; nil: fewer are due.
  mutating func deadline(rank: Int, by stamp: Stamp, _ records: HoldPages) -> Stamp? {
    guard rank > 0, first(by: stamp, records) != nil else { return nil }
    var taken = 0
    var place = frontPlace
    while true {
      while place < front.count {
        let (slot, deadline) = entry(place)
        if deadline > stamp { return nil }
        // A slot may stand here twice with the same deadline: it ends once.
        if records.due(slot) == deadline, place == frontPlace || front[place] != front[place - 1] { taken += 1 }
        if taken == rank { return deadline }
        place += 1
      }
      let done = frontPlace
      guard isTimeForMore(stamp), bringUp(by: stamp, records) else { return nil }
      place -= done - frontPlace
    }
  }

  /// The earliest deadline. Looks at a whole bucket.
  func earliest(_ records: HoldPages) -> Stamp? {
    for place in frontPlace..<front.count {
      let (slot, deadline) = entry(place)
      if records.due(slot) == deadline { return deadline }
    }
    var found: Stamp?
    func look(_ bucket: PagedArray<UInt32>, _ number: Int64) {
      for place in 0..<bucket.count {
        guard let due = records.due(bucket[place]), Self.bucket(of: due) == number else { continue }
        found = min(found ?? due, due)
      }
    }
    look(open, openNumber)
    for page in pages where page.filled > 0 {
      for (place, bucket) in page.buckets.enumerated() where !bucket.isEmpty {
        let number = page.number << Self.pageShift | Int64(place)
        if let found, number > Self.bucket(of: found) { return found }
        look(bucket, number)
      }
    }
    return found
  }

  /// A glance that mostly says no.
  @inline(__always) private func isTimeForMore(_ stamp: Stamp) -> Bool {
    if !open.isEmpty, Self.start(ofBucket: openNumber) <= stamp { return true }
    guard let page = pages.first else { return false }
    return Self.start(ofBucket: page.number << Self.pageShift) <= stamp
  }

  /// Sorts the next bucket behind what came up, if its time has come by `stamp`; false: there is none.
  private mutating func bringUp(by stamp: Stamp, _ records: HoldPages) -> Bool {
    guard let number = nextNumber, Self.start(ofBucket: number) <= stamp else { return false }
    let bucket = take(number)
    frontNumber = number
    if frontPlace == front.count {
      // A crowd's room is not kept for a few.
      front = []
      frontBase = Self.start(ofBucket: number)
    } else {
      front.removeFirst(frontPlace)
    }
    frontPlace = 0
    let sorted = front.count
    for place in 0..<bucket.count {
      let slot = bucket[place]
      // A deadline outside the bucket: the entry is of the past.
      if let due = records.due(slot), Self.bucket(of: due) == number { front.append(key(slot, due)) }
    }
    count -= bucket.count
    front[sorted...].sort()
    return true
  }

  private var nextNumber: Int64? {
    var number: Int64? = open.isEmpty ? nil : openNumber
    if let page = pages.first(where: { $0.filled > 0 }),
      let place = page.buckets.firstIndex(where: { !$0.isEmpty })
    {
      let stored = page.number << Self.pageShift | Int64(place)
      number = min(number ?? stored, stored)
    }
    return number
  }

  private mutating func take(_ number: Int64) -> PagedArray<UInt32> {
    var bucket = PagedArray<UInt32>()
    if number == openNumber {
      swap(&bucket, &open)
    } else if let place = place(of: number >> Self.pageShift) {
      swap(&bucket, &pages[place].buckets[Int(number & 255)])
      pages[place].filled -= 1
    }
    let past = pages.prefix { $0.filled == 0 && $0.number <= number >> Self.pageShift }.count
    if past > 0 { pages.removeFirst(past) }
    return bucket
  }
}
