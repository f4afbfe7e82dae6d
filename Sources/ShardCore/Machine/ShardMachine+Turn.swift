import Inventory
import Journal
import Octets
import Proto
import Replication
import Time

// A primary's turn: decode, apply, encode. The hot path.
extension ShardMachine {
  /// Works off one frame of requests from a router's connection; `kept` is its body as an array.
  mutating func requests(
    _ body: RawSpan, _ kept: ArraySlice<UInt8>?, from connection: ConnectionID, _ time: TurnTime,
    _ tools: inout ShardTools
  ) throws(DecodeError) {
    if replica.acceptsCommands,
      !deferred.isEmpty || tools.allowance.isOver || tools.allowance.isFull(with: 0) || !catchUp(time, &tools)
    {
      deferRequests(body, kept, from: connection, time)
      return
    }
    var preparation = Preparation.none
    let (done, large) = try workOff(body, &preparation, from: connection, readAt: time.now, time, &tools)
    guard done < body.byteCount else { return }
    deferRequests(body.extracting(done...), kept?.dropFirst(done), from: connection, time)
    if large > 0 { prepareRecord(byteCount: large) }
  }

  /// Works off requests until the turn should end or enough replies wait.
  ///
  /// - Parameter preparation: of the first one's record; becomes `none`.
  /// - Returns: how many bytes of them are done, and how many the next one's record has if it must be prepared first;
  ///   otherwise 0.
  private mutating func workOff(
    _ body: RawSpan, _ preparation: inout Preparation, from connection: ConnectionID, readAt: MonotonicTime,
    _ time: TurnTime, _ tools: inout ShardTools
  ) throws(DecodeError) -> (done: Int, large: Int) {
    let refusal: Reply.Failure? = replica.acceptsCommands ? nil : .notPrimary
    if refusal == nil { beginTurn() }
    var replies = TurnReplies(
      to: connection, shard: shard, readAt: readAt, capacity: min(body.byteCount, Self.replyCapacityMax))
    var reader = ByteReader(body)
    var failure: DecodeError?
    var untilLook = Self.requestsBetweenLooks
    var large = 0
    do throws(DecodeError) {
      while reader.bytesLeft > 0 {
        if untilLook <= 0 {
          if refusal == nil, isTurnOver(replies.byteCount, tools) { break }
          untilLook = Self.requestsBetweenLooks
        }
        let cost = try workOffOne(&reader, &replies, &preparation, refusal, time, &tools)
        if cost < 0 {
          large = -cost
          reader.offset -= Request.headerBytes + large
          break
        }
        untilLook -= cost
        if replies.byteCount > Self.replyFrameBytesMax {
          queueReplies(replies, atOnce: refusal != nil, &tools)
          replies = TurnReplies(to: connection, shard: shard, readAt: readAt, capacity: 0)
        }
      }
    } catch {
      failure = error
    }
    queueReplies(replies, atOnce: refusal != nil, &tools)
    if let failure { throw failure }
    return (body.byteCount - reader.bytesLeft, large)
  }

  /// A reply frame is closed beyond this; one more answer of the largest kind still fits the wire's limit.
  private static var replyFrameBytesMax: Int { 4 << 20 }
  /// A frame with one large command in it has a small reply.
  private static var replyCapacityMax: Int { 1 << 20 }
  /// One-seat holds after which the time is looked at. What is heavy, because it searches or its bytes are many, counts
  /// as all of these.
  private static var requestsBetweenLooks: Int { 128 }
  private static var heavyBytes: Int { 2 << 10 }

  /// Whether what is left must wait for another turn; `made` bytes of replies are not counted yet.
  private func isTurnOver(_ made: Int, _ tools: borrowing ShardTools) -> Bool {
    tools.allowance.isFull(with: made) || tools.allowance.isOver
  }

