internal import Octets
internal import Proto

/// A log as it is found on the disk: everything read once and verified, nothing written. What opening and `log verify`
/// share.
struct LogImage {
  /// One segment as it was found.
  struct SegmentFound: Sendable {
    var segment: Segment
    var fileBytes: Int
    /// nil: it could not be read.
    var header: SegmentHeader?
    /// Positions that its frames cover.
    var range: Range<UInt64>
    var frameCount: Int
    var recordCount: Int
  }

  /// A snapshot file, and what it says if all of it can be read.
  struct SnapshotFound {
    var shard: ShardID
    var index: UInt64
    var header: SnapshotHeader?
  }

  var segments: [SegmentFound] = []
  var unreadable: [UnreadableStretch] = []
  /// Where torn groups lay: from the first torn byte to the group's end.
  var tornRegions: [Range<UInt64>] = []
  var shards: [ShardIndex] = []
  var snapshots: [SnapshotFound] = []
  var nextGroup: UInt64 = 1
  /// Behind the last group, or behind what is torn.
  var end: UInt64 = 0
  /// What the next segment's header must name.
  var torn: Range<UInt64>?
  /// Nothing more may be written to the last segment.
  var isLastClosed = true

  var view: LogView {
    LogView(segments: segments.map(\.segment), unreadable: unreadable, end: end)
  }

  /// Reads the directory. `settling`: makes sure that what is read of the last segments is on the disk.
  init(
    _ storage: any Storage, disk: UInt64, settling: Bool, progress: ((RecoveryProgress) -> Void)?
  ) throws(StorageError) {
    let firsts = try storage.list(Segment.directory).compactMap { Segment.first(name: $0) }.sorted()
    var found: [(Segment, Int)] = []
    for first in firsts {
      let file = try storage.open(Segment.path(first: first))
      found.append((Segment(first: first, file: file), try file.byteCount()))
    }
    // Only the last two can have been written to when the process ended.
    if settling { for (segment, _) in found.suffix(2) { try segment.file.settle() } }
    let bytesTotal = found.reduce(0) { $0 + $1.1 }
    var bytesDone = 0
    for (place, (segment, fileBytes)) in found.enumerated() {
      let next = place + 1 < found.count ? found[place + 1].0.first : nil
      try read(segment, fileBytes: fileBytes, next: next, disk: disk)
      bytesDone += fileBytes
      progress?(
        RecoveryProgress(
          bytesDone: bytesDone, bytesTotal: bytesTotal, recordsDone: segments.reduce(0) { $0 + $1.recordCount }))
    }
    try findSnapshots(storage)
    // A snapshot that was sealed further on shows that the log was longer.
    let sealed = snapshots.compactMap { $0.header?.replayPosition }.max() ?? 0
    if sealed > end {
      unreadable.append(UnreadableStretch(kind: .damage, range: end..<sealed))
      (end, isLastClosed) = (sealed, true)
    }
  }

  private mutating func read(_ segment: Segment, fileBytes: Int, next: UInt64?, disk: UInt64) throws(StorageError) {
    var data: [UInt8] = []
    let used = next.map { Int(clamping: $0 - segment.first) } ?? fileBytes
    data.reserveCapacity(min(used, fileBytes))
    _ = try segment.file.read(min(used, fileBytes), at: 0, into: &data)

    var header = try? SegmentHeader(decoding: data.rawSpan)
    if header?.first != segment.first || header?.disk != disk { header = nil }
    name(torn: header?.torn)

    var scan = SegmentScan(first: segment.first, disk: disk)
    // Moved out, so that the scan's callback can change it while the rest stays where it is.
    var shards: [ShardIndex] = []
    swap(&shards, &self.shards)
    let result = scan.scan(data.rawSpan, nextGroup: max(nextGroup, header?.nextGroup ?? 0), isLast: next == nil) {
      let place = Int($0.shard.rawValue)
      while shards.count <= place { shards.append(ShardIndex()) }
      shards[place].note($0, at: $1, segment: segment.first)
    }
    swap(&shards, &self.shards)
    nextGroup = result.nextGroup

    // A segment's header was durable before the segment had its name.
    let firstGroup = segment.first + UInt64(SegmentHeader.byteCount)
    if header == nil { unreadable.append(UnreadableStretch(kind: .damage, range: segment.first..<firstGroup)) }
    for range in result.unreadable where range.upperBound > firstGroup {
      let isTear = next == nil && range.lowerBound >= result.lastBatch ?? firstGroup && header != nil
      unreadable.append(UnreadableStretch(kind: isTear ? .tear : .damage, range: range))
    }
    end = max(result.end, firstGroup)
    if let next, end < next {
      // The file ends before its part of the log does, or one behind it is gone.
      unreadable.append(UnreadableStretch(kind: .damage, range: end..<next))
      end = next
    }
    segments.append(
      SegmentFound(
        segment: segment, fileBytes: fileBytes, header: header, range: segment.first..<end,
        frameCount: result.frameCount, recordCount: result.recordCount))
    if next == nil { closeLast(header, fileBytes: fileBytes) }
  }

  /// Decides whether the last segment can be gone on with.
  private mutating func closeLast(_ header: SegmentHeader?, fileBytes: Int) {
    isLastClosed = header == nil
    if let header, UInt64(fileBytes) < header.segmentBytes {
      isLastClosed = true
      if unreadable.last?.range.upperBound ?? 0 < end {
        // The file is shorter than it was made: groups at its end may be gone without a trace.
        unreadable.append(UnreadableStretch(kind: .tear, range: end..<(end + 1)))
        end += 1
      }
    }
    guard let first = segments.last?.segment.first,
      let tear = unreadable.first(where: { $0.kind == .tear && $0.range.lowerBound >= first })
    else { return }
    torn = tear.range.lowerBound..<end
    isLastClosed = true
    tornRegions.append(tear.range.lowerBound..<end)
  }

  /// A segment's header says that the end of the one before was torn.
  private mutating func name(torn: Range<UInt64>?) {
    guard let torn else { return }
    tornRegions.append(torn)
    var isFound = false
    for place in unreadable.indices
    where unreadable[place].range.lowerBound >= torn.lowerBound && unreadable[place].range.upperBound <= torn.upperBound
    {
      (unreadable[place].kind, unreadable[place].isSettled) = (.tear, true)
      isFound = true
    }
    if !isFound { unreadable.append(UnreadableStretch(kind: .tear, range: torn, isSettled: true)) }
  }

  private mutating func findSnapshots(_ storage: any Storage) throws(StorageError) {
    for name in try storage.list(SnapshotFile.directory) {
      guard let (shard, index) = SnapshotFile.parse(name: name) else { continue }
      snapshots.append(SnapshotFound(shard: shard, index: index, header: Self.verified(name, shard, index, storage)))
    }
    snapshots.sort { ($0.shard, $1.index) < ($1.shard, $0.index) }
  }

  /// The header of a snapshot of which every byte was verified.
  private static func verified(
    _ name: String, _ shard: ShardID, _ index: UInt64, _ storage: any Storage
  ) -> SnapshotHeader? {
    guard let reader = try? SnapshotReader(SnapshotFile.directory + "/" + name, in: storage),
      reader.header.shard == shard, reader.header.end.index == index, (try? reader.verify()) != nil
    else { return nil }
    return reader.header
  }
}
