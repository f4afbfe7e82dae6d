import Inventory
import Journal
import Octets
import Proto
import Replication

/// A large record as a primary needs it, made beside the loop. An object: it is handed on, and large.
package final class LargeRecord: Sendable {
  let prepared: PreparedRecord?
  let block: PreparedBlock

  /// nil: these bytes are no record.
  package init?(_ bytes: ArraySlice<UInt8>) {
    var reader = ByteReader(bytes.rawSpan)
    guard let record = try? CommandRecord(decoding: &reader), reader.bytesLeft == 0 else { return nil }
    prepared = PreparedRecord(record)
    var encoder = FrameEncoder()
    block = encoder.prepare(record.bytes)
  }
}

/// A peer's frame with one large record, verified and decompressed beside the loop.
package final class UnpackedFrame: Sendable {
  let frame: EncodedFrame
  let records: [UInt8]
  /// Of the only record.
  let prepared: PreparedRecord?

  /// nil: it is not what was written.
  package init?(_ bytes: ArraySlice<UInt8>) {
    var decoder = FrameDecoder()
    var reader = ByteReader(bytes.rawSpan)
    guard let frame = try? decoder.take(&reader), reader.bytesLeft == 0 else { return nil }
    self.frame = frame
    records = Bytes(decoder.records).array
    var records = ByteReader(decoder.records)
    prepared =
      if frame.header.count == 1, let record = try? CommandRecord(decoding: &records) { PreparedRecord(record) } else {
        nil
      }
  }
}

/// How far a request that waits with a large record is.
enum Preparation {
  case none
  case underWay(token: UInt64)
  /// nil: nothing was made beforehand.
  case done(LargeRecord?)
}

/// What a peer said behind a large frame that is being unpacked, and that frame.
struct DelayedMessages {
  struct Message {
    var message: ReplicaMessage
    /// Of the frame that is the payload, if it is one.
    var header: LogFrame?
    var payload: ArraySlice<UInt8>
    var sender: ReplicaID
  }

  var list: [Message] = []
  /// Of their payloads.
  private(set) var byteCount = 0
  /// Bytes that the next tick asks room for: more while there is room, less while there is none. A log whose segments
  /// are smaller than all that waits takes it piece by piece.
  private(set) var asked = Self.askedMax
  private static let askedMax = 4 << 20
  private static let askedMin = 1 << 10
  /// Of the job that unpacks the first of them; nil: there is none, or it is done.
  var token: UInt64?
  /// The first of them, unpacked.
  var first: UnpackedFrame?

  var isEmpty: Bool { list.isEmpty }

  /// What the log must have room for before the next tick takes any of it.
  var nextBytes: Int { min(byteCount, max(asked, list.first?.payload.count ?? 0)) }

  mutating func foundRoom(_ hasRoom: Bool) {
    asked = hasRoom ? min(Self.askedMax, asked * 2) : max(Self.askedMin, asked / 2)
  }

  mutating func append(_ message: Message) {
    list.append(message)
    byteCount += message.payload.count
  }

  mutating func removeFirst() -> Message {
    let message = list.removeFirst()
    byteCount -= message.payload.count
    return message
  }
}

// What takes long because it is large is made beside the loop, and its shard alone waits for it.
extension ShardMachine {
  /// A job's number.
  private mutating func nextToken() -> UInt64 {
    lastToken += 1
    return lastToken
  }

  /// The oldest request that waits is a command whose record has so many bytes.
  mutating func prepareRecord(byteCount: Int) {
    let token = nextToken()
    let start = deferred[0].body.startIndex + deferred[0].done + Request.headerBytes
    deferred[0].preparation = .underWay(token: token)
    actions.append(.disk(.prepareRecord(token: token, deferred[0].body[start..<(start + byteCount)])))
  }

  /// Whether the oldest request that waits cannot be worked off yet.
  var isPreparing: Bool {
    if case .underWay? = deferred.first?.preparation { return true }
    return false
  }

  mutating func recordPrepared(_ record: LargeRecord?, token: UInt64) {
    guard case .underWay(token)? = deferred.first?.preparation else { return }
    deferred[0].preparation = .done(record)
  }

  // MARK: The follower's

  /// Whether a peer's message has to wait, because it or one before it is being unpacked.
  mutating func delay(
    _ message: ReplicaMessage, _ header: LogFrame?, payload: RawSpan, kept: ArraySlice<UInt8>?, from sender: ReplicaID
  ) -> Bool {
    guard isLarge(header) || !delayed.isEmpty else { return false }
    // Lost, like a message on a bad line: what is missing is said again.
    if !delayed.isEmpty, delayed.byteCount + payload.byteCount > options.deferredBytesMax { return true }
    delayed.append(
      DelayedMessages.Message(
        message: message, header: header, payload: kept ?? Bytes(payload).array[...], sender: sender))
    if delayed.list.count == 1 { unpackFirst() }
    return true
  }

  private mutating func unpackFirst() {
    let token = nextToken()
    delayed.token = token
    actions.append(.disk(.unpackFrame(token: token, delayed.list[0].payload)))
  }

  /// The next tick goes on, when it is known what room the log has.
  mutating func frameUnpacked(_ frame: UnpackedFrame?, token: UInt64) {
    guard delayed.token == token else { return }
    (delayed.token, delayed.first) = (nil, frame)
  }

  /// Takes the messages that wait for nothing any more.
  mutating func receiveDelayed(_ time: TurnTime, _ tools: inout ShardTools) {
    guard !delayed.isEmpty, delayed.token == nil else { return }
    // Nothing is dropped for want of room: it would be sent again, and be as much again.
    if case .busy = room { return delayed.foundRoom(false) }
    var left = delayed.nextBytes
    var rawBytes = 0
    while let first = delayed.list.first, delayed.token == nil, left >= first.payload.count {
      // Their records are applied here: beyond one large frame, what the turn has no time for waits for the next tick.
      guard rawBytes < options.largeRecordBytes || !tools.allowance.isOver else { return }
      rawBytes += Int(first.header?.rawBytes ?? 0)
      left -= first.payload.count
      let message = delayed.removeFirst()
      receive(message.message, message.header, payload: message.payload.rawSpan, from: message.sender, time, &tools)
      delayed.first = nil
      if let next = delayed.list.first, isLarge(next.header) { unpackFirst() }
    }
    delayed.foundRoom(true)
  }

  private func isLarge(_ header: LogFrame?) -> Bool { Int(header?.rawBytes ?? 0) >= options.largeRecordBytes }
}