  /// Returns what it counts for, until `requestsBetweenLooks`; below 0: nothing was done, because a record of so many
  /// bytes must be prepared first.
  @inline(__always)
  private mutating func workOffOne(
    _ reader: inout ByteReader, _ replies: inout TurnReplies, _ preparation: inout Preparation,
    _ refusal: Reply.Failure?, _ time: TurnTime, _ tools: inout ShardTools
  ) throws(DecodeError) -> Int {
    func refuse(_ failure: Reply.Failure, _ id: UInt32) -> Int {
      replies.add(.failed(failure), id: id)
      return 1
    }
    let request = try Request(decoding: &reader)
    switch request.what {
    case .command:
      let record = try CommandRecord(decoding: &reader)
      if let refusal { return refuse(refusal, request.id) }
      switch room {
      case .open: break
      case .full: return refuse(.diskFull, request.id)
      case .busy: return refuse(.overloaded, request.id)
      }
      switch record.kind {
      case .tick, .openEpoch, .onQueue(.open), .onQueue(.call): return refuse(.malformed, request.id)
      case .event, .hold, .holdBest, .passHold, .passHoldBest, .onHold, .onOrder, .onQueue(.join), .onQueue(.control),
        .onPlace:
        break
      }
      if turn.records.count + record.bytes.byteCount > options.frameBytesMax, turn.recordCount > 0 {
        sealFrame(time, &tools)
      }
      if inventory.now != countedStamp || recordsAtStamp >= options.recordsPerStampMax { nextStamp(time, &tools) }
      var held = Outcome.Held.none
      if inventory.applyOneHold(record, &held) {
        turn.records.put(record.bytes)
        turn.recordCount += 1
        recordsAtStamp += 1
        replies.add(held, id: request.id)
        return 1
      }
      let isLarge = record.bytes.byteCount >= options.largeRecordBytes
      var large: LargeRecord?
      if isLarge, case .event = record.kind {
        guard case .done(let made) = preparation else { return -record.bytes.byteCount }
        large = made
        preparation = .none
      }
      if isLarge, turn.recordCount > 0 { sealFrame(time, &tools) }
      let applied = inventory.apply(record, large?.prepared)
      if applied.mustLog {
        turn.recordCount += 1
        recordsAtStamp += 1
        tellChanges(index: replica.end.index + UInt64(turn.recordCount))
        if isLarge {
          turn.timeChangedState = false
          write(encodeFrame(record.bytes, large?.block, &tools), time, &tools)
        } else {
          turn.records.put(record.bytes)
        }
      }
      let before = replies.byteCount
      // A router's key repeats what a router sent twice, of which no client knows.
      let isRepeat = applied.isRepeat && !record.keyIsFromRouter
      replies.add(isRepeat ? .repeated(applied.outcome) : .outcome(applied.outcome), id: request.id)
      var isHeavy = record.bytes.byteCount > Self.heavyBytes || replies.byteCount - before > Self.heavyBytes
      switch record.kind {
      case .event, .onQueue(.control):
        isHeavy = true
        openRooms(time, &tools)
      case .holdBest, .passHoldBest: isHeavy = true
      case .onQueue(.join), .onPlace:
        if case .place(let info) = applied.outcome { sawBuyer(of: info.place, time) }
      case .hold, .passHold, .onHold, .onOrder, .onQueue(.open), .onQueue(.call), .tick, .openEpoch: break
      }
      return isHeavy ? Self.requestsBetweenLooks : Self.requestsBetweenLooks / 16
    case .query:
      let query = try Query(decoding: &reader)
      if let refusal { return refuse(refusal, request.id) }
      let byteCount = inventory.largeAnswerBytes(query)
      if byteCount >= options.largeAnswerBytes {
        if reads.isFull { return refuse(.overloaded, request.id) }
        reads.append(
          LargeReads.Read(
            connection: replies.connection, readAt: replies.readAt, id: request.id, query: query, byteCount: byteCount))
        return 1
      }
      switch query {
      case .subscribe(let event), .unsubscribe(let event):
        var begins = false
        if case .subscribe = query { begins = true }
        if !begins { giveUpSubscription(replies.connection, event) }
        turn.subscriptions.append(
          Turn.Subscription(
            connection: replies.connection, readAt: replies.readAt, id: request.id, event: event, begins: begins))
      case .place(let place):
        let answer = inventory.answer(query)
        if case .place = answer { sawBuyer(of: place, time) }
        replies.add(.answer(answer), id: request.id)
      case .event, .seats, .seat, .availability, .terms, .hold, .order, .orders, .holds, .events, .queue:
        replies.add(.answer(inventory.answer(query)), id: request.id)
      }
      return Self.requestsBetweenLooks / 8
    }
  }

