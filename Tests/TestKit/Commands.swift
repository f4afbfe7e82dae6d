package import Octets
package import Proto

// Short names for what tests write most.
extension Command {
  package static func createEvent(_ definition: EventDefinition, incarnation: UInt64) -> Command {
    .event(.create(definition, incarnation: incarnation))
  }
  package static func release(_ id: HoldID) -> Command { .onHold(id, .release) }
  package static func extend(_ id: HoldID, ttl: UInt32) -> Command { .onHold(id, .extend(ttl: ttl)) }
  package static func checkout(_ id: HoldID, secret: UInt64, reference: Bytes = "") -> Command {
    .onHold(id, .checkout(secret: secret, reference: reference))
  }
  package static func confirm(_ id: OrderID) -> Command { .onOrder(id, .confirm) }
  package static func cancel(_ id: OrderID) -> Command { .onOrder(id, .cancel) }
}
