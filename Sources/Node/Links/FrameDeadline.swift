import EventLoop

/// A frame that has begun must be whole in time: half of one takes memory for nothing.
struct FrameDeadline {
  private let time: Duration
  private var isSet = false

  init(after time: Duration) { self.time = time }

  /// `consumed` of `byteCount` bytes were whole frames; a rest is the beginning of the next one.
  mutating func look(consumed: Int, of byteCount: Int, _ connection: Connection) {
    if consumed < byteCount {
      if consumed > 0 || !isSet { connection.setDeadline(after: time) }
      isSet = true
    } else if isSet {
      connection.clearDeadline()
      isSet = false
    }
  }

  /// Closes the connection, unless it is this process that does not read.
  func passed(_ connection: Connection) {
    if connection.isReadingPaused || connection.isOverOutputLimit {
      connection.setDeadline(after: time)
    } else {
      connection.abort(reason: .deadline)
    }
  }
}
