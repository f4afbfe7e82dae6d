internal import CHoldfast

/// What epoll says of a descriptor.
enum EpollFlags {
  static let input = UInt32(chf_epoll_in)
  static let output = UInt32(chf_epoll_out)
  static let error = UInt32(chf_epoll_error)
  /// Both directions are shut.
  static let hangUp = UInt32(chf_epoll_hangup)
  /// The peer will send no more.
  static let peerEnded = UInt32(chf_epoll_peer_ended)
}

/// Something with a descriptor that a loop watches: a connection, a listener, the signals. All calls on the loop's
/// thread.
protocol EventSource: AnyObject {
  /// What epoll said.
  func ready(_ flags: UInt32)
  /// It asked to be looked at again with `lookAgain`.
  func readyAgain()
  /// A tick it was listed for in the wheel has come.
  func wheelReached(tick: UInt64, now: UInt64)
  /// The loop stops: let go of everything.
  func loopEnds()
}

extension EventSource {
  func readyAgain() {}
  func wheelReached(tick: UInt64, now: UInt64) {}
}

/// The sources by token. A token is a place and a generation, so that an event for a source that went away in the same
/// turn finds nothing, and not its successor.
struct SourceTable {
  /// The token of the loop's own wake-up.
  static let noSource = UInt64.max

  private struct Slot {
    var source: (any EventSource)?
    var generation: UInt32 = 0
  }
  private var slots: [Slot] = []
  private var free: [UInt32] = []

  mutating func insert(_ source: any EventSource) -> UInt64 {
    let place: UInt32
    if let reused = free.popLast() {
      place = reused
    } else {
      place = UInt32(slots.count)
      slots.append(Slot())
    }
    slots[Int(place)].source = source
    return UInt64(slots[Int(place)].generation) << 32 | UInt64(place)
  }

  mutating func remove(_ token: UInt64) {
    let place = Int(token & 0xFFFF_FFFF)
    guard self[token] != nil else { return }
    slots[place].source = nil
    slots[place].generation &+= 1
    free.append(UInt32(place))
  }

  subscript(token: UInt64) -> (any EventSource)? {
    let place = Int(token & 0xFFFF_FFFF)
    guard place < slots.count, slots[place].generation == UInt32(truncatingIfNeeded: token >> 32) else { return nil }
    return slots[place].source
  }

  var all: [any EventSource] { slots.compactMap { $0.source } }
}

/// Where `epoll_wait` writes: 256 events.
@safe final class EventBuffer {
  private let storage = UnsafeMutableBufferPointer<chf_event>.allocate(capacity: 256)

  // Safe: allocated above with room for 256 events, all of them initialised here, freed once.
  init() { unsafe storage.initialize(repeating: chf_event()) }
  deinit { unsafe storage.deallocate() }

  /// The number of events; an interrupted wait has none.
  func wait(_ epoll: Int32, timeout: Int64) -> Int {
    // Safe: the shim writes at most 256 events.
    let count = max(0, Int(unsafe chf_epoll_wait(epoll, storage.baseAddress, 256, timeout)))
    isFull = count == 256
    return count
  }

  /// The last wait found as many as fit: there may be more.
  private(set) var isFull = false

  subscript(position: Int) -> (token: UInt64, flags: UInt32) {
    precondition(position >= 0 && position < 256)
    // Safe: checked above, and all 256 are initialised.
    let event = unsafe storage[position]
    return (event.token, event.events)
  }
}
