import Octets
import Proto
import Time

/// Keys that routers made for holds: their outcomes are read off the holds themselves while those say them.
extension Inventory {
  /// What a router's key got for a hold of this event; nil: no row of the ring says it.
  func repeatedRow(_ record: borrowing CommandRecord, event: UInt32) -> Applied? {
    guard let row = ring.find(record.key.word(0), record.key.word(1)), now - row.stamp < keyLimits.routerWindow,
      row.stamp >= events[event].createdAt, let (home, outcome) = outcome(of: row), home == event
    else { return nil }
    guard row.arguments == record.argumentsCheck else { return Self.refuse(.keyReused) }
    return Applied(outcome: outcome, mustLog: false, isRepeat: true)
  }

  /// Keeps a hold's key as a row of the ring; false: it does not fit there.
  @inline(__always) mutating func keepRow(
    _ held: Outcome.Held, isBest: Bool, _ record: borrowing CommandRecord
  ) -> Bool {
    guard record.keyIsFromRouter, record.key.byteCount == 16 else { return false }
    let (router, number) = (record.key.word(0), record.key.word(1))
    ring.see(router, number, othersAreEmpty: routerKeys.count == 0)
    guard ring.takes(router, number), held.version <= RouterKeyRing.versionMax else { return false }
    digest &+= ring.append(
      RouterKeyRing.Entry(
        router: router, number: number, slot: held.id.slot, sequence: held.id.sequence, isBest: isBest, stamp: now,
        ttl: UInt64((held.expiresAt - now).seconds), version: held.version, arguments: record.argumentsCheck))
    return true
  }

  /// The outcome that a row stands for, and its event.
  func outcome(of row: RouterKeyRing.Entry) -> (event: UInt32, outcome: Outcome)? {
    if let position = savedPlace(row.sequence) {
      return (
        UInt32(truncatingIfNeeded: ring.saved.entry(at: position).arguments),
        ring.saved.outcome(at: position, shard: shard)
      )
    }
    return outcomeInSlot(row)
  }

  private func outcomeInSlot(_ row: RouterKeyRing.Entry) -> (event: UInt32, outcome: Outcome)? {
    guard isInSlot(row) else { return nil }
    let record = holds[row.slot]
    let held = Outcome.Held(
      id: HoldID(shard: shard, slot: row.slot, sequence: row.sequence, secret: record.secret),
      expiresAt: row.stamp + .seconds(row.ttl), total: total(record), version: row.version)
    if row.isBest { return (record.event, .heldBest(held, seats: seatsAndAreas(record).seats)) }
    return (record.event, .held(held))
  }

  // MARK: Saving

  /// A slot is about to forget its hold's content: if a row of the ring needs it, it is kept apart.
  @inline(__always) mutating func saveRouterKey(_ record: HoldRecord) {
    if record.sequence >= ring.firstSequence { saveRow(of: record) }
  }

  private mutating func saveRow(of record: HoldRecord) {
    guard let row = ring.find(sequence: record.sequence), let (event, outcome) = outcomeInSlot(row) else { return }
    save(row, event, outcome)
  }

  /// In the table of saved outcomes the hold's sequence number is the key, and the event stands where the arguments'
  /// hash would.
  private mutating func save(_ row: RouterKeyRing.Entry, _ event: UInt32, _ outcome: Outcome) {
    let key: InlineArray<1, UInt64> = [row.sequence.littleEndian]
    // Safe: every byte of an integer is initialised.
    let bytes = unsafe key.span.bytes
    let entry = KeyEntry(
      stamp: row.stamp, keyBytes: 8, form: row.isBest ? .encoded : .held, subject: (row.slot, row.sequence),
      byArguments: false, event: 0, arguments: UInt64(event))
    if case .held(let held) = outcome {
      _ = ring.saved.addHeld(entry, bytes, hash: ring.saved.hash(bytes, event: 0), older: nil, held)
    } else {
      _ = ring.saved.add(entry, bytes, outcome, &scratch)
    }
  }

  private func savedPlace(_ sequence: UInt64) -> UInt64? {
    if ring.saved.count == 0 { return nil }
    let key: InlineArray<1, UInt64> = [sequence.littleEndian]
    // Safe: every byte of an integer is initialised.
    let bytes = unsafe key.span.bytes
    return ring.saved.find(bytes, hash: ring.saved.hash(bytes, event: 0), event: 0, arguments: 0)
  }

  // MARK: Snapshots

  /// The table of routers' other keys took this entry from a snapshot: the ring must not call its key new.
  mutating func seeRouterKey(at position: UInt64) {
    guard routerKeys.entry(at: position).keyBytes == 16 else { return }
    let key = position + KeyEntry.fixedWords
    ring.see(routerKeys.log[key], routerKeys.log[key + 1], othersAreEmpty: false)
  }

