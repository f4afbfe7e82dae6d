import Inventory
import Octets
import Proto
import TestKit
import Testing
import Time

@Suite struct Snapshots {
  /// A little of everything.
  static func box() throws -> Box {
    let box = Box(hall(rows: 2, seats: 6, maxPerBuyer: 9, areas: [.init(name: "Floor", capacity: 9, price: 5)]))
    let floor = [AreaCount(area: AreaIndex(0), count: 2)]
    let first = try box.held(0)
    let second = try box.held(1, 2, areas: floor, buyer: "a rather long name")
    let third = try box.held(3)
    _ = try box.held(4, ttl: 1)
    _ = try box.held(5, ttl: 2)
    box.wait(2_000)
    let order = try box.checkedOut(second).order
    _ = box.outcome(.confirm(order), key: "client key")
    _ = try box.checkedOut(third)
    _ = box.outcome(.release(first), key: "another")
    _ = box.hold(seats(6), key: "sixteen byte key", fromRouter: true)
    _ = box.hold(seats(6), key: "refused")
    return box
  }

  private func decode(_ bytes: [UInt8]) throws(DecodeError) -> Inventory {
    var decoder = Inventory.Decoder(shard: shard)
    try decoder.feed(bytes.rawSpan)
    return try decoder.finish()
  }

  @Test func whereChunksAreCutDoesNotMatter() throws {
    let box = try Self.box()
    let bytes = Array(box.inventory.snapshot().joined())
    for size in [1, 7, 1_000] {
      var decoder = Inventory.Decoder(shard: shard)
      for start in stride(from: 0, to: bytes.count, by: size) {
        try decoder.feed(Array(bytes[start..<min(start + size, bytes.count)]).rawSpan)
      }
      let decoded = try decoder.finish()
      #expect(decoded.digest == box.inventory.digest)
      #expect(decoded.stats.holds == box.inventory.stats.holds)
      #expect(Array(decoded.snapshot().joined()) == bytes)
    }
  }

  @Test func anEmptyShardHasASnapshot() throws {
    let inventory = Inventory(shard: shard)
    #expect(try Inventory(snapshot: inventory.snapshot(), shard: shard).digest == inventory.digest)
    #expect(throws: DecodeError.self) { _ = try Inventory(snapshot: inventory.snapshot(), shard: ShardID(9)) }
    #expect(throws: DecodeError.self) { _ = try Inventory(snapshot: [], shard: shard) }
  }

  @Test func chunksAreSmall() throws {
    let box = Box(hall(rows: 400, seats: 100))
    _ = box.hold((0..<30_000).map { SeatIndex($0) })
    for seat in UInt32(30_000)..<40_000 { _ = box.hold(seats(seat), key: Bytes("key \(seat)")) }
    let chunks = box.inventory.snapshot()
    #expect(chunks.count > 10)
    #expect(chunks.allSatisfy { $0.count <= 65_536 })
    #expect(try Inventory(snapshot: chunks, shard: shard).digest == box.inventory.digest)
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = Array(try Self.box().inventory.snapshot().joined())
    for length in 0..<bytes.count {
      #expect(throws: DecodeError.self, "\(length)") { _ = try decode(Array(bytes[..<length])) }
    }
    #expect(throws: DecodeError.self) { _ = try decode(bytes + [0]) }
    #expect(throws: DecodeError.self) { _ = try decode(bytes + bytes) }
  }

  /// What is changed is refused or makes a sound inventory that differs only in what the digest leaves out (names,
  /// colours).
  @Test func mutationsNeverTrap() throws {
    let box = try Self.box()
    let bytes = Array(box.inventory.snapshot().joined())
    var random = SeededRandom(seed: 11)
    var refused = 0
    for place in 0..<(bytes.count * 8) {
      var mutated = bytes
      let value: UInt8 =
        switch place / bytes.count {
        case 0: 0
        case 1: 255
        case 2: mutated[place % bytes.count] ^ 1
        case 3: mutated[place % bytes.count] ^ 128
        default: UInt8(truncatingIfNeeded: random.next())
        }
      mutated[place % bytes.count] = value
      if place / bytes.count > 5 { mutated[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8) }
      guard var inventory = try? decode(mutated) else {
        refused += 1
        continue
      }
      // It can be worked with to its end.
      _ = inventory.answer(.seats(id: "hall"))
      _ = inventory.apply(.tick)
      _ = inventory.advance(to: 5_000_000)
      _ = inventory.snapshot()
    }
    #expect(refused > bytes.count * 6)
  }