  /// Counts anew, because the inventory's time moved, or moves it: a thousand holds of one instant would all come due
  /// in one, and an instant's expiries cannot be spread over several turns. So stamps may run ahead of the clock, by a
  /// millisecond for each thousand records beyond what a millisecond may have.
  private mutating func nextStamp(_ time: TurnTime, _ tools: inout ShardTools) {
    if inventory.now == countedStamp {
      sealFrame(time, &tools)
      if inventory.advance(to: inventory.now + 1) { turn.timeChangedState = true }
    }
    (countedStamp, recordsAtStamp) = (inventory.now, 0)
  }

  private mutating func queueReplies(_ replies: consuming TurnReplies, atOnce: Bool, _ tools: inout ShardTools) {
    guard replies.count > 0 else { return }
    if atOnce {
      var replies = replies
      let connection = replies.connection
      actions.append(.reply(replies.finish(), to: connection))
    } else {
      turnReplyBytes += replies.byteCount
      turn.replies.append(replies)
      countReplies(&tools)
    }
  }

  // MARK: Time

  /// Brings the inventory to the present, in steps of at most a thousand deadlines, each with its tick in the log.
  /// False: more turns are needed before anything may be applied.
  mutating func catchUp(_ time: TurnTime, _ tools: inout ShardTools) -> Bool {
    guard case .open = room else { return true }
    let stamp = max(replica.stamp(now: time.now), inventory.now)
    for _ in 0..<options.ticksMax {
      let step = inventory.catchUpStamp(to: stamp)
      if step > inventory.now || inventory.isDue(by: step) {
        // What was applied earlier in this turn stands in a frame of its own stamp.
        if step > inventory.now { sealFrame(time, &tools) }
        if inventory.advance(to: step) { turn.timeChangedState = true }
      }
      if step >= stamp { return true }
      sealFrame(time, &tools)
    }
    return inventory.now >= stamp
  }

  /// What comes behind requests that wait waits too: effects keep their order.
  private mutating func deferRequests(
    _ body: RawSpan, _ kept: ArraySlice<UInt8>?, from connection: ConnectionID, _ time: TurnTime
  ) {
    guard deferred.isEmpty || deferredBytes + body.byteCount <= options.deferredBytesMax else {
      if let frame = failureFrame(requests: body, .overloaded) { actions.append(.reply(frame, to: connection)) }
      return
    }
    deferred.append(
      DeferredRequests(connection: connection, body: kept ?? Bytes(body).array[...], readAt: time.now))
    deferredBytes += body.byteCount
  }

  /// Works off what waits, at least some of it unless too many replies wait, and as much as the turn has time for.
  mutating func workOffDeferred(_ time: TurnTime, _ tools: inout ShardTools) {
    if replica.acceptsCommands, isPreparing || tools.allowance.isFull(with: 0) || !catchUp(time, &tools) { return }
    var batch: [DeferredRequests] = []
    swap(&batch, &deferred)
    deferredBytes = 0
    var place = 0
    var large = 0
    while place < batch.count {
      // Taken out: a block becomes a frame where it is if nobody else has it.
      var preparation = Preparation.none
      swap(&preparation, &batch[place].preparation)
      let requests = batch[place]
      let rest = requests.body.rawSpan.extracting(requests.done...)
      if requests.readAt < time.now - options.requestDeadline {
        // It never was in a frame, and its router no longer waits.
        if let frame = failureFrame(requests: rest, .overloaded) {
          actions.append(.reply(frame, to: requests.connection))
        }
      } else {
        // A batch that does not decode was read from a frame whose checksum was right: its sender is broken, and what
        // it reads is its own affair.
        let done: Int
        (done, large) =
          (try? workOff(rest, &preparation, from: requests.connection, readAt: requests.readAt, time, &tools))
          ?? (rest.byteCount, 0)
        if done < rest.byteCount {
          batch[place].done += done
          break
        }
      }
      place += 1
      if replica.acceptsCommands, isTurnOver(0, tools) { break }
    }
    batch.removeFirst(place)
    deferredBytes = batch.reduce(0) { $0 + $1.body.count - $1.done }
    deferred = batch
    if large > 0 { prepareRecord(byteCount: large) }
  }

  // MARK: Frames

  mutating func beginTurn() {
    guard !turn.isOpen else { return }
    turn.isOpen = true
    turn.tag = replica.replyTag()
  }

