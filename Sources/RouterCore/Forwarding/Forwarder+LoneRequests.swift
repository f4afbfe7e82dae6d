package import Proto
package import Time

// Queries with large answers, and large commands, travel apart from everything else, each in a frame of its own: a
// frame with one among buyers' commands would keep the next commands back until its answer came. Of the answers few are
// on their way at a time, because they take memory wherever they wait; and a large command is not copied.
extension Forwarder {
  /// Queues a query whose answer will have about `expectedBytes`. It leaves behind all that was submitted to its shard
  /// before it, once that is answered: a client's read sees what the same client did before. What comes later may pass
  /// it: a door lets nothing of the same client do so.
  ///
  /// - Returns: false if too much is waiting: nothing was queued, and there will be no completion.
  package mutating func submitLargeRead(
    _ query: Query, to shard: ShardID, handle: RequestHandle, now: MonotonicTime, deadline: MonotonicTime,
    expectedBytes: Int
  ) -> Bool {
    guard Int(shard.rawValue) < shards.count, loneRequests.count < limits.loneRequestsMax, let id = takeID() else {
      return false
    }
    var frame: [UInt8] = []
    let start = WireFrame.begin(.requests, shard: shard, into: &frame)
    Request.encodeHeader(id: id, what: .query, into: &frame)
    query.encode(into: &frame)
    WireFrame.end(start, in: &frame)
    queueAlone(
      frame, Pending(handle: handle, deadline: deadline, shard: shard, what: .query), id, expectedBytes: expectedBytes)
    return true
  }

  /// Queues a command that was laid out beforehand. What is said of large reads is true of it, but for their room.
  package mutating func submitLargeCommand(
    _ command: borrowing LargeCommand, to shard: ShardID, handle: RequestHandle, now: MonotonicTime,
    deadline: MonotonicTime, head: (inout [UInt8], _ bodyBytes: Int) -> Void
  ) -> Bool {
    guard Int(shard.rawValue) < shards.count, loneRequests.count < limits.loneRequestsMax, let id = takeID() else {
      return false
    }
    var frame = command.take { out, bodyBytes in
      _ = WireFrame.begin(.requests, shard: shard, into: &out)
      Request.encodeHeader(id: id, what: .command, into: &out)
      head(&out, bodyBytes)
    }
    WireFrame.end(0, in: &frame)
    queueAlone(
      frame, Pending(handle: handle, deadline: deadline, shard: shard, what: .command), id, expectedBytes: 1)
    return true
  }

  private mutating func queueAlone(
    _ frame: consuming [UInt8], _ request: Pending, _ id: UInt32, expectedBytes: Int
  ) {
    let index = takeBatch()
    let place = Int(index)
    nextSequence &+= 1
    batches[place].bytes = frame
    batches[place].ids.append(id)
    batches[place].shard = request.shard
    batches[place].firstSequence = nextSequence
    batches[place].expectedBytes = max(1, expectedBytes)
    var request = request
    (request.sequence, request.batch, request.state) = (nextSequence, index, .queued)
    pending[Int(id)] = request
    if request.deadline < earliestDeadline { earliestDeadline = request.deadline }
    loneRequests.append(index)
  }

  /// Whether large requests wait to leave.
  public var hasLoneRequests: Bool { !loneRequests.isEmpty }

  /// Sends those that may leave, oldest first.
  mutating func sendLoneRequests(now: MonotonicTime, _ send: (LinkID, borrowing [UInt8]) -> Void) {
    var kept = 0
    // From the first read on that has no room: in their order, because a small one would else pass a large one for
    // ever.
    var readsWait = holdsLargeReads
    for place in loneRequests.indices {
      let index = loneRequests[place]
      let batch = Int(index)
      if pending[Int(batches[batch].ids[0])].what == .query {
        readsWait =
          readsWait
          || largeAnswerBytes > 0 && largeAnswerBytes + batches[batch].expectedBytes > limits.largeAnswerBytesMax
        if readsWait {
          loneRequests[kept] = index
          kept += 1
          continue
        }
      }
      let shard = Int(batches[batch].shard.rawValue)
      if let link = shards[shard].link, shards[shard].pausedUntil <= now,
        isFirst(batches[batch].firstSequence, shard)
      {
        sendAlone(index, on: link, shard, send)
      } else {
        loneRequests[kept] = index
        kept += 1
      }
    }
    loneRequests.removeLast(loneRequests.count - kept)
  }

  /// Whether all that was submitted to the shard before is answered, other large requests excepted.
  private func isFirst(_ sequence: UInt64, _ shard: Int) -> Bool {
    if let first = shards[shard].openIDs.first, pending[Int(first)].sequence < sequence { return false }
    return !shards[shard].sent.contains {
      !batches[Int($0)].isAlone && batches[Int($0)].firstSequence < sequence && batches[Int($0)].awaited > 0
    }
  }

  private mutating func sendAlone(
    _ index: Int32, on link: LinkID, _ shard: Int, _ send: (LinkID, borrowing [UInt8]) -> Void
  ) {
    let batch = Int(index)
    send(link, batches[batch].bytes)
    batches[batch].link = link
    batches[batch].epoch = shards[shard].epoch
    (batches[batch].unanswered, batches[batch].refused, batches[batch].awaited) = (1, 0, 1)
    pending[Int(batches[batch].ids[0])].state = .sent
    shards[shard].sent.append(index)
    largeAnswerBytes += batches[batch].expectedBytes
  }

  /// The node has replied: with an answer, or it took the request back.
  mutating func loneSettled(_ index: Int32, now: MonotonicTime) {
    let batch = Int(index)
    let shard = Int(batches[batch].shard.rawValue)
    let id = batches[batch].ids[0]
    largeAnswerBytes -= batches[batch].expectedBytes
    guard batches[batch].refused > 0, pending[Int(id)].batch == index, pending[Int(id)].state == .refused else {
      return release(batch: index)
    }
    if shards[shard].epoch == batches[batch].epoch { pause(shard, now: now) }
    queueAgain(index, shard)
  }

  /// Its link is gone.
  mutating func loneLost(_ index: Int32) {
    let batch = Int(index)
    let id = batches[batch].ids[0]
    largeAnswerBytes -= batches[batch].expectedBytes
    if pending[Int(id)].isAbandoned {
      release(id)
      release(batch: index)
    } else {
      if pending[Int(id)].state == .sent { pending[Int(id)].mayHaveHappened = true }
      queueAgain(index, Int(batches[batch].shard.rawValue))
    }
  }

  private mutating func queueAgain(_ index: Int32, _ shard: Int) {
    if let position = shards[shard].sent.firstIndex(of: index) { shards[shard].sent.remove(at: position) }
    batches[Int(index)].awaited = 0
    let id = batches[Int(index)].ids[0]
    guard !pending[Int(id)].isAbandoned else {
      release(id)
      return release(batch: index)
    }
    pending[Int(id)].state = .queued
    loneRequests.append(index)
  }

  /// Takes out those that nobody waits for any more.
  mutating func dropLoneRequests() {
    guard loneRequests.contains(where: { pending[Int(batches[Int($0)].ids[0])].isAbandoned }) else { return }
    let all = loneRequests
    loneRequests = []
    for index in all {
      let id = batches[Int(index)].ids[0]
      if pending[Int(id)].isAbandoned {
        release(id)
        release(batch: index)
      } else {
        loneRequests.append(index)
      }
    }
  }
}