  /// As above, with the digest left out of the judgement: what the decoder lets through by itself must be sound.
  @Test func aForgedDigestOpensNoDoor() throws {
    let bytes = Array(try Self.box().inventory.snapshot().joined())
    var random = SeededRandom(seed: 12)
    for _ in 0..<20_000 {
      var mutated = bytes
      for _ in 0..<(1 + random.next() % 3) {
        mutated[Int(random.next() % UInt64(bytes.count - 8))] = UInt8(truncatingIfNeeded: random.next())
      }
      var decoder = Inventory.Decoder(shard: shard)
      guard (try? decoder.feed(mutated.rawSpan)) != nil else { continue }
      guard var inventory = try? decoder.finishUnverified() else { continue }
      _ = inventory.answer(.seats(id: "hall"))
      for hold in UInt64(0)..<8 {
        for slot in UInt32(0)..<6 {
          _ = inventory.answer(.hold(HoldID(shard: shard, slot: slot, sequence: hold, secret: 1_000 + hold)))
        }
      }
      for _ in 0..<4 { _ = inventory.apply(.tick) }
      _ = inventory.advance(to: 5_000_000)
      _ = inventory.advance(to: .distantFuture)
      _ = inventory.snapshot()
    }
  }

  @Test func randomBytesNeverTrap() throws {
    var random = SeededRandom(seed: 13)
    let header = Array(Inventory(shard: shard).snapshot().joined().prefix(64))
    for round in 0..<50_000 {
      var bytes = round % 2 == 0 ? [] : header
      for _ in 0..<Int(random.next() % 80) { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
      if round % 4 == 1, bytes.count > header.count + 5 {
        // A plausible item.
        bytes[header.count] = UInt8(1 + random.next() % 7)
        let length = UInt32(bytes.count - header.count - 5)
        for place in 0..<4 { bytes[header.count + 1 + place] = UInt8(truncatingIfNeeded: length >> UInt32(8 * place)) }
      }
      _ = try? decode(bytes)
    }
  }

  /// A copy does not see what happens to the original, and keeps its own.
  @Test func aCopyIsASnapshot() throws {
    let box = Box(hall(rows: 100, seats: 100))
    for seat in UInt32(0)..<3_000 { _ = box.hold(seats(seat), key: Bytes("k\(seat)")) }
    let copy = box.inventory
    let bytes = copy.snapshot()
    for seat in UInt32(3_000)..<6_000 { _ = box.hold(seats(seat), key: Bytes("k\(seat)")) }
    box.wait(700_000)
    #expect(copy.snapshot() == bytes)
    #expect(box.inventory.digest != copy.digest)
  }

  @Test func theDigestCoversWhatItShould() throws {
    let box = try Self.box()
    var seen: Set<UInt64> = [box.inventory.digest]
    func isNew() -> Bool { seen.insert(box.inventory.digest).inserted }
    let id = try box.held(7)
    #expect(isNew())
    _ = box.outcome(.extend(id, ttl: 500))
    #expect(isNew())
    let order = try box.checkedOut(id).order
    #expect(isNew())
    _ = box.outcome(.confirm(order))
    #expect(isNew())
    _ = box.outcome(.cancel(order))
    #expect(isNew())
    _ = box.hold(seats(8), key: "only the key is stored")
    _ = box.hold(seats(8), key: "and this refusal")
    #expect(isNew())
    _ = box.outcome(.createEvent(hall(id: "more"), incarnation: 8))
    #expect(isNew())
  }
}
