import Proto
import Time

/// An event's terms as a hold needs them: what the one-seat path looks at, beside each other.
struct SaleTerms: Sendable, BitwiseCopyable {
  /// Seconds.
  var holdTTL: UInt32
  /// Seconds.
  var maxHoldTTL: UInt32
  var onSaleAt: Stamp
  var maxPerOrder: UInt32
  /// The event has nothing that the one-seat path does not know: no other rule can refuse a hold, or make it another
  /// one. False sends every hold the general way, so that a rule which is forgotten there makes holds slow instead of
  /// wrong.
  var isPlain: Bool

  init(_ definition: EventDefinition, isPaused: Bool = false) {
    holdTTL = definition.holdTTL
    maxHoldTTL = definition.maxHoldTTL
    onSaleAt = definition.onSaleAt ?? .distantPast
    maxPerOrder = definition.maxPerOrder ?? .max
    isPlain = definition.isPlain && !isPaused
  }
}

extension EventDefinition {
  /// Whether the one-seat path knows every term of this event. Computed when the event is created or its terms change.
  ///
  /// A new field is either known to that path (`Inventory+OneHold.swift`) and added to `plainFields`, or makes this
  /// false when it is set. A test names a field that is neither.
  package var isPlain: Bool { maxPerBuyer == nil && waitingRoom == nil }

  /// Fields that the one-seat path heeds, or that are nothing to a hold.
  package static let plainFields: Set<String> = [
    "id", "name", "venue", "startsAt", "onSaleAt", "currency", "holdTTL", "maxHoldTTL", "paymentTTL", "maxPerOrder",
    "categories", "sections", "areas", "notForSale", "size",
  ]
  /// Fields that make an event's holds go the general way when they are set.
  package static let otherFields: Set<String> = ["maxPerBuyer", "waitingRoom"]
}
