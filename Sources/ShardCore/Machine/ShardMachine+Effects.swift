package import Inventory
import Journal
import Octets
import Proto
import Replication
import Time

// Carrying out what the replication rules ask for.
extension ShardMachine {
  /// A peer's replica of this shard said something; `payload` is what came behind it, and `kept` the same as an array.
  mutating func receive(
    _ message: ReplicaMessage, payload: RawSpan, kept: ArraySlice<UInt8>?, from sender: ReplicaID, _ time: TurnTime,
    _ tools: inout ShardTools
  ) {
    var header: LogFrame?
    if case .envelope = message, payload.byteCount > 0 {
      var reader = ByteReader(payload)
      guard let frame = try? LogFrame(decoding: &reader), frame.shard == shard, frame.kind == .records else {
        return actions.append(.dropPeer(sender))
      }
      header = frame
    }
    if delay(message, header, payload: payload, kept: kept, from: sender) { return }
    receive(message, header, payload: payload, from: sender, time, &tools)
  }

  mutating func receive(
    _ message: ReplicaMessage, _ header: LogFrame?, payload: RawSpan, from sender: ReplicaID, _ time: TurnTime,
    _ tools: inout ShardTools
  ) {
    settleTurn(time, &tools)
    call(time) { $0.receive(message, frame: header, from: sender, now: time.now, into: &$1) }
    work(time, &tools, payload: payload, sender: sender)
  }

  /// Carries out the effects that wait, oldest first.
  mutating func work(
    _ time: TurnTime, _ tools: inout ShardTools, payload: RawSpan = RawSpan(), sender: ReplicaID? = nil
  ) {
    // What an effect causes queues up behind the others and is the outermost call's affair.
    if isWorking || works.isEmpty { return }
    isWorking = true
    while worksDone < works.count {
      let item = works[worksDone]
      worksDone += 1
      carryOut(item, time, &tools, payload, sender)
    }
    works.removeAll(keepingCapacity: works.count < 1_024)
    worksDone = 0
    isWorking = false
  }

  private mutating func carryOut(
    _ item: Work, _ time: TurnTime, _ tools: inout ShardTools, _ payload: RawSpan, _ sender: ReplicaID?
  ) {
    switch item.effect {
    case .send(let message, let peer): actions.append(.send(message, payload: [], to: peer))
    case .sendFrame(let envelope, let peer):
      guard let frame = item.frame else { preconditionFailure("a frame is sent by the call that brought it") }
      actions.append(.send(.envelope(envelope), payload: frame.bytes, to: peer))
    case .appendFrame: append(payload, sender, time, &tools)
    case .openEpoch(let epoch): openEpoch(epoch, time, &tools)
    case .readMap(let token): actions.append(.readMap(token: token))
    case .propose(let entry, let revision, let noted):
      actions.append(.propose(entry, revision: revision, noted: noted))
    case .noteEntry(let entry): actions.append(.noteEntry(entry))
    case .lookUpChain(let index, let token):
      if index == position.index {
        call(time) { [chain = position.chain] in $0.chainFound(chain, token: token, now: time.now, into: &$1) }
      } else {
        actions.append(.disk(.lookUpChain(index: index, token: token)))
      }
    case .readFrames(let token, let first, let bytes): readFrames(token: token, first: first, bytes: bytes, time)
    case .cut(let position): cut(to: position)
    case .openSnapshot(let session, _): openSnapshot(session)
    case .sendSnapshot(let session, let epoch, let offset, let bytes, let peer):
      actions.append(.disk(.readStream(session: session, epoch: epoch, offset: offset, bytes: bytes, to: peer)))
    case .closeSnapshot(let session):
      if joinerSession == session { joinerSession = nil }
      actions.append(.disk(.closeStream(session: session)))
    case .storeChunk(let chunk):
      actions.append(.disk(.storeChunk(session: chunk.session, offset: chunk.offset, Bytes(payload).array)))
    case .installSnapshot: actions.append(.disk(.verifyStored))
    case .replay(let index, let token): actions.append(.disk(.replay(index: index, token: token)))
    case .roleChanged:
      if replica.role != .primary { endReplies() }
      actions.append(.roleChanged)
    case .note(let note): actions.append(.note(note))
    }
  }

  // MARK: The primary's own records

  private mutating func openEpoch(_ epoch: UInt64, _ time: TurnTime, _ tools: inout ShardTools) {
    guard case .open = room, turn.recordCount == 0 else { return }
    if !replica.clock.isLeading {
      var leap: Milliseconds?
      leap = replica.lead(now: time.now, wall: time.wall)
      if let leap { actions.append(.clockLeapt(leap)) }
    }
    // At the last stamp: what came due meanwhile ends by ticks of its own, a thousand at a time.
    if inventory.now == .zero { _ = inventory.advance(to: replica.stamp(now: time.now)) }
    var record: [UInt8] = []
    Command.openEpoch(epoch).encode(into: &record)
    guard repeatRecords(record.rawSpan, count: 1, firstIndex: replica.end.index + 1) else {
      preconditionFailure("a record that was encoded in the line above does not decode")
    }
    turn.records = record
    turn.recordCount = 1
    writeFrame(time, &tools)
  }

