import JSON
import Octets
import Proto
import RouterCore
import Time

/// The JSON of queues and of places in them.
extension [UInt8] {
  mutating func putQueue(_ info: QueueInfo) {
    putJSON("{\"event\":")
    putJSONString(bytes: info.eventID)
    putJSON(",\"state\":\"")
    append(contentsOf: info.state.name.description.utf8)
    putJSON("\",\"waiting\":")
    putJSON(info.waiting)
    putJSON(",\"called\":")
    putJSON(info.called)
    putJSON(",\"inside\":")
    putJSON(info.inside)
    putJSON(",\"admitted\":")
    putJSON(info.admitted)
    putJSON(",\"admit_per_minute\":")
    putJSON(info.room.admitPerMinute)
    putJSON(",\"max_inside\":")
    if let limit = info.room.maxInside { putJSON(limit) } else { putJSON("null") }
    putJSON(",\"opens_at\":")
    putTime(info.room.opensAt)
    putJSON(",\"starts_at\":")
    putTime(info.startsAt)
    putJSON(",\"commitment\":")
    putHexOrNull(info.commitment)
    putJSON(",\"seed\":")
    putHexOrNull(info.seed)
    putJSON(",\"message\":")
    if info.message.isEmpty { putJSON("null") } else { putJSONString(bytes: info.message) }
    putJSON("}")
  }

  /// - Parameters:
  ///   - pass: of a buyer who is inside.
  ///   - now: of the wall clock.
  mutating func putPlace(_ info: PlaceInfo, pass: [UInt8]?, at now: Stamp) {
    let outlook = PlaceOutlook(info, at: now)
    putJSON("{\"place\":\"")
    info.place.write(into: &self)
    putJSON("\",\"event\":")
    putJSONString(bytes: info.queue.eventID)
    putJSON(",\"state\":\"")
    append(contentsOf: outlook.state.description.utf8)
    putJSON("\",\"number\":")
    if let position = info.position { putJSON(UInt64(position) + 1) } else { putJSON("null") }
    putJSON(",\"ahead\":")
    if let ahead = outlook.ahead { putJSON(ahead) } else { putJSON("null") }
    putJSON(",\"eta_seconds\":")
    if let eta = outlook.eta {
      putJSON("[")
      putJSON(eta.lowerBound)
      putJSON(",")
      putJSON(eta.upperBound)
      putJSON("]")
    } else {
      putJSON("null")
    }
    putJSON(",\"refresh_after\":")
    // The pass is made within a second, if there was no key before.
    putJSON(info.state == .inside && pass == nil ? 1 : outlook.refreshAfter)
    putJSON(",\"pass\":")
    if let pass { putJSONString(pass.rawSpan) } else { putJSON("null") }
    putJSON(",\"pass_expires_at\":")
    putTime(info.state == .inside ? info.until : nil)
    putJSON("}")
  }

  private mutating func putTime(_ time: Stamp?) {
    if let time { putJSONTime(time) } else { putJSON("null") }
  }

  private mutating func putHexOrNull(_ bytes: Bytes) {
    if bytes.isEmpty { return putJSON("null") }
    putJSON("\"")
    for byte in bytes.array {
      for digit in [byte >> 4, byte & 15] {
        append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
      }
    }
    putJSON("\"")
  }
}

extension QueueState {
  var name: StaticString {
    switch self {
    case .closed: "closed"
    case .open: "open"
    case .running: "running"
    case .paused: "paused"
    case .drained: "drained"
    }
  }
}

/// What a buyer is told about the time until the call.
struct PlaceOutlook {
  /// As the API says it.
  let state: StaticName
  /// Places that are called before this one, at most: some of them may have gone. nil: it is not drawn yet, or has
  /// been called.
  let ahead: UInt32?
  /// Seconds, from the 10th to the 90th percentile; nil: unknown, or nothing to wait for.
  let eta: ClosedRange<Int64>?
  /// Seconds after which it is worth asking again.
  let refreshAfter: Int64

  init(_ info: PlaceInfo, at now: Stamp) {
    let queue = info.queue
    let hasStarted = !queue.seed.isEmpty
    let untilStart = hasStarted ? 0 : max(0, ((queue.startsAt ?? now) - now + 999).seconds)
    switch info.state {
    case .called, .inside, .left, .passedOver:
      state =
        switch info.state {
        case .called: "called"
        case .inside: "inside"
        case .left: "left"
        case .waiting, .passedOver: "passed_over"
        }
      ahead = info.state == .passedOver ? 0 : nil
      eta = nil
      refreshAfter = info.state == .inside ? 20 : 2
    case .waiting:
      state = hasStarted ? "waiting" : "early"
      ahead = info.position.map { $0 - Swift.min($0, queue.nextPosition) }
      // Not drawn: from the first to the last of all that are there.
      let (first, last) = (UInt64(ahead ?? 0) + 1, UInt64(ahead ?? queue.joined) + 1)
      guard let rate = Self.rate(queue), queue.state != .paused else {
        (eta, refreshAfter) = (nil, Swift.max(5, Swift.min(20, untilStart / 2)))
        return
      }
      let low = untilStart + Int64(clamping: first * 1_000 / rate.high)
      let high = untilStart + Int64(clamping: (last * 1_000 + rate.low - 1) / rate.low) + 1
      eta = low...Swift.max(low, high)
      refreshAfter = Swift.max(1, Swift.min(20, low / 8))
    }
  }

  /// Positions in a thousand seconds, as the last minutes or else the set rate let expect them, with what they may be
  /// off.
  private static func rate(_ queue: QueueInfo) -> (low: UInt64, high: UInt64)? {
    let measured = queue.recentTime >= 10_000 && queue.recentPositions > 0
    let rate =
      measured
      ? UInt64(queue.recentPositions) * 1_000_000 / UInt64(queue.recentTime.rawValue)
      : UInt64(queue.room.admitPerMinute) * 1_000 / 60
    guard rate > 0 else { return nil }
    return (Swift.max(1, rate * 8 / 10), rate * 125 / 100 + 1)
  }
}
