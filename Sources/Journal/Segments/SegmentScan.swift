internal import Octets
internal import Proto
import Time

/// Reads one segment front to back, verifies everything, and finds where it can be read again behind what cannot.
struct SegmentScan: ~Copyable {
  struct Result {
    /// Behind the last group, or behind the last byte that is not zero if that is torn.
    var end: UInt64
    /// In order; each at least one byte.
    var unreadable: [Range<UInt64>] = []
    var lastBatch: UInt64?
    var nextGroup: UInt64
    var frameCount = 0
    var recordCount = 0
  }

  let first: UInt64
  let disk: UInt64
  private var decoder = FrameDecoder()

  init(first: UInt64, disk: UInt64) { (self.first, self.disk) = (first, disk) }

  /// `data`: the segment's bytes as far as they count. `isLast`: zeros may follow the last group.
  mutating func scan(
    _ data: RawSpan, nextGroup: UInt64, isLast: Bool, _ visit: (LogFrame, _ position: UInt64) -> Void
  ) -> Result {
    var result = Result(end: first, nextGroup: nextGroup)
    var offset = min(SegmentHeader.byteCount, data.byteCount)
    // Where the group ends that `offset` is in; nil behind a stretch that may have held a group's beginning.
    var groupEnd: Int? = offset
    while offset < data.byteCount {
      if let frame = frame(in: data, at: offset) {
        if frame.kind == .batch {
          groupEnd = offset + LogFrame.headerBytes + Int(frame.committed)
          result.lastBatch = first + UInt64(offset)
          result.nextGroup = frame.firstIndex + 1
        } else {
          result.frameCount += 1
          if frame.kind == .records { result.recordCount += Int(frame.count) }
          visit(frame, first + UInt64(offset))
        }
        offset += frame.frameBytes
        continue
      }
      if isLast, offset >= groupEnd ?? 0, data.lastNonZero(from: offset) == nil {
        if groupEnd == nil { result.unreadable.append(stretch(offset, offset)) }
        break
      }
      if let next = nextFrame(in: data, after: offset) {
        result.unreadable.append(stretch(offset, next))
        if next > groupEnd ?? 0 { groupEnd = nil }
        offset = next
      } else {
        let written = data.lastNonZero(from: offset).map { $0 + 1 } ?? offset
        let end = isLast ? max(written, min(groupEnd ?? 0, data.byteCount)) : data.byteCount
        result.unreadable.append(stretch(offset, end))
        offset = end
        groupEnd = offset
        break
      }
    }
    // The data end inside a group: what is missing is unreadable too.
    if offset < groupEnd ?? 0 { result.unreadable.append(stretch(offset, offset)) }
    result.end = max(first + UInt64(offset), result.unreadable.last?.upperBound ?? 0)
    return result
  }

  private func stretch(_ from: Int, _ to: Int) -> Range<UInt64> {
    (first + UInt64(from))..<(first + UInt64(max(to, from + 1)))
  }

  /// The verified frame at an offset.
  private mutating func frame(in data: RawSpan, at offset: Int) -> LogFrame? {
    var reader = ByteReader(data.extracting(offset..<data.byteCount))
    guard let frame = try? decoder.decode(&reader) else { return nil }
    if frame.kind == .batch {
      guard frame.previousChain == disk, frame.stamp.rawValue == Int64(first) + Int64(offset),
        frame.committed <= UInt64(Int32.max)
      else { return nil }
    }
    return frame
  }

  /// Where the next verified frame begins.
  private mutating func nextFrame(in data: RawSpan, after offset: Int) -> Int? {
    var candidate = offset + 1
    while candidate + LogFrame.headerBytes <= data.byteCount {
      // Safe: at least a header's bytes are left.
      let word = unsafe data.unsafeLoadUnaligned(fromUncheckedByteOffset: candidate, as: UInt32.self)
      if word == LogFrame.magic.littleEndian, frame(in: data, at: candidate) != nil { return candidate }
      candidate += 1
    }
    return nil
  }
}

extension RawSpan {
  /// Offset of the last byte that is not zero, from `offset` on.
  func lastNonZero(from offset: Int) -> Int? {
    var end = byteCount
    while end - offset >= 8 {
      // Safe: eight bytes lie between `offset` and `end`, which is inside the span.
      if unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: end - 8, as: UInt64.self) != 0 { break }
      end -= 8
    }
    while end > offset {
      // Safe: `end - 1` is inside the span.
      if unsafe unsafeLoad(fromUncheckedByteOffset: end - 1, as: UInt8.self) != 0 { return end - 1 }
      end -= 1
    }
    return nil
  }
}
