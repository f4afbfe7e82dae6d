import Inventory
import Octets
package import Proto
import Replication
import Time

// What waits for its commit: replies, and what feeds the routers' copies.
extension ShardMachine {
  /// Puts the turn's replies behind the turn's last frame, and before them what they changed in the copies; then the
  /// answers to large reads.
  mutating func queueTurn(_ time: TurnTime, answering reads: [LargeReads.Read]) {
    let tag = turn.isOpen ? turn.tag : feeds.isEmpty ? 0 : replica.replyTag()
    let barrier = Barrier(position: replica.end.index, number: tag)
    queueFeedUpdates(barrier, time)
    for place in turn.replies.indices {
      let replies = (turn.replies[place].connection, turn.replies[place].readAt, turn.replies[place].count)
      queue.append(
        ReplyQueue.Entry(
          barrier: barrier, connection: replies.0, readAt: replies.1, replyCount: replies.2,
          bytes: turn.replies[place].finish()))
    }
    turn.replies.removeAll(keepingCapacity: true)
    turnReplyBytes = 0
    if !turn.subscriptions.isEmpty { answerSubscriptions(barrier) }
    for read in reads { answer(read, barrier) }
    answerCopied(barrier)
    turn.isOpen = false
    turn.wroteFrame = false
  }

  private mutating func queueFeedUpdates(_ barrier: Barrier, _ time: TurnTime) {
    guard !feeds.isEmpty || mapCopy != nil, turn.wroteFrame else { return }
    let updates = inventory.takeFeedUpdates()
    guard !updates.isEmpty else { return }
    for update in updates { mapCopy?.states.apply(update) }
    let encoded = updates.map { update in
      var bytes: [UInt8] = []
      update.encode(into: &bytes)
      return (subscribers: feeds.subscribers(of: update.event), bytes: bytes)
    }
    let told = feeds.connections
    for update in updates where !inventory.knows(update.event) { feeds.remove(event: update.event) }
    for connection in told {
      var frame: [UInt8] = []
      for update in encoded where update.subscribers.contains(connection) {
        if frame.isEmpty { _ = WireFrame.begin(.feed, shard: shard, into: &frame) }
        frame.append(contentsOf: update.bytes)
      }
      guard !frame.isEmpty else { continue }
      WireFrame.end(0, in: &frame)
      queue.append(
        ReplyQueue.Entry(barrier: barrier, connection: connection, readAt: time.now, replyCount: 0, bytes: frame))
    }
  }

  private mutating func answerSubscriptions(_ barrier: Barrier) {
    for subscription in turn.subscriptions {
      let answer: Answer
      if subscription.begins {
        answer = subscribe(subscription.connection, to: subscription.event)
      } else {
        answer = .unsubscribed
        if let ref = feeds.remove(subscription.connection, event: subscription.event) { inventory.unwatch(ref) }
      }
      var replies = TurnReplies(
        to: subscription.connection, shard: shard, readAt: subscription.readAt, capacity: 256)
      replies.add(.answer(answer), id: subscription.id)
      queue.append(
        ReplyQueue.Entry(
          barrier: barrier, connection: subscription.connection, readAt: subscription.readAt, replyCount: 1,
          bytes: replies.finish()))
    }
    turn.subscriptions.removeAll(keepingCapacity: true)
  }

  private mutating func subscribe(_ connection: ConnectionID, to event: Bytes) -> Answer {
    let answer = inventory.answer(.subscribe(id: event))
    if case .subscribed(let ref, _, _, _) = answer, feeds.add(connection, ref, id: event) { inventory.watch(event) }
    return answer
  }

  // MARK: Large reads

  /// Takes out those that this turn has room for, once time was caught up with: their answers are made behind the
  /// turn's last frame. What they are expected to take is counted as waiting.
  mutating func takeLargeReads(_ time: TurnTime, _ tools: inout ShardTools) -> [LargeReads.Read] {
    readsWantTurn = false
    guard !reads.isEmpty || mapCopy != nil else { return [] }
    guard replica.acceptsCommands else {
      endCopy(failing: .notPrimary)
      for read in reads.take(where: { _ in true }) { fail(read, .notPrimary) }
      return []
    }
    guard catchUp(time, &tools), goOnCopying() else {
      readsWantTurn = true
      return []
    }
    var taken: [LargeReads.Read] = []
    while let place = reads.next(without: tools.allowance.crowded) {
      let read = reads[place]
      switch tools.allowance.takeLarge(read.byteCount) {
      case .make: break
      case .nextTurn:
        readsWantTurn = true
        return taken
      case .whenSomeLeft: return taken
      }
      reads.remove(at: place)
      if mapCopy == nil, beginCopy(read) {
        tools.allowance.made(expected: read.byteCount)
        readsWantTurn = true
        return taken
      }
      taken.append(read)
    }
    return taken
  }

