internal import Glibc

/// Owns an open file descriptor and closes it when it goes away.
public struct FileDescriptor: ~Copyable, Sendable {
  public let rawValue: Int32

  /// Takes ownership of an open descriptor.
  public init(owning rawValue: Int32) { self.rawValue = rawValue }

  /// Gives the descriptor away; the caller closes it.
  public consuming func take() -> Int32 {
    let raw = rawValue
    discard self
    return raw
  }

  deinit { _ = close(rawValue) }
}
