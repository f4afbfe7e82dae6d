import Octets
public import Proto
import Time

/// Applying records: keys around, commands inside.
extension Inventory {
  /// Applies one record at `now`; `advance` comes first. Whatever the record's bytes are, it never traps.
  ///
  /// - Parameter prepared: what was made of this very record beforehand.
  public mutating func apply(_ record: borrowing CommandRecord, _ prepared: PreparedRecord? = nil) -> Applied {
    switch record.kind {
    case .hold: return applyHold(record)
    case .holdBest: return applyHoldBest(record)
    case .passHold, .passHoldBest: return applyWithPass(record)
    case .onHold(let kind): return applyToHold(kind, record)
    case .onOrder(let kind): return applyToOrder(kind, record)
    case .onQueue(let kind): return applyToQueue(kind, record)
    case .onPlace(let kind): return applyToPlace(kind, record)
    case .event(let kind): return applyToEvent(kind, record, prepared)
    case .tick:
      if sweep.isDue { sweepSlice() }
      logged()
      return Applied(outcome: .noted, mustLog: true)
    case .openEpoch:
      logged()
      return Applied(outcome: .noted, mustLog: true)
    }
  }

  static func refuse(_ refusal: Refusal) -> Applied { Applied(outcome: .refused(refusal), mustLog: false) }

  /// A record's key in the tables.
  struct Key {
    /// Of the command; nil: not asked for yet.
    var arguments: UInt64?
    /// In the event's scope; nil: not asked for yet.
    var hash: UInt64?
    /// An entry of this key whose time has passed, in the table that the record's key goes to.
    var older: UInt64?
  }

  /// What this key got before in the event's scope: the same outcome again, or, for another command, a refusal.
  @inline(__always) mutating func repeated(
    _ record: borrowing CommandRecord, event: UInt32, key: inout Key
  ) -> Applied? {
    if record.key.byteCount == 0 { return nil }
    if record.keyIsFromRouter, record.key.byteCount == 16 {
      if ring.isNew(record.key.word(0), record.key.word(1)) { return nil }
      if let repeated = repeatedRow(record, event: event) { return repeated }
    }
    return repeatedInTables(record, event: event, key: &key)
  }

  private func repeatedInTables(
    _ record: borrowing CommandRecord, event: UInt32, key: inout Key
  ) -> Applied? {
    let arguments = key.arguments ?? record.argumentsHash
    // All three tables have the same salt.
    let hash = routerKeys.hash(record.key, event: event)
    (key.arguments, key.hash) = (arguments, hash)
    if record.keyIsFromRouter {
      guard let position = routerKeys.find(record.key, hash: hash, event: event, arguments: 0) else { return nil }
      let entry = routerKeys.entry(at: position)
      if now - entry.stamp < keyLimits.routerWindow, isOfPresentLife(entry) {
        return again(routerKeys, position, arguments)
      }
      key.older = position
      return nil
    }
    if let position = clientKeys.find(record.key, hash: hash, event: event, arguments: 0) {
      key.older = position
      let entry = clientKeys.entry(at: position)
      if now - entry.stamp < keyLimits.clientWindow || lives(entry.subject), isOfPresentLife(entry) {
        return again(clientKeys, position, arguments)
      }
    }
    if let position = parkedKeys.find(record.key, hash: hash, event: event, arguments: 0),
      lives(parkedKeys.entry(at: position).subject)
    {
      return again(parkedKeys, position, arguments)
    }
    return repeatedWithoutEvent(record, arguments: arguments)
  }

  /// As above, for a client's key that got a refusal because what its command was about is no more: which event that
  /// was of nobody knows, so it counts for every event.
  func repeatedWithoutEvent(_ record: borrowing CommandRecord, arguments: UInt64) -> Applied? {
    if record.key.byteCount == 0 || record.keyIsFromRouter { return nil }
    let hash = clientKeys.hash(record.key, event: KeyEntry.noEvent)
    let since = now - keyLimits.clientWindow + 1
    guard
      let position = clientKeys.find(record.key, hash: hash, event: KeyEntry.noEvent, arguments: 0, since: since)
    else { return nil }
    return again(clientKeys, position, arguments)
  }

