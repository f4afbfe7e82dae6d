/// What searches for best seats remember between them: for each question that was asked lately, every line's cost and
/// the least of them. Not part of the replicated state: it only finds faster what a look at every line would find.
struct BestCache: Sendable {
  struct Question: Equatable, Sendable {
    var count: Int
    var category: UInt16?
  }

  /// Indexes that are kept, and lines in all of them together: an event of 100,000 lines keeps ten.
  private static let indexesMax = 64
  private static let linesMax = 1_000_000
  private var indexes: [BestIndex] = []
  /// Lines that changed, oldest first; each index knows how many it has seen.
  private(set) var changedLines: [UInt32] = []
  private var changedLinesMax = 0

  var isInUse: Bool { changedLinesMax > 0 }

  mutating func note(_ line: Int) {
    if changedLines.count == changedLinesMax { trim() }
    changedLines.append(UInt32(line))
  }

  /// Forgets indexes that nobody asked for during half of the list's length, then the part that the others have seen.
  /// So a list of this length costs a constant time for each change, and rebuilding an index is paid for by the changes
  /// since.
  private mutating func trim() {
    let half = changedLinesMax / 2
    indexes.removeAll { $0.seen < half }
    let seen = indexes.reduce(changedLines.count) { min($0, $1.seen) }
    changedLines.removeFirst(seen)
    for place in indexes.indices { indexes[place].seen -= seen }
    if indexes.isEmpty {
      changedLines = []
      changedLinesMax = 0
    }
  }

  /// Where the index for this question is; made if there is none.
  mutating func open(_ question: Question, lineCount: Int) -> Int {
    if let place = indexes.firstIndex(where: { $0.question == question }) { return place }
    if indexes.count >= min(Self.indexesMax, max(2, Self.linesMax / max(1, lineCount))) {
      let oldest = indexes.indices.min { indexes[$0].seen < indexes[$1].seen }!
      indexes.remove(at: oldest)
    }
    changedLinesMax = max(1_024, lineCount)
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
    indexes[place].seen = changedLines.count
  }
}

/// The lines' ranks for one question, and the least of every 64, of every 64 of those, and so on.
///
/// A line's rank is twice its cost, and one more if that cost is exact. Until a line's seats were looked at, it stands
/// there with a cost that no group of it can undercut; so an index of 100,000 lines is made in a millisecond, and only
/// lines that can be the best are looked at. Lines that may cost as much as the best one rank before it: all of them
/// are looked at.
struct BestIndex: Sendable {
  let question: BestCache.Question
  /// How many of the cache's changed lines it has taken in.
  var seen = 0
  /// Level 0: the lines.
  private var levels: [PagedArray<UInt32>] = []

  init(question: BestCache.Question) { self.question = question }

  var isNew: Bool { levels.isEmpty }

  /// Costs are below 2^30, apart from the orphan bit and `none`.
  private static func rank(_ cost: UInt32, isExact: Bool) -> UInt32 {
    if cost == BestGroup.none { return .max }
    return cost & BestGroup.orphan | (cost & ~BestGroup.orphan) << 1 | (isExact ? 1 : 0)
  }

  mutating func build(lineCount: Int, leastCost: (Int) -> UInt32) {
    var ranks = PagedArray<UInt32>()
    for line in 0..<lineCount { ranks.append(Self.rank(leastCost(line), isExact: false)) }
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

  mutating func set(_ line: Int, exactly cost: UInt32) { update(line, Self.rank(cost, isExact: true)) }
  mutating func set(_ line: Int, atLeast cost: UInt32) { update(line, Self.rank(cost, isExact: false)) }

  private mutating func update(_ line: Int, _ rank: UInt32) {
    guard levels[0][line] != rank else { return }
    levels[0][line] = rank
    var place = line
    for level in 1..<max(1, levels.count) {
      let group = place / 64
      let cost = levels[level - 1][least(in: group, level: level - 1)]
      guard levels[level][group] != cost else { return }
      levels[level][group] = cost
      place = group
    }
  }

  /// The first line of the least rank; nil: no line has a group.
  var least: (line: Int, isExact: Bool)? {
    guard let top = levels.last, !top.isEmpty else { return nil }
    var place = least(in: 0, level: levels.count - 1)
    guard top[place] != .max else { return nil }
    for level in stride(from: levels.count - 2, through: 0, by: -1) { place = least(in: place, level: level) }
    return (place, levels[0][place] & 1 == 1)
  }
}
