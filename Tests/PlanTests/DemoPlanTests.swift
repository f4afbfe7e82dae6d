import Foundation
import Octets
import Plan
import Proto
import Testing

/// The plan that `cluster/up` loads is one that the importer takes, and every seat of it is found by its label.
@Test func theDemoPlanIsAccepted() throws {
  let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../cluster/demo/arena.json")
  let text = [UInt8](try Data(contentsOf: file.standardized))
  let plan = try parsePlan(text)
  // Its rows stand as they are listed; how far from the stage they are, their lines say.
  #expect(plan.sections.allSatisfy { $0.lines.allSatisfy(\.order.isEmpty) })
  #expect(plan.seatCount >= 12_000 && plan.sections.count > 1 && plan.categories.count > 1)
  let event = EventDefinition(id: "demo", name: "demo", categories: plan.categories, sections: plan.sections)
  let index = PlanIndex(event)
  for seat in 0..<UInt32(index.seatCount) {
    #expect(index.seat(index.label(SeatIndex(seat)).description) == seat)
  }
}
