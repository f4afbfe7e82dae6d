internal import CHoldfast

/// Random numbers from the kernel, drawn 1 KiB at a time: a few nanoseconds each, where a system call costs hundreds.
/// Fit for secrets. Belongs to one loop or thread.
public struct RandomPool: RandomNumberGenerator {
  private var words: [UInt64] = []

  public init() {}

  public mutating func next() -> UInt64 {
    if let word = words.popLast() { return word }
    words = unsafe [UInt64](unsafeUninitializedCapacity: 128) { buffer, initialized in
      // Safe: the kernel fills exactly the buffer's 1,024 bytes, or the process stops.
      let error = unsafe chf_random(buffer.baseAddress, 1_024)
      precondition(error == 0, "the kernel has no random bytes (errno \(error))")
      initialized = 128
    }
    return words.removeLast()
  }
}