  /// Makes one large answer, of exactly the bytes it takes: growing it would take as much again.
  private mutating func answer(_ read: LargeReads.Read, _ barrier: Barrier) {
    let answer: Answer
    if case .subscribe(let event) = read.query {
      answer = subscribe(read.connection, to: event)
    } else {
      answer = inventory.answer(read.query)
    }
    queue(answer, to: read, barrier)
  }

  mutating func queue(_ answer: Answer, to read: LargeReads.Read, _ barrier: Barrier) {
    let tail = answer.tail ?? Bytes()
    var replies = TurnReplies(
      to: read.connection, shard: shard, readAt: read.readAt,
      capacity: read.byteCount - min(tail.count, read.byteCount) + WireFrame.headerBytes + 64)
    replies.add(answer, leavingTail: read.id)
    queue.append(
      ReplyQueue.Entry(
        barrier: barrier, connection: read.connection, readAt: read.readAt, replyCount: 1,
        bytes: replies.finish(tail: tail.rawSpan), tail: tail.array, readID: read.id))
  }

  mutating func fail(_ read: LargeReads.Read, _ failure: Reply.Failure) {
    fail(readID: read.id, connection: read.connection, failure)
  }

  private mutating func fail(readID: UInt32, connection: ConnectionID, _ failure: Reply.Failure) {
    var replies = TurnReplies(to: connection, shard: shard, readAt: .zero, capacity: 64)
    replies.add(.failed(failure), id: readID)
    actions.append(.reply(replies.finish(), to: connection))
  }

  /// A subscription that was not answered yet is not wanted any more.
  mutating func giveUpSubscription(_ connection: ConnectionID, _ event: Bytes) {
    let given = reads.take { $0.connection == connection && $0.query == .subscribe(id: event) }
    for read in given { fail(read, .overloaded) }
    endCopy(failing: .overloaded) { $0.connection == connection && $0.query == .subscribe(id: event) }
  }

  /// Tells the loop's sum what waits here.
  mutating func countReplies(_ tools: inout ShardTools) {
    let bytes = queue.byteCount + lateFeeds.byteCount + turnReplyBytes + (mapCopy?.read.byteCount ?? 0)
    tools.allowance.replyBytes += bytes - countedReplyBytes
    countedReplyBytes = bytes
  }

  /// Tells idle copies that they are still true: an entry like any other, which waits for the same.
  mutating func freshenFeeds(_ time: TurnTime) {
    guard !feeds.isEmpty, time.now - feedAt >= options.feedEvery else { return }
    feedAt = time.now
    let barrier = Barrier(position: replica.end.index, number: replica.replyTag())
    for connection in feeds.connections {
      var frame: [UInt8] = []
      WireFrame.encode(.feedFresh, shard: shard, into: &frame) { _ in }
      queue.append(
        ReplyQueue.Entry(barrier: barrier, connection: connection, readAt: time.now, replyCount: 0, bytes: frame))
    }
  }

  /// A router's connection is gone.
  mutating func closed(_ connection: ConnectionID) {
    for event in feeds.remove(connection) { inventory.unwatch(event) }
    _ = reads.take { $0.connection == connection }
    endCopy(failing: nil) { $0.connection == connection }
  }

  /// Lets go what all has happened for.
  mutating func release() {
    let answerable = replica.answerable
    func isDue(_ entry: ReplyQueue.Entry) -> Bool {
      answerable.covers(position: entry.barrier.position, number: entry.barrier.number)
    }
    while let entry = lateFeeds.popFirst(where: isDue) { actions.append(.reply(entry)) }
    guard lateFeeds.isEmpty else { return }
    while let entry = queue.popFirst(where: isDue) { actions.append(.reply(entry)) }
  }

