internal import CHoldfast

/// A thread of its own, for what waits or takes long. Exactly one of `join` and `detach` is called, once.
public struct Thread: Sendable {
  private let handle: UInt64

  /// The system gives no thread.
  public struct Failure: Error, Sendable {
    public let errno: Int32
  }

  /// - Parameter name: at most 15 bytes, for `top` and `strace`.
  public init(name: String, _ body: @escaping @Sendable () -> Void) throws(Failure) {
    var handle: UInt64 = 0
    let box = unsafe Unmanaged.passRetained(Body(body))
    // Safe: the body is retained here and released by the thread or, if there is none, below; once.
    let error = unsafe chf_thread_start(&handle, name, runBody, box.toOpaque())
    guard error == 0 else {
      unsafe box.release()
      throw Failure(errno: error)
    }
    self.handle = handle
  }

  /// A thread without which the process cannot go on.
  public static func needed(name: String, _ body: @escaping @Sendable () -> Void) -> Thread {
    do throws(Failure) {
      return try Thread(name: name, body)
    } catch {
      preconditionFailure("the system gives no thread: error \(error.errno)")
    }
  }

  /// Lets other threads go before the calling one from now on: it gets a thirtieth of what they get where all want to
  /// run.
  static func stepBack() { chf_thread_nice(15) }

  /// Waits for its end.
  public func join() { _ = chf_thread_join(handle) }

  /// It ends by itself.
  public func detach() { _ = chf_thread_detach(handle) }
}

private final class Body: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Not a closure: one that is written in isolated code would be isolated itself, and die on another thread.
private nonisolated func runBody(_ body: UnsafeMutableRawPointer?) {
  guard let body = unsafe body else { return }
  // Safe: `init` retained a `Body` for this call.
  unsafe Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run()
}
