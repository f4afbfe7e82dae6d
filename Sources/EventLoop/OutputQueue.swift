import Budgets
internal import CHoldfast

/// Bytes that wait to be sent: sealed chunks, the first of them partly sent, and an open tail that takes what is
/// written.
struct OutputQueue: Sendable {
  /// A tail this long is sealed, so that it never has to be copied to grow far; larger arrays become chunks as they
  /// are.
  static let chunkBytes = 64 << 10
  /// The most slices in one system call.
  static let slicesMax = 64

  private var chunks: [Chunk] = []
  /// The first chunk not yet sent whole, and how much of it was sent.
  private var head = 0
  private var headOffset = 0
  var tail: [UInt8] = []
  /// Bytes in the sealed chunks that still wait.
  private var sealedBytes = 0
  /// Bytes of the chunks that are this queue's own, until each was sent whole.
  private var ownChunkBytes = 0

  /// Bytes that do not change any more.
  private struct Chunk: Sendable {
    var bytes: [UInt8] = []
    /// Whose bytes these are; nil: the queue's own. Kept, so that the owner knows that somebody sends them.
    var owner: SharedBytes?
  }

  var byteCount: Int { sealedBytes + tail.count }
  var isEmpty: Bool { sealedBytes == 0 && tail.isEmpty }
  /// What would be free if the queue were dropped, without the tail's spare room.
  var ownByteCount: Int { ownChunkBytes + tail.count }

  mutating func append(_ array: [UInt8]) {
    if array.count < Self.chunkBytes / 4 {
      tail.append(contentsOf: array)
      if tail.count >= Self.chunkBytes { seal() }
    } else {
      seal()
      add(Chunk(bytes: array))
    }
  }

  /// A reference is kept, unless a copy is cheaper.
  mutating func append(_ shared: SharedBytes) {
    let bytes = shared.bytes
    if bytes.count < Self.chunkBytes / 4 {
      append(bytes)
    } else {
      seal()
      add(Chunk(bytes: bytes, owner: shared))
    }
  }

  private mutating func add(_ chunk: Chunk) {
    sealedBytes += chunk.bytes.count
    if chunk.owner == nil { ownChunkBytes += chunk.bytes.count }
    chunks.append(chunk)
  }

  mutating func append(_ span: RawSpan) {
    // Safe: the pointer is used only inside the closure, while the span lives.
    unsafe span.withUnsafeBytes { unsafe tail.append(contentsOf: $0) }
    if tail.count >= Self.chunkBytes { seal() }
  }

  mutating func seal() {
    guard !tail.isEmpty else { return }
    var chunk: [UInt8] = []
    swap(&chunk, &tail)
    add(Chunk(bytes: chunk))
  }

  /// About so much is handed to the kernel at once: a call that copies megabytes keeps the loop from everybody else.
  private static let callBytes = 96 << 10
  /// So much of one chunk, however large it is.
  private static let callBytesOfChunk = 256 << 10

  /// Sends what one system call takes. Returns the number of bytes, or -errno.
  func send(to fd: Int32) -> Int {
    if head == chunks.count {
      // Safe: the pointer is the tail's own, with its count.
      return unsafe tail.withUnsafeBytes { unsafe chf_send(fd, $0.baseAddress, $0.count) }
    }
    // Safe: arrays' elements stay where they are while `self`, which holds them, is borrowed, and nothing changes it in
    // here.
    var slices = unsafe [chf_slice]()
    unsafe slices.reserveCapacity(min(Self.slicesMax, chunks.count - head + 1))
    var skip = headOffset
    var byteCount = 0
    var isCut = false
    for chunk in chunks[head...].prefix(Self.slicesMax - 1) where byteCount < Self.callBytes {
      let count = min(chunk.bytes.count - skip, Self.callBytesOfChunk)
      byteCount += count
      unsafe chunk.bytes.withUnsafeBytes {
        unsafe slices.append(chf_slice(bytes: $0.baseAddress! + skip, count: count))
      }
      isCut = count < chunk.bytes.count - skip
      if isCut { break }
      skip = 0
    }
    let takesTail = unsafe !tail.isEmpty && !isCut && slices.count == chunks.count - head
    if takesTail {
      unsafe tail.withUnsafeBytes { unsafe slices.append(chf_slice(bytes: $0.baseAddress!, count: $0.count)) }
    }
    // Safe: the chunks are this queue's, which lives until the call has returned.
    return withExtendedLifetime(self) {
      unsafe slices.withUnsafeBufferPointer { unsafe chf_send_slices(fd, $0.baseAddress, Int32($0.count)) }
    }
  }

  /// Forgets `count` bytes that were sent.
  mutating func drop(_ count: Int) {
    var left = count
    while left > 0, head < chunks.count {
      let available = chunks[head].bytes.count - headOffset
      if left < available {
        headOffset += left
        sealedBytes -= left
        return
      }
      left -= available
      sealedBytes -= available
      if chunks[head].owner == nil { ownChunkBytes -= chunks[head].bytes.count }
      chunks[head] = Chunk()
      head += 1
      headOffset = 0
    }
    if head == chunks.count, head > 0 {
      chunks.removeAll(keepingCapacity: chunks.count <= 16)
      head = 0
    } else if head >= 64, head * 2 > chunks.count {
      chunks.removeFirst(head)
      head = 0
    }
    guard left > 0 else { return }
    if left == tail.count {
      tail.removeAll(keepingCapacity: true)
    } else {
      // The rest becomes a chunk with an offset: nothing is moved.
      precondition(left < tail.count, "more was sent than waited")
      seal()
      headOffset = left
      sealedBytes -= left
    }
  }

  /// Shows the first bytes that wait, at most `limit`, to whom takes them all.
  mutating func consumeFirst(limit: Int, _ body: (RawSpan) throws(SocketError) -> Void) throws(SocketError) {
    let count: Int
    if head == chunks.count {
      count = min(limit, tail.count)
      try body(tail.bytesSpan.extracting(..<count))
    } else {
      let chunk = chunks[head].bytes
      count = min(limit, chunk.count - headOffset)
      try body(chunk.bytesSpan.extracting(headOffset..<(headOffset + count)))
    }
    drop(count)
  }
}

/// Empty arrays with room, lent to connections while they have output, so that writing allocates nothing and an idle
/// connection keeps nothing.
struct BufferPool {
  private static let capacityMin = 8 << 10
  private static let capacityMax = 256 << 10
  private static let countMax = 64
  /// What they may take together: a peak's arrays are not kept.
  private static let bytesMax = 2 << 20
  private var byteCount = 0
  private var arrays: [[UInt8]] = []

  mutating func take() -> [UInt8] {
    if let array = arrays.popLast() {
      byteCount -= array.capacity
      return array
    }
    var array: [UInt8] = []
    array.reserveCapacity(Self.capacityMin)
    return array
  }

  /// Takes back an empty array.
  mutating func give(_ array: consuming [UInt8]) {
    guard arrays.count < Self.countMax, array.capacity >= Self.capacityMin, array.capacity <= Self.capacityMax,
      byteCount + array.capacity <= Self.bytesMax
    else { return }
    byteCount += array.capacity
    arrays.append(array)
  }
}
