internal import CHoldfast
public import Time

/// Gives freed memory back to the kernel. May take milliseconds: not for a loop's thread.
public func giveBackMemory() { chf_trim_memory() }

/// Sets what the process's allocator keeps: large pieces go back to the kernel when they are freed, not when it likes.
/// Once, first of all.
public func configureAllocator() { chf_configure_allocator() }

/// Bytes of this process that are in memory; 0: the kernel does not say.
public func residentBytes() -> Int { Int(chf_resident_bytes()) }

/// Says when freed memory should be given back to the kernel: when more has become resident since the last time than is
/// worth a look, and no longer grows. What it gives back may have been needed again soon, so that it does it seldom.
public struct MemoryWatch: Sendable {
  /// Growth below this is not worth a look, in bytes.
  public static let worthIt = 12 << 20
  /// Time between two looks, and between two times that it is done.
  public static let lookEvery: Milliseconds = 2_000
  public static let doEvery: Milliseconds = 20_000

  private var looksAt = MonotonicTime.zero
  private var doneAt = MonotonicTime(.min / 2)
  /// Resident after the last time, or at its lowest since.
  private var floor = Int.max
  private var last = 0

  public init() {}

  public func mustLook(now: MonotonicTime) -> Bool { now >= looksAt }

  /// Takes a look. True: give back now, and tell `done` what is resident then.
  public mutating func look(resident: Int, now: MonotonicTime) -> Bool {
    looksAt = now + Self.lookEvery
    defer { last = resident }
    floor = min(floor, resident)
    guard resident - floor >= Self.worthIt, now - doneAt >= Self.doEvery else { return false }
    // Still growing: what is free then is more. But not for ever: a process that grows all the time has holes too.
    guard resident <= last + (1 << 20) || now - doneAt >= 2 * Self.doEvery else { return false }
    doneAt = now
    return true
  }

  public mutating func done(resident: Int) { floor = resident }
}
