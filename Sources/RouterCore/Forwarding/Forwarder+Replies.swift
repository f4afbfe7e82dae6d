public import Octets
public import Proto
public import Time

extension Forwarder {
  /// Takes one `replies` frame that came in on `link`.
  ///
  /// - Throws: what the frame's bytes are wrong in, or `invalid` if the node answers what it was not asked: close the
  ///   link. What was read before stands.
  public mutating func receive(
    replies body: RawSpan, from link: LinkID, shard: ShardID, now: MonotonicTime
  ) throws(DecodeError) {
    var reader = ByteReader(body)
    while reader.bytesLeft > 0 {
      if let (id, held) = reader.heldReply() {
        try check(id, link, shard)
        settle(id, held, now: now)
      } else {
        let (id, reply) = try Reply.decode(&reader)
        try receive(reply, to: id, from: link, shard: shard, now: now)
      }
    }
  }

  /// Takes one reply of a frame that was decoded elsewhere.
  public mutating func receive(
    _ reply: Reply, to id: UInt32, from link: LinkID, shard: ShardID, now: MonotonicTime
  ) throws(DecodeError) {
    try check(id, link, shard)
    if case .outcome(.held(let held)) = reply {
      settle(id, held, now: now)
    } else {
      settle(id, reply, now: now)
    }
  }

  /// A node may answer only what that link asked it about that shard.
  @inline(__always)
  private func check(_ id: UInt32, _ link: LinkID, _ shard: ShardID) throws(DecodeError) {
    let place = Int(id)
    guard place < pending.count, pending[place].shard == shard, pending[place].state == .sent,
      batches[Int(pending[place].batch)].link == link
    else { throw .invalid(field: "reply number") }
  }

  /// The hot case of the next.
  @inline(__always)
  private mutating func settle(_ id: UInt32, _ granted: Outcome.Held, now: MonotonicTime) {
    let place = Int(id)
    let batch = pending[place].batch
    batches[Int(batch)].unanswered &-= 1
    if !pending[place].isAbandoned {
      awaitsOneLess(batch)
      held.append(HeldCompletion(handle: pending[place].handle, held: granted))
      shards[Int(pending[place].shard.rawValue)].retryDelay = 0
    }
    release(id)
    if batches[Int(batch)].unanswered == 0 { settled(batch, now: now) }
  }

  private mutating func settle(_ id: UInt32, _ reply: Reply, now: MonotonicTime) {
    let place = Int(id)
    let batch = pending[place].batch
    batches[Int(batch)].unanswered -= 1
    if !pending[place].isAbandoned { awaitsOneLess(batch) }
    switch reply {
    case .failed(.notPrimary) where !pending[place].isAbandoned:
      takeBack(id)
    case .failed(.unknown) where !pending[place].isAbandoned:
      pending[place].mayHaveHappened = true
      takeBack(id)
    case .outcome, .repeated, .answer, .failed:
      if !pending[place].isAbandoned {
        var result = Completion.Result(reply)
        var isRepeat = false
        if case .repeated = reply { isRepeat = true }
        // A node that has no room says nothing of what an earlier one, to which this was sent before, has done.
        if case .failed = reply, pending[place].mayHaveHappened, pending[place].what == .command { result = .unknown }
        completions.append(
          Completion(
            handle: pending[place].handle, result: result, isRepeat: isRepeat, link: batches[Int(batch)].link))
        shards[Int(pending[place].shard.rawValue)].retryDelay = 0
      }
      release(id)
    }
    if batches[Int(batch)].unanswered == 0 { settled(batch, now: now) }
  }

  private mutating func takeBack(_ id: UInt32) {
    pending[Int(id)].state = .refused
    batches[Int(pending[Int(id)].batch)].refused += 1
  }

  /// Every entry of the batch has its reply: what the node took back is queued again, in order, before all that waits.
  private mutating func settled(_ index: Int32, now: MonotonicTime) {
    if batches[Int(index)].isAlone { return loneSettled(index, now: now) }
    let batch = batches[Int(index)]
    let shard = Int(batch.shard.rawValue)
    let before = isExpecting(shard, now: now) ? shards[shard].expected.count : 0
    let waiting = shards[shard].openIDs.count
    shards[shard].expected = (max(before, waiting + batch.ids.count - batch.refused), now)
    if batch.refused > 0 {
      requeue(batch.ids.filter { pending[Int($0)].state == .refused && pending[Int($0)].batch == index }, shard)
      if shards[shard].epoch == batch.epoch { pause(shard, now: now) }
    }
    release(batch: index)
  }

  /// A node took something back: the shard waits a little, each time longer.
  mutating func pause(_ shard: Int, now: MonotonicTime) {
    let delay = max(limits.retryDelayMin, min(shards[shard].retryDelay * 2, limits.retryDelayMax))
    shards[shard].retryDelay = delay
    shards[shard].pausedUntil = now + delay
    lookAgain(at: now + delay)
  }

  /// Puts entries back into their shard's open frame. Their bytes are read from their batches, which must still be
  /// there.
  mutating func requeue(_ ids: [UInt32], _ shard: Int) {
    guard !ids.isEmpty else { return }
    rebuildOpen(shard, with: ids)
    if !shards[shard].openIDs.isEmpty { markReady(shard) }
  }

  /// Makes the open frame anew from what it holds and `more`, in the order of submission, without what was given up.
  mutating func rebuildOpen(_ shard: Int, with more: [UInt32]) {
    var old: [UInt8] = []
    var oldIDs: [UInt32] = []
    swap(&old, &shards[shard].open)
    swap(&oldIDs, &shards[shard].openIDs)
    shards[shard].openIsDirty = false
    let ids = (oldIDs + more).sorted { pending[Int($0)].sequence < pending[Int($1)].sequence }
    for id in ids {
      let entry = pending[Int(id)]
      guard !entry.isAbandoned else {
        release(id)
        continue
      }
      if shards[shard].open.isEmpty { beginOpen(shard) }
      let offset = shards[shard].open.count
      let range = Int(entry.offset)..<Int(entry.offset + entry.byteCount)
      shards[shard].open.append(contentsOf: entry.batch < 0 ? old[range] : batches[Int(entry.batch)].bytes[range])
      shards[shard].openIDs.append(id)
      pending[Int(id)].state = .queued
      pending[Int(id)].batch = -1
      pending[Int(id)].offset = UInt32(offset)
    }
  }
}

extension Completion.Result {
  fileprivate init(_ reply: Reply) {
    switch reply {
    case .outcome(let outcome), .repeated(let outcome): self = .outcome(outcome)
    case .answer(let answer): self = .answer(answer)
    case .failed(.notPrimary): self = .unavailable
    case .failed(.unknown): self = .unknown
    case .failed(.diskFull): self = .diskFull
    case .failed(.overloaded): self = .overloaded
    case .failed(.malformed): self = .malformed
    }
  }
}
