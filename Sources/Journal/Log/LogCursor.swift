internal import Octets
internal import Proto

/// The log as it stood at one moment: what a reader needs, so that it reads without the lock.
struct LogView: Sendable {
  /// Oldest first.
  var segments: [Segment]
  var unreadable: [UnreadableStretch]
  /// Behind the last group that was written.
  var end: UInt64

  /// The segment that holds a position, and where its part of the log ends.
  func segment(at position: UInt64) -> (segment: Segment, end: UInt64)? {
    guard let place = segments.lastIndex(where: { $0.first <= position }) else { return nil }
    let end = place + 1 < segments.count ? segments[place + 1].first : end
    return (segments[place], end)
  }

  /// Where reading goes on if `position` cannot be read.
  func readable(from position: UInt64) -> UInt64 {
    for stretch in unreadable where stretch.range.contains(position) { return stretch.range.upperBound }
    return position
  }
}

/// Reads a log's frames one after the other, header by header; blocks are not verified here.
struct LogCursor {
  let view: LogView
  /// Where the next frame is looked for.
  private(set) var position: UInt64
  /// Where the last one given began.
  private(set) var framePosition: UInt64 = 0
  private var buffer: [UInt8] = []
  private var bufferStart: UInt64 = 0
  private var frameRange = 0..<0

  private static var readBytes: Int { 256 << 10 }

  init(_ view: LogView, from position: UInt64) { (self.view, self.position) = (view, position) }

  /// The bytes of the frame that `next` gave.
  var frame: RawSpan {
    @_lifetime(borrow self)
    get { buffer.rawSpan.extracting(frameRange) }
  }

  /// The next frame of any shard and kind; nil at the end.
  mutating func next() throws(JournalError) -> LogFrame? {
    while position < view.end {
      guard let (segment, end) = view.segment(at: position) else {
        // What was asked for is older than the log: begin where the log does.
        guard let oldest = view.segments.first else { return nil }
        position = max(oldest.first, position + 1)
        continue
      }
      if position - segment.first < UInt64(SegmentHeader.byteCount) {
        position = segment.first + UInt64(SegmentHeader.byteCount)
        continue
      }
      let readable = view.readable(from: position)
      guard readable == position else {
        position = readable
        continue
      }
      guard position < end else { return nil }
      try fill(LogFrame.headerBytes, segment, end)
      let header: LogFrame
      do {
        var reader = ByteReader(buffered())
        header = try LogFrame(decoding: &reader)
      } catch {
        throw .damaged(path: Segment.path(first: segment.first), offset: Int(position - segment.first))
      }
      try fill(header.frameBytes, segment, end)
      let start = Int(position - bufferStart)
      frameRange = start..<(start + header.frameBytes)
      framePosition = position
      position += UInt64(header.frameBytes)
      return header
    }
    return nil
  }

  /// Goes to a position further on.
  mutating func skip(to position: UInt64) { self.position = max(self.position, position) }

  @_lifetime(borrow self)
  private func buffered() -> RawSpan {
    buffer.rawSpan.extracting(Int(position - bufferStart)..<buffer.count)
  }

  /// Makes sure that `count` bytes from `position` are in the buffer.
  private mutating func fill(_ count: Int, _ segment: Segment, _ end: UInt64) throws(JournalError) {
    if position >= bufferStart, position + UInt64(count) <= bufferStart + UInt64(buffer.count) { return }
    guard position + UInt64(count) <= end else {
      throw .damaged(path: Segment.path(first: segment.first), offset: Int(position - segment.first))
    }
    buffer.removeAll(keepingCapacity: true)
    bufferStart = position
    let wanted = min(max(count, Self.readBytes), Int(end - position))
    do {
      _ = try segment.file.read(wanted, at: Int(position - segment.first), into: &buffer)
    } catch {
      throw .storage(error)
    }
    guard buffer.count >= count else {
      throw .damaged(path: Segment.path(first: segment.first), offset: Int(position - segment.first))
    }
  }
}