  /// Replies that waited for too long end: the command may be in the log or not. What changed copies waits on: a copy
  /// that missed it would be confirmed by the next frame of its feed, and served, until another change showed the gap.
  mutating func endLateReplies(_ time: TurnTime, _ tools: inout ShardTools) {
    let oldest = time.now - options.requestDeadline
    for read in reads.take(where: { $0.readAt < oldest }) { fail(read, .overloaded) }
    endCopy(failing: .overloaded) { $0.readAt < oldest }
    while let entry = queue.popFirst(where: { $0.readAt < oldest }) {
      if entry.isFeedUpdate { lateFeeds.append(entry) } else { fail(entry, queries: .overloaded) }
    }
    countReplies(&tools)
  }

  /// This replica may not answer any more.
  mutating func endReplies() {
    lateFeeds = ReplyQueue()
    while let entry = queue.popFirst(where: { _ in true }) { fail(entry, queries: .notPrimary) }
    for place in turn.replies.indices {
      let connection = turn.replies[place].connection
      let frame = turn.replies[place].finish()
      if let frame = failureFrame(replies: frame, commands: .unknown, queries: .notPrimary) {
        actions.append(.reply(frame, to: connection))
      }
    }
    turn.replies.removeAll()
    turnReplyBytes = 0
    for read in reads.take(where: { _ in true }) { fail(read, .notPrimary) }
    endCopy(failing: .notPrimary)
    for subscription in turn.subscriptions {
      var replies = TurnReplies(to: subscription.connection, shard: shard, readAt: .zero, capacity: 64)
      replies.add(.failed(.notPrimary), id: subscription.id)
      actions.append(.reply(replies.finish(), to: subscription.connection))
    }
    turn.subscriptions.removeAll()
    turn.isOpen = false
    turn.wroteFrame = false
    for requests in deferred {
      if let frame = failureFrame(requests: requests.body.rawSpan.extracting(requests.done...), .notPrimary) {
        actions.append(.reply(frame, to: requests.connection))
      }
    }
    deferred.removeAll()
    deferredBytes = 0
    for connection in feeds.connections {
      for event in feeds.remove(connection) { inventory.unwatch(event) }
    }
    feeds.removeAll()
    _ = inventory.takeFeedUpdates()
  }

  private mutating func fail(_ entry: ReplyQueue.Entry, queries: Reply.Failure) {
    if let readID = entry.readID { return fail(readID: readID, connection: entry.connection, queries) }
    // A feed's frame is dropped: its copies know that the shard's roles have changed, or nothing has.
    guard entry.replyCount > 0,
      let frame = failureFrame(replies: entry.bytes, commands: .unknown, queries: queries)
    else { return }
    actions.append(.reply(frame, to: entry.connection))
  }

  /// The same replies as failures. A command's may be in the log; a query's never is.
  private func failureFrame(replies: [UInt8], commands: Reply.Failure, queries: Reply.Failure) -> [UInt8]? {
    var out = TurnReplies(to: ConnectionID(0), shard: shard, readAt: .zero, capacity: replies.count)
    do throws(DecodeError) {
      let frame = try WireFrame(header: replies.rawSpan)
      var reader = ByteReader(try frame.body(of: replies.rawSpan))
      while reader.bytesLeft > 0 {
        let (id, reply) = try Reply.decode(&reader)
        switch reply {
        case .outcome, .repeated: out.add(.failed(commands), id: id)
        case .answer: out.add(.failed(queries), id: id)
        case .failed: out.add(reply, id: id)
        }
      }
    } catch {
      preconditionFailure("a frame that this shard encoded does not decode: \(error)")
    }
    return out.count > 0 ? out.finish() : nil
  }

  func failureFrame(requests body: RawSpan, _ failure: Reply.Failure) -> [UInt8]? {
    refusal(ofRequests: body, failure, shard: shard)
  }
}

/// A wire frame that refuses each request of a batch; nil: there is none in it that can be read.
package func refusal(ofRequests body: RawSpan, _ failure: Reply.Failure, shard: ShardID) -> [UInt8]? {
  var out = TurnReplies(to: ConnectionID(0), shard: shard, readAt: .zero, capacity: 64)
  var reader = ByteReader(body)
  do throws(DecodeError) {
    while reader.bytesLeft > 0 {
      let request = try Request(decoding: &reader)
      switch request.what {
      case .command: _ = try CommandRecord(decoding: &reader)
      case .query: _ = try Query(decoding: &reader)
      }
      out.add(.failed(failure), id: request.id)
    }
  } catch {
    // The rest cannot be read; what was read is answered.
  }
  return out.count > 0 ? out.finish() : nil
}