  /// Whether an entry was made for the event that its slot has now, not for one that was deleted.
  private func isOfPresentLife(_ entry: KeyEntry) -> Bool { entry.stamp >= events[entry.event].createdAt }

  /// As above for a command on a hold or order that is no more, whose event therefore nobody knows: only the very same
  /// command under the same key is found.
  ///
  /// - Parameter arguments: the record's, if they are known.
  func repeatedOfDead(_ record: borrowing CommandRecord, arguments: UInt64? = nil) -> Applied? {
    if record.key.byteCount == 0 { return nil }
    let arguments = arguments ?? record.argumentsHash
    let table = record.keyIsFromRouter ? routerKeys : clientKeys
    let window = record.keyIsFromRouter ? keyLimits.routerWindow : keyLimits.clientWindow
    let hash = table.hash(record.key, arguments: arguments)
    let since = now - window + 1
    guard let position = table.find(record.key, hash: hash, event: nil, arguments: arguments, since: since) else {
      return nil
    }
    return again(table, position, arguments)
  }

  /// Refuses a command on a hold or order that is no more.
  ///
  /// A client's key is used up by that as by any other outcome, and must not have been used for another command of any
  /// event of this shard: the event that the key would belong to is not known.
  mutating func refuseDead(_ refusal: Refusal, _ record: borrowing CommandRecord) -> Applied {
    let arguments = record.argumentsHash
    if let repeated = repeatedOfDead(record, arguments: arguments) { return repeated }
    if record.key.byteCount == 0 || record.keyIsFromRouter { return Self.refuse(refusal) }
    if let position = clientKeys.findAnywhere(record.key) {
      let entry = clientKeys.entry(at: position)
      // The same command on an order was answered while there was its event.
      if now - entry.stamp < keyLimits.clientWindow, entry.arguments != arguments { return Self.refuse(.keyReused) }
    }
    return conclude(
      .refused(refusal), record, Key(arguments: arguments), event: KeyEntry.noEvent, subject: nil, byArguments: true)
  }

  private func again(_ table: KeyTable, _ position: UInt64, _ arguments: UInt64) -> Applied {
    guard table.entry(at: position).arguments == arguments else { return Self.refuse(.keyReused) }
    return Applied(outcome: table.outcome(at: position, shard: shard), mustLog: false, isRepeat: true)
  }

  /// Whether a key's hold or order lives, so that the key must stay.
  func lives(_ subject: (slot: UInt32, sequence: UInt64)?) -> Bool {
    guard let subject, Int(subject.slot) < holds.count else { return false }
    let record = holds[subject.slot]
    return record.status.lives && record.sequence == subject.sequence
  }

  /// Remembers the outcome under the record's key and says whether the record must be logged.
  @inline(__always) mutating func conclude(
    _ outcome: Outcome, _ record: borrowing CommandRecord, _ key: Key, event: UInt32,
    subject: (slot: UInt32, sequence: UInt64)?, byArguments: Bool = false
  ) -> Applied {
    if case .refused = outcome, record.keyIsFromRouter || record.key.byteCount == 0 {
      return Applied(outcome: outcome, mustLog: false)
    }
    if record.key.byteCount > 0 {
      let entry = KeyEntry(
        stamp: now, keyBytes: record.key.byteCount, form: .encoded, subject: subject, byArguments: byArguments,
        event: event, arguments: key.arguments ?? record.argumentsHash)
      if record.keyIsFromRouter, record.key.byteCount == 16 {
        ring.see(record.key.word(0), record.key.word(1), othersAreEmpty: routerKeys.count == 0)
      }
      digest &+=
        record.keyIsFromRouter
        ? routerKeys.add(entry, record.key, outcome, &scratch) : clientKeys.add(entry, record.key, outcome, &scratch)
    }
    logged()
    return Applied(outcome: outcome, mustLog: true)
  }

  /// As `conclude`, for the most frequent of all outcomes.
  @inline(__always) mutating func concludeHeld(
    _ held: Outcome.Held, _ record: borrowing CommandRecord, _ key: Key, event: UInt32
  ) {
    if record.key.byteCount > 0, !keepRow(held, isBest: false, record) {
      let entry = KeyEntry(
        stamp: now, keyBytes: record.key.byteCount, form: .held, subject: (held.id.slot, held.id.sequence),
        byArguments: false, event: event, arguments: key.arguments ?? record.argumentsHash)
      let hash = key.hash ?? routerKeys.hash(record.key, event: event)
      if record.keyIsFromRouter {
        digest &+= routerKeys.addHeld(entry, record.key, hash: hash, older: key.older, held)
      } else {
        digest &+= clientKeys.addHeld(entry, record.key, hash: hash, older: key.older, held)
      }
    }
    logged()
  }

