import Inventory
import Proto
import Testing

@Suite struct PlainTermsTests {
  /// A new term of an event is decided about before it can be sold past.
  @Test func everyFieldIsKnownToTheOneSeatPathOrTurnsItOff() {
    let fields = Set(Mirror(reflecting: hall()).children.compactMap(\.label))
    let decided = EventDefinition.plainFields.union(EventDefinition.otherFields)
    #expect(fields.subtracting(decided).isEmpty, "add these to the one-seat path, or let them make isPlain false")
    #expect(decided.subtracting(fields).isEmpty, "there are no such fields")
    #expect(EventDefinition.plainFields.isDisjoint(with: EventDefinition.otherFields))
  }

  @Test func otherTermsTurnTheOneSeatPathOff() {
    #expect(hall().isPlain && hall(onSaleAt: 5, maxPerOrder: 2).isPlain)
    #expect(!hall(maxPerBuyer: 2).isPlain)
  }
}
