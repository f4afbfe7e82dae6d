import Octets
public import Proto

/// What becomes of a large record, made before it is applied and without the inventory: so another thread can make it,
/// and applying the record takes no longer than a small one.
public struct PreparedRecord: Sendable {
  /// Without a slot.
  let event: EventState
  let argumentsHash: UInt64

  /// nil: the record creates no event, or none that can be read.
  public init?(_ record: borrowing CommandRecord) {
    switch record.kind {
    case .event(.create): break
    case .event(.set), .event(.block), .event(.delete), .hold, .holdBest, .passHold, .passHoldBest, .onHold, .onOrder,
      .onQueue, .onPlace, .tick, .openEpoch:
      return nil
    }
    guard let (outline, incarnation) = try? Self.creation(record.body), !outline.definition.id.isEmpty else {
      return nil
    }
    event = EventState(EventLayout(outline), slot: .max, incarnation: incarnation)
    argumentsHash = record.argumentsHash
  }

  /// What `EventCommand.create` decodes, without the seats' labels.
  private static func creation(_ body: RawSpan) throws(DecodeError) -> (DefinitionOutline, incarnation: UInt64) {
    var reader = ByteReader(body)
    let incarnation = try reader.u64()
    let outline = try DefinitionOutline(decoding: &reader)
    try reader.finish()
    return (outline, incarnation)
  }
}
