internal import Octets
internal import Proto

/// A segment's first 4,096 bytes. Durable before the segment has its name, so one that cannot be read is damage.
///
/// Layout, little-endian: `magic: u32 = 0x47455348` ("HSEG"), `version: u8`, `torn: u8`, `0: u16`, `first: u64`, `disk:
/// u64`, `segmentBytes: u64`, `nextGroup: u64`, `tornFrom: u64`, `tornTo: u64`, `crc: u32` of all that, zeros.
struct SegmentHeader: Equatable {
  static let byteCount = 4_096
  private static let codedBytes = 56

  /// Position of the header's own first byte.
  var first: UInt64
  /// The disk's random id: a segment of another directory is not believed.
  var disk: UInt64
  /// Bytes of the file: one that is shorter lost its end.
  var segmentBytes: UInt64
  /// Number of the first group in it.
  var nextGroup: UInt64
  /// What recovery found torn at the end of the segment before, and left there.
  var torn: Range<UInt64>?

  func encoded() -> [UInt8] {
    var out: [UInt8] = []
    out.put(UInt32(0x4745_5348))
    out.append(Format.version)
    out.append(torn == nil ? 0 : 1)
    out.put(UInt16(0))
    out.put(first)
    out.put(disk)
    out.put(segmentBytes)
    out.put(nextGroup)
    out.put(torn?.lowerBound ?? 0)
    out.put(torn?.upperBound ?? 0)
    out.put(crc32c(out.rawSpan))
    out.append(contentsOf: repeatElement(0, count: Self.byteCount - out.count))
    return out
  }

  init(first: UInt64, disk: UInt64, segmentBytes: UInt64, nextGroup: UInt64, torn: Range<UInt64>?) {
    (self.first, self.disk, self.segmentBytes, self.nextGroup) = (first, disk, segmentBytes, nextGroup)
    self.torn = torn
  }

  init(decoding input: RawSpan) throws(DecodeError) {
    var reader = ByteReader(input)
    var whole = ByteReader(input)
    let coded = try whole.bytes(Self.codedBytes)
    guard try reader.u32() == 0x4745_5348 else { throw .invalid(field: "segment magic") }
    guard try whole.u32() == crc32c(coded) else { throw .corrupt(field: "segment header") }
    let version = try reader.u8()
    guard version == Format.version else { throw .otherVersion(found: version) }
    let isTorn = try reader.u8()
    guard try reader.u16() == 0 else { throw .invalid(field: "segment padding") }
    first = try reader.u64()
    disk = try reader.u64()
    segmentBytes = try reader.u64()
    nextGroup = try reader.u64()
    let from = try reader.u64()
    let to = try reader.u64()
    guard isTorn <= 1, from <= to else { throw .invalid(field: "segment's torn stretch") }
    torn = isTorn == 1 ? from..<to : nil
  }
}

/// One file of the log.
struct Segment: Sendable {
  /// Position of its first byte; in its name, in decimal.
  let first: UInt64
  let file: any StorageFile

  static let directory = "log"
  /// A segment that waits for its name. Numbered, so that the next can be made while this one gets its name.
  static func prepared(_ number: Int) -> String { "\(directory)/next-\(number).tmp" }

  static func path(first: UInt64) -> String {
    let digits = String(first)
    return directory + "/" + String(repeating: "0", count: 20 - digits.count) + digits + ".seg"
  }

  /// The first position that a file's name says; nil if it is no segment's.
  static func first(name: String) -> UInt64? {
    guard name.hasSuffix(".seg") else { return nil }
    let digits = name.dropLast(4)
    guard digits.count == 20, digits.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
      return nil
    }
    return UInt64(digits)
  }
}
