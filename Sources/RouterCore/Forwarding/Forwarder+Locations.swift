public import Proto
public import Time

extension Forwarder {
  /// The map's entry for a shard was read. Older epochs than the known one are ignored.
  public mutating func mapChanged(_ shard: ShardID, epoch: UInt64, primary: NodeName, now: MonotonicTime) {
    let index = Int(shard.rawValue)
    guard index < shards.count, epoch > shards[index].epoch || shards[index].primary == nil else { return }
    let moved = shards[index].primary != primary
    shards[index].epoch = epoch
    shards[index].primary = primary
    shards[index].pausedUntil = .zero
    shards[index].retryDelay = 0
    guard moved else { return }
    // A deposed primary can commit nothing more, so what it has not answered is asked of the new one. Its link is given
    // up with what may still stand unread in it: should that node become primary again, it must not find an old command
    // there.
    let abandoned = Set(shards[index].sent.map { batches[Int($0)].link })
    for link in abandoned.sorted(by: { $0.rawValue < $1.rawValue }) {
      linkDown(link)
      linksToClose.append(link)
    }
    resolve(index)
  }

  /// A connection to a node's loop is ready for requests.
  public mutating func linkUp(_ link: LinkID, node: NodeName, loop: Int, loopCount: Int) {
    precondition(loopCount > 0 && loop >= 0 && loop < loopCount, "the hello's numbers are checked where it is read")
    links[link] = LinkState(node: node, loop: loop, loopCount: loopCount)
    for shard in shards.indices where shards[shard].primary == node { resolve(shard) }
  }

  /// The connection is gone: nothing more will come from it. What it carried and was not answered is queued again; the
  /// next link's `RouterHello` keeps the node from reading the rest of this one.
  public mutating func linkDown(_ link: LinkID) {
    guard links.removeValue(forKey: link) != nil else { return }
    for shard in shards.indices {
      let lost = shards[shard].sent.filter { batches[Int($0)].link == link }
      if !lost.isEmpty {
        var again: [UInt32] = []
        for index in lost where !batches[Int(index)].isAlone {
          for id in batches[Int(index)].ids where isIn(index, id) {
            if pending[Int(id)].isAbandoned {
              release(id)
            } else {
              if pending[Int(id)].state == .sent { pending[Int(id)].mayHaveHappened = true }
              again.append(id)
            }
          }
        }
        requeue(again, shard)
        for index in lost {
          if batches[Int(index)].isAlone { loneLost(index) } else { release(batch: index) }
        }
      }
      if shards[shard].link == link { resolve(shard) }
    }
  }

  /// Whether the entry still belongs to the batch (its number may be in use for another request by now).
  private func isIn(_ batch: Int32, _ id: UInt32) -> Bool {
    pending[Int(id)].batch == batch && (pending[Int(id)].state == .sent || pending[Int(id)].state == .refused)
  }

  private mutating func resolve(_ shard: Int) {
    guard let primary = shards[shard].primary else { return shards[shard].link = nil }
    var best: LinkID?
    for (link, state) in links where state.node == primary && shard % state.loopCount == state.loop {
      // The newest link: the node reads nothing more from an older one.
      if best.map({ $0.rawValue < link.rawValue }) ?? true { best = link }
    }
    shards[shard].link = best
    if best != nil, !shards[shard].openIDs.isEmpty { markReady(shard) }
  }

  // MARK: Time

  /// When `tick` must be called next; nil: no need.
  public var nextTick: MonotonicTime? {
    let next = min(earliestDeadline, earliestResume)
    return next == .distantFuture ? nil : next
  }

  /// Ends what is past its deadline, and lets paused shards go on.
  public mutating func tick(now: MonotonicTime) {
    if now >= earliestResume {
      earliestResume = .distantFuture
      for shard in shards.indices where !shards[shard].openIDs.isEmpty || !loneRequests.isEmpty {
        if shards[shard].pausedUntil > now { lookAgain(at: shards[shard].pausedUntil) }
        if !shards[shard].openIDs.isEmpty { markReady(shard) }
      }
    }
    guard now >= earliestDeadline else { return }
    earliestDeadline = .distantFuture
    for id in pending.indices where pending[id].state != .free && !pending[id].isAbandoned {
      if pending[id].deadline > now {
        earliestDeadline = min(earliestDeadline, pending[id].deadline)
      } else {
        expire(UInt32(id))
      }
    }
    dropLoneRequests()
    for shard in shards.indices where shards[shard].openIsDirty { rebuildOpen(shard, with: []) }
  }

  private mutating func expire(_ id: UInt32) {
    let entry = pending[Int(id)]
    // A query changes nothing, so it has never happened.
    let mayHave = true
    let happened = entry.what == .command && mayHave && (entry.mayHaveHappened || entry.state == .sent)
    completions.append(Completion(handle: entry.handle, result: happened ? .unknown : .unavailable))
    pending[Int(id)].isAbandoned = true
    switch entry.state {
    case .queued where entry.batch >= 0: break  // A large one: `dropLoneRequests` takes it out.
    case .queued: shards[Int(entry.shard.rawValue)].openIsDirty = true
    case .sent: awaitsOneLess(entry.batch)
    case .refused: break
    case .free: preconditionFailure("only requests in use are given up")
    }
  }
}
