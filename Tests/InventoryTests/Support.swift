import Inventory
import Octets
import Proto
import Testing
import Time

extension Inventory {
  /// Encodes a command and applies its record, as a primary does.
  mutating func apply(_ command: Command, key: Bytes = "", fromRouter: Bool = false) -> Applied {
    apply(bytes: record(command, key: key, fromRouter: fromRouter))
  }

  mutating func apply(bytes: [UInt8]) -> Applied {
    var reader = ByteReader(bytes.rawSpan)
    do {
      let record = try CommandRecord(decoding: &reader)
      return apply(record)
    } catch {
      Issue.record("a record that cannot be decoded: \(error)")
      return Applied(outcome: .noted, mustLog: false)
    }
  }

  /// As a node applies what is most frequent; nil: `apply` must decide.
  mutating func applyOne(bytes: [UInt8]) -> Outcome.Held? {
    var reader = ByteReader(bytes.rawSpan)
    guard let record = try? CommandRecord(decoding: &reader) else { return nil }
    var held = Outcome.Held.none
    return applyOneHold(record, &held) ? held : nil
  }

  func snapshot() -> [[UInt8]] {
    var chunks: [[UInt8]] = []
    encodeSnapshot { chunks.append($0) }
    return chunks
  }

  init(snapshot: [[UInt8]], shard: ShardID) throws {
    var decoder = Inventory.Decoder(shard: shard, tableSalt: 77)
    for chunk in snapshot { try decoder.feed(chunk.rawSpan) }
    self = try decoder.finish()
  }
}

func record(_ command: Command, key: Bytes = "", fromRouter: Bool = false) -> [UInt8] {
  var out: [UInt8] = []
  command.encode(key: key, keyIsFromRouter: fromRouter, into: &out)
  return out
}

let shard = ShardID(3)

/// A hall of equal rows in one section and one category.
func hall(
  id: Bytes = "hall", rows: UInt32 = 4, seats: UInt32 = 10, price: Int64? = 1_000, holdTTL: UInt32 = 600,
  maxHoldTTL: UInt32? = nil, paymentTTL: UInt32 = 900, onSaleAt: Stamp? = nil, maxPerOrder: UInt32? = nil,
  maxPerBuyer: UInt32? = nil, areas: [EventDefinition.Area] = [], notForSale: [UInt32] = []
) -> EventDefinition {
  EventDefinition(
    id: id, name: "Hall", onSaleAt: onSaleAt, holdTTL: holdTTL, maxHoldTTL: maxHoldTTL, paymentTTL: paymentTTL,
    maxPerOrder: maxPerOrder, maxPerBuyer: maxPerBuyer, categories: [.init(name: "Stalls", price: price)],
    sections: [.init(name: "Stalls", rows: .grid(rows: rows, seatsPerRow: seats, category: CategoryIndex(0)))],
    areas: areas, notForSale: notForSale.map { SeatIndex($0) })
}

func seats(_ numbers: UInt32...) -> [SeatIndex] { numbers.map { SeatIndex($0) } }

/// One shard with one event, and short words for the commands. A class, so that `#expect` may call what changes it.
final class Box {
  var inventory: Inventory
  let event: EventRef
  var secret: UInt64 = 1_000

  init(_ definition: EventDefinition = hall(), keyLimits: KeyLimits = KeyLimits(), at now: Stamp = 1_000_000) {
    inventory = Inventory(shard: shard, keyLimits: keyLimits)
    _ = inventory.advance(to: now)
    guard case .created(let ref, _) = inventory.apply(.createEvent(definition, incarnation: 42)).outcome else {
      preconditionFailure("a test's own event can be created")
    }
    event = ref
  }

  init(copying other: Box) {
    (inventory, event, secret) = (other.inventory, other.event, other.secret)
  }

  func advance(to stamp: Stamp) -> Bool { inventory.advance(to: stamp) }
  func wait(_ milliseconds: Milliseconds) { _ = inventory.advance(to: inventory.now + milliseconds) }

  func hold(
    _ numbers: [SeatIndex], areas: [AreaCount] = [], buyer: Bytes = "ann", ttl: UInt32 = 0, key: Bytes = "",
    fromRouter: Bool = false
  ) -> Applied {
    secret += 1
    return inventory.apply(
      .hold(.init(event: event, ttl: ttl, secret: secret, buyer: buyer, seats: numbers, areas: areas)), key: key,
      fromRouter: fromRouter)
  }

  func best(_ count: UInt32, category: UInt16? = nil, buyer: Bytes = "ann") -> Outcome {
    secret += 1
    let category = category.map { CategoryIndex($0) }
    return inventory.apply(
      .holdBest(.init(event: event, secret: secret, buyer: buyer, count: count, category: category))
    ).outcome
  }

  /// Holds what is free; a refusal is the test's own mistake.
  func held(
    _ numbers: UInt32..., areas: [AreaCount] = [], buyer: Bytes = "ann", ttl: UInt32 = 0
  ) throws -> HoldID {
    let outcome = hold(numbers.map { SeatIndex($0) }, areas: areas, buyer: buyer, ttl: ttl).outcome
    guard case .held(let held) = outcome else { throw Unexpected(outcome: outcome) }
    return held.id
  }

  func checkedOut(_ hold: HoldID, reference: Bytes = "") throws -> OrderInfo {
    secret += 1
    let outcome = inventory.apply(.checkout(hold, secret: secret, reference: reference)).outcome
    guard case .checkedOut(let info) = outcome else { throw Unexpected(outcome: outcome) }
    return info
  }

  func outcome(_ command: Command, key: Bytes = "") -> Outcome { inventory.apply(command, key: key).outcome }

  var states: String {
    guard case .seats(_, _, let states) = inventory.answer(.seats(id: "hall")) else { return "?" }
    return states.description
  }
  var availability: Availability? {
    guard case .availability(_, _, let availability) = inventory.answer(.availability(id: "hall")) else { return nil }
    return availability
  }
}

struct Unexpected: Error { var outcome: Outcome }
