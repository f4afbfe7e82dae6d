/// The most frequent of all replies, written and read in one piece: a hold that was got.
///
/// The same bytes as `Reply.outcome(.held(…))`: `id: u32`, `form: u8 = 0`, `tag: u8 = 2`, the hold's id (20 bytes),
/// `expiresAt: i64`, `total: i64`, `version: u64`.
extension Reply {
  @inlinable public static var heldBytes: Int { 50 }

  @inlinable public static func encode(held: Outcome.Held, id: UInt32, into out: inout [UInt8]) {
    let hold = held.id
    // 50 bytes as words: a store each, and one append.
    let first = UInt64(id) | 2 << 40 | UInt64(hold.shard.rawValue) << 48
    let second = UInt64(hold.slot) | hold.sequence << 32
    let third = (hold.sequence >> 32) & 0xFFFF | hold.secret << 16
    let expiresAt = UInt64(bitPattern: held.expiresAt)
    let total = UInt64(bitPattern: held.total)
    let words: InlineArray<7, UInt64> = [
      first.littleEndian, second.littleEndian, third.littleEndian,
      (hold.secret >> 48 | expiresAt << 16).littleEndian,
      (expiresAt >> 48 | total << 16).littleEndian,
      (total >> 48 | held.version << 16).littleEndian,
      (held.version >> 48).littleEndian,
    ]
    // Safe: the array's 56 bytes are initialised; the first 50 are the reply.
    unsafe words.span.withUnsafeBytes { words in
      unsafe out.append(contentsOf: UnsafeRawBufferPointer(rebasing: words[..<heldBytes]))
    }
  }

  /// Whether the next reply says that a hold was got; then the reader stands behind it, else where it stood.
  @inlinable public static func skipHeld(_ reader: inout ByteReader) -> Bool {
    guard reader.bytesLeft >= heldBytes else { return false }
    var reading = reader
    // Safe for any bytes: a reader checks what it reads.
    guard let head = try? reading.u64(), head >> 32 & 0xFFFF == 0x0200 else { return false }
    reader.offset &+= heldBytes
    return true
  }
}
