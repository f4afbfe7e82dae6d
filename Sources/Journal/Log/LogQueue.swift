import Proto

/// Whether the node's log takes what a turn would hand it.
package enum LogRoom: Sendable {
  case open
  /// No segment can be had.
  case full
  /// Too much waits for the disk.
  case busy
}

/// The entries that wait for a node's log writer, and the rules for how many may wait. Both the writer thread of a node
/// and the simulator's writer follow these rules.
package struct LogQueue: Sendable {
  private var entries: [LogEntry] = []
  /// Handed over and not yet written.
  private(set) var byteCount = 0
  /// A segment cannot be made for lack of space.
  package var lacksSpace = false
  /// What was told last: commands must be refused.
  package private(set) var isReportedFull = false

  /// Bytes that may wait to be written.
  package static let bytesMax = 128 << 20
  /// Bytes after which a group takes no more entries: what one sync should not wait behind.
  private static let groupBytesMax = 8 << 20
  /// What a turn may add to what room was asked for: headers, ticks, another loop's small frames.
  private static let turnBytes = 64 << 10

  package init() {}

  package var isEmpty: Bool { entries.isEmpty }

  /// Takes entries; each shard's are written in the order in which they came. False, and nothing was taken: too much
  /// waits already, or an entry is larger than a segment.
  package mutating func add(_ added: [LogEntry], byteCount addedBytes: Int, _ log: Log) -> Bool {
    guard byteCount + addedBytes <= Self.bytesMax, added.allSatisfy({ $0.frameBytes <= Self.entryBytesMax(log) }) else {
      return false
    }
    entries += added
    byteCount += addedBytes
    return true
  }

  /// All that waits, in order. It counts until it is `written`.
  package mutating func takeAll() -> [LogEntry] {
    var taken: [LogEntry] = []
    swap(&taken, &entries)
    return taken
  }

  /// How many of these entries one write takes, and their bytes.
  package static func group(of waiting: ArraySlice<LogEntry>, _ log: Log) -> (count: Int, byteCount: Int) {
    let bytesMax = min(groupBytesMax, log.options.segmentBytes / 2)
    var group = (count: 0, byteCount: 0)
    for entry in waiting {
      guard group.count == 0 || group.byteCount + entry.frameBytes <= bytesMax else { break }
      group = (group.count + 1, group.byteCount + entry.frameBytes)
    }
    return group
  }

  package mutating func written(byteCount written: Int) { byteCount -= written }

  // MARK: Room

  /// Room that is left to markers, epochs and what several loops were promised at once.
  private static func marginBytes(_ log: Log) -> Int { min(4 << 20, log.options.segmentBytes / 4) }

  /// What a segment can hold.
  private static func entryBytesMax(_ log: Log) -> Int {
    log.options.segmentBytes - SegmentHeader.byteCount - LogFrame.headerBytes
  }

  private static func hasRoom(_ byteCount: Int, _ log: Log) -> Bool {
    byteCount + marginBytes(log) <= log.bytesLeft || (log.hasPreparedSegment && byteCount <= entryBytesMax(log))
  }

  /// Whether a batch whose frame has up to so many bytes may be applied now: asked before, so that a full disk is met
  /// while nothing has happened.
  package func canAccept(_ added: Int, _ log: Log) -> Bool {
    byteCount + added <= Self.bytesMax && Self.hasRoom(byteCount + added, log)
  }

  /// The room for a turn that would hand over so many bytes.
  ///
  /// - Parameter ofRequests: what has no room for lack of space is refused as such. Smaller ones may still fit, but
  ///   what these wait for is room on the disk.
  package func room(for added: Int, ofRequests: Bool, _ log: Log) -> LogRoom {
    if isReportedFull { return .full }
    let extra = min(Self.turnBytes, log.options.segmentBytes / 8)
    if canAccept(added + extra, log) { return .open }
    return ofRequests && lacksSpace ? .full : .busy
  }

  /// Whether the disk is full, if that is news. Full is what one cannot write at: a segment ahead may be missing while
  /// there is room in the last.
  package mutating func newFullness(_ log: Log) -> Bool? {
    let isFull = lacksSpace && !Self.hasRoom(byteCount + Self.marginBytes(log), log)
    guard isFull != isReportedFull else { return nil }
    isReportedFull = isFull
    return isFull
  }

  /// A group waits for a segment. True, once: there is no space for one, and that is to be told.
  package mutating func isStuck() -> Bool {
    guard lacksSpace, !isReportedFull else { return false }
    isReportedFull = true
    return true
  }
}
