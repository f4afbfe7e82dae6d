internal import CLZ4
internal import Proto

/// LZ4 with a state and a buffer that are kept for the next block. One for each thread.
///
/// `unsafe` in this file: state and buffer are this value's own, have the sizes that LZ4 is told, and are freed once.
@safe struct LZ4Compressor: ~Copyable {
  /// LZ4's hash table, about 16 KiB; each compression resets it.
  private let state: UnsafeMutableRawPointer
  private var buffer: UnsafeMutableRawBufferPointer
  private var blockBytes = 0

  /// A buffer that one huge frame made larger than this is given back afterwards.
  private static var keptBytesMax: Int { 1 << 20 }

  init() {
    unsafe state = UnsafeMutableRawPointer.allocate(byteCount: Int(LZ4_sizeofState()), alignment: 16)
    unsafe buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
  }

  deinit {
    unsafe state.deallocate()
    unsafe buffer.deallocate()
  }

  /// A frame of many megabytes is one event's plan. It is compressed less and faster: its shard waits for it.
  private static func acceleration(_ byteCount: Int) -> Int32 { byteCount > 1 << 20 ? 256 : 1 }

  /// Compresses `raw` and keeps the block for `append`. Returns the block's length.
  mutating func compress(_ raw: RawSpan) -> Int {
    precondition(raw.byteCount <= Int(LZ4_MAX_INPUT_SIZE), "callers cap what they compress")
    let bound = Int(LZ4_compressBound(Int32(raw.byteCount)))
    if unsafe buffer.count < bound || (buffer.count > Self.keptBytesMax && bound <= Self.keptBytesMax) {
      unsafe buffer.deallocate()
      unsafe buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bound, 64 << 10), alignment: 16)
    }
    // Safe: LZ4 reads `raw.byteCount` bytes, writes at most the buffer's length, and keeps no pointer.
    blockBytes = unsafe raw.withUnsafeBytes { input in
      let source = unsafe input.baseAddress?.assumingMemoryBound(to: CChar.self)
      let target = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      return unsafe Int(
        LZ4_compress_fast_extState(
          state, source, target, Int32(raw.byteCount), Int32(clamping: buffer.count), Self.acceleration(raw.byteCount)))
    }
    precondition(blockBytes > 0, "LZ4 never fails when the buffer is as large as its bound")
    return blockBytes
  }

  /// Appends the block that `compress` made.
  func append(to out: inout [UInt8]) {
    // Safe: the first `blockBytes` bytes of the buffer were written by `compress`.
    unsafe out.append(contentsOf: UnsafeRawBufferPointer(start: buffer.baseAddress, count: blockBytes))
  }
}

/// Decompresses one block into the start of `out`, which must have room for `rawBytes`. False unless it makes exactly
/// that many.
func decompressLZ4(_ block: RawSpan, into out: inout [UInt8], rawBytes: Int) -> Bool {
  precondition(out.count >= rawBytes, "callers make room")
  guard block.byteCount <= Int(Int32.max), rawBytes <= Int(Int32.max) else { return false }
  // Safe: LZ4's safe decoder reads only the block and writes only `rawBytes` bytes, for any input.
  let written = unsafe block.withUnsafeBytes { input in
    unsafe out.withUnsafeMutableBytes { output in
      unsafe LZ4_decompress_safe(
        input.baseAddress?.assumingMemoryBound(to: CChar.self), output.baseAddress?.assumingMemoryBound(to: CChar.self),
        Int32(block.byteCount), Int32(rawBytes))
    }
  }
  return written == rawBytes
}