  /// Closes the frame that the turn has collected, if there is anything in it: to the log and to the follower.
  mutating func sealFrame(_ time: TurnTime, _ tools: inout ShardTools) {
    if turn.recordCount == 0 {
      guard turn.timeChangedState else { return }
      // The tick is applied here as every other replica applies it: keys whose time has passed go with it.
      var tick: [UInt8] = []
      CommandRecord.encode(.tick, key: RawSpan(), keyIsFromRouter: false, into: &tick) { _ in }
      guard repeatRecords(tick.rawSpan, count: 1, firstIndex: replica.end.index + 1) else {
        preconditionFailure("a record that was encoded in the line above does not decode")
      }
      turn.records = tick
      turn.recordCount = 1
    }
    turn.timeChangedState = false
    writeFrame(time, &tools)
  }

  /// Makes a frame of the turn's records at the inventory's time.
  mutating func writeFrame(_ time: TurnTime, _ tools: inout ShardTools) {
    let frame = encodeFrame(turn.records.rawSpan, nil, &tools)
    turn.records.removeAll(keepingCapacity: turn.records.capacity <= 4 << 20)
    write(frame, time, &tools)
  }

  /// A frame of records that are counted in the turn.
  ///
  /// - Parameter block: of the only record, if it was prepared.
  private func encodeFrame(_ records: RawSpan, _ block: PreparedBlock?, _ tools: inout ShardTools) -> EncodedFrame {
    if let block {
      return block.takeFrame(
        shard: shard, epoch: replica.epoch, index: replica.end.index + 1, stamp: inventory.now,
        committed: replica.committed, previousChain: replica.end.chain)
    }
    return tools.encoder.encode(
      records, shard: shard, epoch: replica.epoch, firstIndex: replica.end.index + 1,
      count: turn.recordCount, stamp: inventory.now, committed: replica.committed, previousChain: replica.end.chain)
  }

  private mutating func write(_ frame: EncodedFrame, _ time: TurnTime, _ tools: inout ShardTools) {
    turn.recordCount = 0
    turn.wroteFrame = true
    actions.append(.log([.frame(frame)]))
    appended(StreamFrame(header: frame.header, bytes: frame.bytes), time)
    work(time, &tools)
  }

  /// A frame was handed to the log, as primary or as follower, and its records are applied.
  mutating func appended(_ frame: StreamFrame, _ time: TurnTime) {
    let header = frame.header
    if epochs.last?.epoch != header.epoch {
      epochs.append(
        EpochStart(epoch: header.epoch, firstIndex: header.firstIndex, chainBefore: header.previousChain))
    }
    endStamp = header.stamp
    position = LogPosition(epoch: header.epoch, index: header.lastIndex, chain: header.chain)
    let digest = inventory.digest
    digests.remember(digest, at: header.lastIndex)
    bytesSinceSnapshot += frame.bytes.count
    remember(frame)
    call(time, frame: frame) { $0.appended(header, digest: digest, now: time.now, into: &$1) }
  }

  private mutating func remember(_ frame: StreamFrame) {
    recent.append(frame)
    recentBytes += frame.bytes.count
    guard recentBytes > options.recentBytesMax, recent.count > 1 else { return }
    // Half goes at once, so that the array is moved seldom.
    var dropped = 0
    while dropped < recent.count - 1, recentBytes > options.recentBytesMax / 2 {
      recentBytes -= recent[dropped].bytes.count
      dropped += 1
    }
    recent.removeFirst(dropped)
  }

  /// Lets go of the newest frames.
  mutating func forgetRecent() {
    recent = []
    recentBytes = 0
  }

  /// Closes the turn: its frame, then its replies behind it.
  mutating func closeTurn(_ time: TurnTime, _ tools: inout ShardTools) {
    let answered = takeLargeReads(time, &tools)
    if !answered.isEmpty || mapCopy?.states.isWhole == true { beginTurn() }
    if turn.recordCount > 0 || turn.timeChangedState { sealFrame(time, &tools) }
    if turn.isOpen || turn.wroteFrame { queueTurn(time, answering: answered) }
    if !answered.isEmpty { tools.allowance.made(expected: answered.reduce(0) { $0 + $1.byteCount }) }
    countReplies(&tools)
  }

  /// Closes what a turn applied before anything can change this replica's role: what memory has, the log must have.
  mutating func settleTurn(_ time: TurnTime, _ tools: inout ShardTools) {
    if turn.recordCount > 0 || turn.timeChangedState { sealFrame(time, &tools) }
  }
}