  /// Ends every record that is logged: a few keys whose time has passed go.
  @inline(__always) mutating func logged() {
    loggedStamp = now
    if ring.isDue(at: now, window: keyLimits.routerWindow) { dropSlice() }
    if ring.saved.count > 0 { ring.dropSaved() }
    if routerKeys.count > 0, now - routerKeys.firstStamp >= keyLimits.routerWindow || routerKeys.isTooLong {
      dropRouterKeys()
    }
    if clientKeys.count > 0 || parkedKeys.count > 0 { dropClientKeys() }
  }

  private mutating func dropSlice() {
    let before = ring.count
    digest &-= ring.dropSlice()
    keysForgotten += before - ring.count
  }

  /// How many keys one record may drop because of their age: no record waits for a crowd of them. Nothing depends on
  /// how fast they go: a key whose time has passed is not looked at.
  private static let dropsMax = 8

  private mutating func dropRouterKeys() {
    for _ in 0..<Self.dropsMax where routerKeys.count > 0 {
      guard now - routerKeys.firstStamp >= keyLimits.routerWindow || routerKeys.isTooLong else { break }
      digest &-= routerKeys.dropFirst()
    }
  }

  private mutating func dropClientKeys() {
    var drops = 0
    // What one record adds is at most what it makes drop, so the byte limit needs no bound of its own.
    while clientKeys.count > 1 {
      let entry = clientKeys.entry(at: clientKeys.log.head)
      let isOld = now - entry.stamp >= keyLimits.clientWindow && drops < Self.dropsMax
      guard isOld || clientKeys.entryBytes > keyLimits.clientBytes else { break }
      drops += 1
      if lives(entry.subject) {
        clientKeys.moveFirst(to: &parkedKeys)
      } else {
        digest &-= clientKeys.dropFirst()
      }
    }
    // Two steps around the parked ones for each record: what died among them goes sooner or later.
    for _ in 0..<2 where parkedKeys.count > 0 {
      if lives(parkedKeys.entry(at: parkedKeys.log.head).subject) {
        parkedKeys.rotate()
      } else {
        digest &-= parkedKeys.dropFirst()
      }
    }
  }
}

extension KeyTable {
  /// Adds an entry of form `encoded` and returns its term of the digest.
  mutating func add(
    _ entry: KeyEntry, _ key: RawSpan, _ outcome: Outcome, _ scratch: inout [UInt8]
  ) -> UInt64 {
    let position = begin(entry, key: key)
    scratch.removeAll(keepingCapacity: true)
    outcome.encode(into: &scratch)
    append(UInt64(scratch.count))
    let span = scratch.rawSpan
    for word in 0..<span.wordCount { append(span.word(word)) }
    return end(position)
  }

  /// The outcome of an entry. What a snapshot brought was checked then.
  func outcome(at position: UInt64, shard: ShardID) -> Outcome {
    let entry = entry(at: position)
    let at = position + KeyEntry.fixedWords + entry.keyWords
    switch entry.form {
    case .held:
      let last = log[at + 2]
      let id = HoldID(
        shard: shard, slot: entry.subject?.slot ?? 0, sequence: entry.subject?.sequence ?? 0, secret: log[at])
      return .held(
        Outcome.Held(
          id: id, expiresAt: entry.stamp + .seconds(last >> 47),
          total: Int64(bitPattern: log[at + 1]), version: last & (1 << 47 - 1)))
    case .encoded:
      var bytes: [UInt8] = []
      let count = Int(log[at])
      for word in 0..<UInt64(count + 7) >> 3 { bytes.put(log[at + 1 + word]) }
      var reader = ByteReader(bytes.rawSpan.extracting(0..<count))
      guard let outcome = try? Outcome(decoding: &reader) else {
        preconditionFailure("an outcome that was encoded or checked can be decoded")
      }
      return outcome
    }
  }
}
