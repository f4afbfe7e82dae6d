/// What searches for best seats remember between them: for each question that was asked lately, every row's cost and
/// the least of them. Not part of the replicated state: it only finds faster what a look at every row would find.
struct BestCache: Sendable {
  struct Question: Equatable, Sendable {
    var count: Int
    var category: UInt16?
  }

  /// Indexes that are kept, and rows in all of them together: an event of 100,000 rows keeps ten.
  private static let indexesMax = 64
  private static let rowsMax = 1_000_000
  private var indexes: [BestIndex] = []
  /// Rows that changed, oldest first; each index knows how many it has seen.
  private(set) var changedRows: [UInt32] = []
  private var changedRowsMax = 0

  var isInUse: Bool { changedRowsMax > 0 }

  mutating func note(_ row: Int) {
    if changedRows.count == changedRowsMax { trim() }
    changedRows.append(UInt32(row))
  }

  /// Forgets indexes that nobody asked for during half of the list's length, then the part that the others have seen.
  /// So a list of this length costs a constant time for each change, and rebuilding an index is paid for by the changes
  /// since.
  private mutating func trim() {
    let half = changedRowsMax / 2
    indexes.removeAll { $0.seen < half }
    let seen = indexes.reduce(changedRows.count) { min($0, $1.seen) }
    changedRows.removeFirst(seen)
    for place in indexes.indices { indexes[place].seen -= seen }
    if indexes.isEmpty {
      changedRows = []
      changedRowsMax = 0
    }
  }

  /// Where the index for this question is; made if there is none.
  mutating func open(_ question: Question, rowCount: Int) -> Int {
    if let place = indexes.firstIndex(where: { $0.question == question }) { return place }
    if indexes.count >= min(Self.indexesMax, max(2, Self.rowsMax / max(1, rowCount))) {
      let oldest = indexes.indices.min { indexes[$0].seen < indexes[$1].seen }!
      indexes.remove(at: oldest)
    }
    changedRowsMax = max(1_024, rowCount)
    indexes.append(BestIndex(question: question))
    return indexes.count - 1
  }

  mutating func takeOut(_ place: Int) -> BestIndex {
    let index = indexes[place]
    indexes[place] = BestIndex(question: index.question)
    return index
  }

  mutating func putBack(_ index: BestIndex, _ place: Int) {
    indexes[place] = index
    indexes[place].seen = changedRows.count
  }
}

/// The rows' ranks for one question, and the least of every 64, of every 64 of those, and so on.
///
/// A row's rank is twice its cost, and one more if that cost is exact. Until a row's seats were looked at, it stands
/// there with a cost that no group of it can undercut; so an index of 100,000 rows is made in a millisecond, and only
/// rows that can be the best are looked at. Rows that may cost as much as the best one rank before it: all of them are
/// looked at.
struct BestIndex: Sendable {
  let question: BestCache.Question
  /// How many of the cache's changed rows it has taken in.
  var seen = 0
  /// Level 0: the rows.
  private var levels: [PagedArray<UInt32>] = []

  init(question: BestCache.Question) { self.question = question }

  var isNew: Bool { levels.isEmpty }

  /// Costs are below 2^30, apart from the orphan bit and `none`.
  private static func rank(_ cost: UInt32, isExact: Bool) -> UInt32 {
    if cost == BestGroup.none { return .max }
    return cost & BestGroup.orphan | (cost & ~BestGroup.orphan) << 1 | (isExact ? 1 : 0)
  }

  mutating func build(rowCount: Int, leastCost: (Int) -> UInt32) {
    var ranks = PagedArray<UInt32>()
    for row in 0..<rowCount { ranks.append(Self.rank(leastCost(row), isExact: false)) }
    levels = [ranks]
    while levels[levels.count - 1].count > 64 {
      var next = PagedArray<UInt32>()
      for group in 0..<(levels[levels.count - 1].count + 63) / 64 {
        next.append(levels[levels.count - 1][least(in: group, level: levels.count - 1)])
      }
      levels.append(next)
    }
  }

  /// The first of the group's 64 entries that no other undercuts.
  private func least(in group: Int, level: Int) -> Int {
    var least = group * 64
    var cost = levels[level][least]
    for place in (least + 1)..<max(least + 1, min(group * 64 + 64, levels[level].count))
    where levels[level][place] < cost {
      (least, cost) = (place, levels[level][place])
    }
    return least
  }

  mutating func set(_ row: Int, exactly cost: UInt32) { update(row, Self.rank(cost, isExact: true)) }
  mutating func set(_ row: Int, atLeast cost: UInt32) { update(row, Self.rank(cost, isExact: false)) }

  private mutating func update(_ row: Int, _ rank: UInt32) {
    guard levels[0][row] != rank else { return }
    levels[0][row] = rank
    var place = row
    for level in 1..<max(1, levels.count) {
      let group = place / 64
      let cost = levels[level - 1][least(in: group, level: level - 1)]
      guard levels[level][group] != cost else { return }
      levels[level][group] = cost
      place = group
    }
  }

  /// The first row of the least rank; nil: no row has a group.
  var least: (row: Int, isExact: Bool)? {
    guard let top = levels.last, !top.isEmpty else { return nil }
    var place = least(in: 0, level: levels.count - 1)
    guard top[place] != .max else { return nil }
    for level in stride(from: levels.count - 2, through: 0, by: -1) { place = least(in: place, level: level) }
    return (place, levels[0][place] & 1 == 1)
  }
}
