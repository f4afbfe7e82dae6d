package import Proto

// Queries with large answers travel apart from everything else, each in a frame of its own, and few at a time: a frame
// with one among buyers' commands would keep the next commands back until its answer came, and many answers on their
// way take memory wherever they wait.
extension Forwarder {
  /// Queues a query whose answer will have about `expectedBytes`. It leaves behind all that was submitted to its shard
  /// before it, once that is answered: a client's read sees what the same client did before. What comes later may pass
  /// it: a door lets nothing of the same client do so.
  ///
  /// - Returns: false if too much is waiting: nothing was queued, and there will be no completion.
  package mutating func submitLargeRead(
    _ query: Query, to shard: ShardID, handle: RequestHandle, now: Milliseconds, deadline: Milliseconds,
    expectedBytes: Int
  ) -> Bool {
    guard Int(shard.rawValue) < shards.count, largeReads.count < limits.largeReadsMax, let id = takeID() else {
      return false
    }
    let index = takeBatch()
    let place = Int(index)
    let start = WireFrame.begin(.requests, shard: shard, into: &batches[place].bytes)
    Request.encodeHeader(id: id, what: .query, into: &batches[place].bytes)
    query.encode(into: &batches[place].bytes)
    WireFrame.end(start, in: &batches[place].bytes)
    nextSequence &+= 1
    batches[place].ids.append(id)
    batches[place].shard = shard
    batches[place].firstSequence = nextSequence
    batches[place].expectedBytes = max(1, expectedBytes)
    pending[Int(id)] = Pending(
      handle: handle, sequence: nextSequence, deadline: deadline, batch: index, shard: shard, state: .queued,
      what: .query)
    if deadline < earliestDeadline { earliestDeadline = deadline }
    largeReads.append(index)
    return true
  }

  /// Whether large reads wait to leave.
  public var hasLargeReads: Bool { !largeReads.isEmpty }

  /// Sends those that may leave, oldest first.
  mutating func sendLargeReads(now: Milliseconds, _ send: (LinkID, borrowing [UInt8]) -> Void) {
    var kept = 0
    for place in largeReads.indices {
      let index = largeReads[place]
      let batch = Int(index)
      let isRoom =
        !holdsLargeReads
        && (largeAnswerBytes == 0 || largeAnswerBytes + batches[batch].expectedBytes <= limits.largeAnswerBytesMax)
      guard isRoom else {
        // In their order: a small one would else pass a large one for ever.
        for rest in place..<largeReads.count {
          largeReads[kept] = largeReads[rest]
          kept += 1
        }
        break
      }
      let shard = Int(batches[batch].shard.rawValue)
      if let link = shards[shard].link, shards[shard].pausedUntil <= now,
        isFirst(batches[batch].firstSequence, shard)
      {
        sendLargeRead(index, on: link, shard, send)
      } else {
        largeReads[kept] = index
        kept += 1
      }
    }
    largeReads.removeLast(largeReads.count - kept)
  }

  /// Whether all that was submitted to the shard before is answered, other large reads excepted.
  private func isFirst(_ sequence: UInt64, _ shard: Int) -> Bool {
    if let first = shards[shard].openIDs.first, pending[Int(first)].sequence < sequence { return false }
    return !shards[shard].sent.contains {
      !batches[Int($0)].isLargeRead && batches[Int($0)].firstSequence < sequence && batches[Int($0)].awaited > 0
    }
  }

  private mutating func sendLargeRead(
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

  /// The node has replied: with an answer, or it took the query back.
  mutating func largeReadSettled(_ index: Int32, now: Milliseconds) {
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
  mutating func largeReadLost(_ index: Int32) {
    let batch = Int(index)
    let id = batches[batch].ids[0]
    largeAnswerBytes -= batches[batch].expectedBytes
    if pending[Int(id)].isAbandoned {
      release(id)
      release(batch: index)
    } else {
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
    largeReads.append(index)
  }

  /// Takes out those that nobody waits for any more.
  mutating func dropLargeReads() {
    guard largeReads.contains(where: { pending[Int(batches[Int($0)].ids[0])].isAbandoned }) else { return }
    let all = largeReads
    largeReads = []
    for index in all {
      let id = batches[Int(index)].ids[0]
      if pending[Int(id)].isAbandoned {
        release(id)
        release(batch: index)
      } else {
        largeReads.append(index)
      }
    }
  }
}
