import Router
import Simulation
import Testing

/// The table of operations against what simulated clients do: a promise that nobody asks for is not checked.
@Suite struct OperationTests {
  /// Operations that change something and that no simulated client does, each with the reason.
  static let notSimulated: [String: String] = [:]

  @Test func everyWriteIsDoneByASimulatedClient() {
    // What clients do seldom is in few runs.
    var missing = Set(OperationTable.all.filter(\.writes).map(\.name)).subtracting(Self.notSimulated.keys)
    for seed in UInt64(1)...500 where !missing.isEmpty {
      missing.subtract(Simulation.run(seed: seed, steps: 1_200).done.map(\.rawValue))
    }
    #expect(missing.isEmpty, "no simulated client does these: add them to ClientOperation and SimulatedClient")
  }

  @Test func theNamesAreThoseOfTheTable() {
    let names = OperationTable.all.map(\.name)
    for call in SimulatedCall.allCases { #expect(names.contains(call.rawValue), "\(call)") }
    for name in Self.notSimulated.keys { #expect(names.contains(name), "\(name)") }
  }
}