  /// A row as a snapshot says it. Layout: `router: u64`, `number: u64`, `sequence: u64`, `slot: u32`, `stamp: i64`,
  /// `arguments: u32`, `ttl: u24`, `isBest: u1` and `isSaved: u1` above it in a `u32`, `version: u64`; if saved:
  /// `event: u32`, the outcome's `bytes: u32`, the outcome.
  func put(_ row: RouterKeyRing.Entry, into out: inout [UInt8]) {
    let place = savedPlace(row.sequence)
    out.put(row.router)
    out.put(row.number)
    out.put(row.sequence)
    out.put(row.slot)
    out.put(row.stamp)
    out.put(row.arguments)
    out.put(UInt32(row.ttl) | (row.isBest ? 1 << 24 : 0) | (place == nil ? 0 : 1 << 25))
    out.put(row.version)
    guard let place else { return }
    out.put(UInt32(truncatingIfNeeded: ring.saved.entry(at: place).arguments))
    let lengthAt = out.count
    out.put(UInt32(0))
    ring.saved.outcome(at: place, shard: shard).encode(into: &out)
    out.patch(UInt32(out.count - lengthAt - 4), at: lengthAt)
  }

  /// Takes a row that a snapshot says, if it is one that this ring takes.
  mutating func takeRow(_ reader: inout ByteReader) throws(DecodeError) {
    let (router, number, sequence) = (try reader.u64(), try reader.u64(), try reader.u64())
    let (slot, stamp, arguments) = (try reader.u32(), try reader.stamp(), try reader.u32())
    let (flags, version) = (try reader.u32(), try reader.u64())
    let row = RouterKeyRing.Entry(
      router: router, number: number, slot: slot, sequence: sequence, isBest: flags >> 24 & 1 == 1, stamp: stamp,
      ttl: UInt64(flags & 0xFF_FFFF), version: version, arguments: arguments)
    guard sequence < nextSequence, slot < HoldSlab.none, (.zero...now).contains(stamp), flags >> 26 == 0,
      version <= RouterKeyRing.versionMax, row.ttl < 1 << 17
    else { throw .invalid(field: "snapshot key") }
    ring.see(router, number, othersAreEmpty: true)
    guard ring.takes(router, number), ring.follows(sequence: sequence, stamp: stamp) else {
      throw .invalid(field: "snapshot key order")
    }
    digest &+= ring.append(row)
    if flags >> 25 & 1 == 1 {
      try takeSaved(row, &reader)
    } else if !isInSlot(row) {
      throw .invalid(field: "snapshot key")
    }
  }

  private mutating func takeSaved(_ row: RouterKeyRing.Entry, _ reader: inout ByteReader) throws(DecodeError) {
    let event = try reader.u32()
    let byteCount = try reader.count(limit: 8 << 20, field: "snapshot key")
    var bytes = ByteReader(try reader.bytes(byteCount))
    let outcome = try Outcome(decoding: &bytes)
    try bytes.finish()
    let held: Outcome.Held
    switch outcome {
    case .held(let found) where !row.isBest: held = found
    case .heldBest(let found, _) where row.isBest: held = found
    case .held, .heldBest, .created, .termsSet, .blocked, .deleted, .released, .extended, .checkedOut, .order, .place,
      .queue, .placeGivenUp, .noted, .refused:
      throw .invalid(field: "snapshot key")
    }
    // What is said twice must be the same.
    guard Int(event) < events.count, !isInSlot(row), held.version == row.version,
      held.id == HoldID(shard: shard, slot: row.slot, sequence: row.sequence, secret: held.id.secret),
      held.expiresAt == row.stamp + .seconds(row.ttl)
    else { throw .invalid(field: "snapshot key") }
    save(row, event, outcome)
  }

  private func isInSlot(_ row: RouterKeyRing.Entry) -> Bool {
    guard Int(row.slot) < holds.count else { return false }
    let record = holds[row.slot]
    return record.sequence == row.sequence && record.status != .free && record.status != .released
  }
}

extension CommandRecord {
  /// 32 bits of a hold's arguments, random bits excluded: kind, length and every word of the body but the third, which
  /// is the secret. Tells another command under the same key; routers never send one.
  @inline(__always) var argumentsCheck: UInt32 {
    var sum = UInt64(kind.rawValue) << 32 | UInt64(body.byteCount)
    var factor: UInt64 = 0x9E37_79B9_7F4A_7C15
    for word in 0..<body.wordCount where word != 2 {
      sum &+= body.word(word) &* factor
      factor &+= 0x3C6E_F372_FE94_F82A
    }
    return UInt32(truncatingIfNeeded: mix64(sum) >> 32)
  }
}