  // MARK: The follower's

  private mutating func append(
    _ payload: RawSpan, _ sender: ReplicaID?, _ time: TurnTime, _ tools: inout ShardTools
  ) {
    switch room {
    case .open: break
    case .full: return call(time) { $0.diskFull(true, now: time.now, into: &$1) }
    // Dropped like a message on a bad line: the primary sends it again.
    case .busy: return
    }
    var reader = ByteReader(payload)
    let frame: EncodedFrame
    do throws(DecodeError) {
      if let unpacked = delayed.first {
        frame = unpacked.frame
      } else {
        frame = try tools.decoder.take(&reader)
        try reader.finish()
      }
    } catch {
      if let sender { actions.append(.dropPeer(sender)) }
      return
    }
    guard frame.header.shard == shard, frame.header.kind == .records,
      frame.header.firstIndex == position.index + 1, frame.header.previousChain == position.chain
    else {
      if let sender { actions.append(.dropPeer(sender)) }
      return
    }
    let isApplied: Bool
    if let unpacked = delayed.first {
      let records = unpacked.records
      isApplied = apply(frame.header, records.rawSpan, unpacked.prepared)
    } else {
      isApplied = apply(frame.header, tools.decoder.records, nil)
    }
    guard isApplied else { return call(time) { $0.damageFound(now: time.now, into: &$1) } }
    actions.append(.log([.frame(frame)]))
    appended(StreamFrame(header: frame.header, bytes: frame.bytes), time)
  }

  /// Repeats a frame's records. False: they are not what a primary logs.
  ///
  /// - Parameter prepared: of the only record.
  private mutating func apply(_ header: LogFrame, _ records: RawSpan, _ prepared: PreparedRecord?) -> Bool {
    inventory.repeatTime(of: header.stamp)
    guard let prepared else {
      return repeatRecords(records, count: header.count, firstIndex: header.firstIndex)
    }
    var reader = ByteReader(records)
    guard let record = try? CommandRecord(decoding: &reader) else { return false }
    _ = inventory.apply(record, prepared)
    tellChanges(index: header.firstIndex)
    return header.count == 1 && reader.bytesLeft == 0
  }

  /// Applies records as they stand in a frame, at the inventory's time. False: they are not `count` records.
  mutating func repeatRecords(_ records: RawSpan, count: UInt32, firstIndex: UInt64) -> Bool {
    guard options.tellsChanges else { return applyRecords(records, count: count, to: &inventory) }
    var reader = ByteReader(records)
    var applied: UInt32 = 0
    while reader.bytesLeft > 0 {
      guard let record = try? CommandRecord(decoding: &reader) else { return false }
      _ = inventory.apply(record)
      tellChanges(index: firstIndex + UInt64(applied))
      applied &+= 1
    }
    return applied == count
  }

  // MARK: Serving one that catches up

  /// Serves a read from memory if that reaches back far enough, so that a joiner that is close really catches up.
  private mutating func readFrames(token: UInt64, first: UInt64, bytes: Int, _ time: TurnTime) {
    if first > position.index {
      return call(time) { $0.streamEnded(.later, token: token, now: time.now, into: &$1) }
    }
    guard let start = recent.firstIndex(where: { $0.header.firstIndex <= first && first <= $0.header.lastIndex }) else {
      return actions.append(.disk(.readFrames(token: token, first: first, bytes: bytes)))
    }
    var given = 0
    for place in start..<recent.count where given < bytes {
      let frame = recent[place]
      given += max(frame.bytes.count, StreamFrame.leastBytes)
      call(time, frame: frame) { $0.streamed(frame.header, token: token, now: time.now, into: &$1) }
    }
    call(time) { $0.streamEnded(.done, token: token, now: time.now, into: &$1) }
  }

  /// What a `readFrames` found on the disk. nil: the log no longer reaches back.
  mutating func framesRead(
    _ frames: [StreamFrame]?, token: UInt64, _ time: TurnTime, _ tools: inout ShardTools
  ) {
    settleTurn(time, &tools)
    for frame in frames ?? [] {
      call(time, frame: frame) { $0.streamed(frame.header, token: token, now: time.now, into: &$1) }
    }
    let ending: StreamEnding = frames.map { $0.isEmpty ? .later : .done } ?? .gone
    call(time) { $0.streamEnded(ending, token: token, now: time.now, into: &$1) }
    work(time, &tools)
  }
}

/// Repeats a frame's records at the inventory's time. False: they are not `count` records.
package func applyRecords(_ records: RawSpan, count: UInt32, to inventory: inout Inventory) -> Bool {
  var reader = ByteReader(records)
  var applied: UInt32 = 0
  var held = Outcome.Held.none
  while reader.bytesLeft > 0 {
    guard let record = try? CommandRecord(decoding: &reader) else { return false }
    if !inventory.applyOneHold(record, &held) { _ = inventory.apply(record) }
    applied &+= 1
  }
  return applied == count
}
