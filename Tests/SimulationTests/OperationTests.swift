import Router
import Simulation
import Testing

/// The table of operations against what simulated clients do: a promise that nobody asks for is not checked.
@Suite struct OperationTests {
  /// Operations that change something and that no simulated client does, each with the reason.
  static let notSimulated: [String: String] = [:]

  @Test func everyWriteIsDoneByASimulatedClient() {
    var done: Set<String> = []
    for seed in UInt64(1)...40 { done.formUnion(Simulation.run(seed: seed, steps: 1_200).done.map(\.rawValue)) }
    for row in OperationTable.all where row.writes && Self.notSimulated[row.name] == nil {
      #expect(
        done.contains(row.name), "no simulated client does \(row.name): add it to ClientOperation and SimulatedClient")
    }
  }

  @Test func theNamesAreThoseOfTheTable() {
    let names = OperationTable.all.map(\.name)
    for call in SimulatedCall.allCases { #expect(names.contains(call.rawValue), "\(call)") }
    for name in Self.notSimulated.keys { #expect(names.contains(name), "\(name)") }
  }
}
