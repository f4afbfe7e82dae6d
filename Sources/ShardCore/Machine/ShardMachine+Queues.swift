import Inventory
import Journal
import Octets
import Proto
import Replication
import Time

/// Waiting rooms at their primary: what it decides by itself becomes records like any other.
extension ShardMachine {
  /// Opens rooms, starts them and calls buyers, as far as it is time.
  mutating func runQueues(_ time: TurnTime, _ tools: inout ShardTools) {
    guard case .open = room, inventory.hasQueues else { return }
    for command in desk.decide(inventory, at: time.now, secret: secret) {
      var record: [UInt8] = []
      command.encode(into: &record)
      appendOwn(record, time, &tools)
    }
  }

  /// A new or changed event may have a room to open at once: who joins behind it finds it open.
  mutating func openRooms(_ time: TurnTime, _ tools: inout ShardTools) {
    if inventory.hasUnopenedQueues { runQueues(time, &tools) }
  }

  /// Applies and logs a record of the primary's own, in the turn's frame.
  private mutating func appendOwn(_ bytes: [UInt8], _ time: TurnTime, _ tools: inout ShardTools) {
    beginTurn()
    var reader = ByteReader(bytes.rawSpan)
    guard let record = try? CommandRecord(decoding: &reader) else {
      preconditionFailure("a record that was just encoded decodes")
    }
    guard inventory.apply(record).mustLog else { return }
    turn.records.put(record.bytes)
    turn.recordCount += 1
    recordsAtStamp += 1
    tellChanges(index: replica.end.index + UInt64(turn.recordCount))
  }

  /// The place that a request was about, whose buyer so shows a sign of life.
  mutating func sawBuyer(of place: PlaceID, _ time: TurnTime) { desk.saw(place, in: inventory, at: time.now) }
}
