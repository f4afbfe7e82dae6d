import ClusterMap
import Coordinators
import Foundation
import Octets
import Proto
import Testing
import Threads

/// Several processes on one directory: what threads of one process cannot show.
@Suite struct ProcessRaceTests {
  /// Goal: no revision is won twice, none is missing.
  /// Method: four processes propose as often as they can; each writes down what it won.
  @Test func manyProcessesOneWinnerForEachRevision() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let coordinator = try FileCoordinator(directory: directory + "/map-place")
    _ = try await coordinator.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    await withTaskGroup(of: Void.self) { group in
      for proposer in 0..<4 {
        group.addTask {
          await #expect(processExitsWith: .success) { [directory = directory as String, proposer = proposer as Int] in
            try await propose(in: directory, as: proposer)
          }
        }
      }
    }
    var wins: [String] = []
    for proposer in 0..<4 {
      let text = try String(contentsOfFile: "\(directory)/won-\(proposer)", encoding: .utf8)
      wins += text.split(separator: "\n").map(String.init)
    }
    let last = try #require(try await coordinator.read(ShardID(0))).revision
    // Each line is the revision alone, so that one won twice shows up twice.
    #expect(wins.compactMap { UInt64($0) }.sorted() == Array(1...last))
    // Whoever loses does so because the revision has moved on, so each of the forty rounds moves it at least by one.
    #expect(last >= 40)
  }

  /// A process that is killed at any moment leaves a map that the others can go on with.
  @Test func killedProposersLeaveNothingBroken() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let coordinator = try FileCoordinator(directory: directory + "/map-place")
    _ = try await coordinator.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    for round in 0..<5 {
      await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String, round = round as Int] in
        // The time differs, so that the end comes at different steps of a proposal.
        Thread.detachNewThread {
          usleep(UInt32(20_000 + 7_000 * round))
          kill(getpid(), SIGKILL)
        }
        while true { try await propose(in: directory, as: round) }
      }
      let before = try await coordinator.read(ShardID(0))
      let entry = Conformance.entry(9, "n9", proposal: UInt64(900 + round))
      let result = await coordinator.propose(entry, for: ShardID(0), expecting: before?.revision ?? 0)
      guard case .won = result else {
        Issue.record("round \(round): \(result)")
        return
      }
    }
    // What the killed ones had written and not linked is cleared away by who comes next.
    _ = try FileCoordinator(directory: directory + "/map-place")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/map-place/tmp").isEmpty)
  }
}

/// Proposes forty times, always what follows what it read, and writes down the revisions it won.
private func propose(in directory: String, as proposer: Int) async throws {
  let coordinator = try FileCoordinator(directory: directory + "/map-place")
  var won = ""
  for _ in 0..<40 {
    let base = try await coordinator.read(ShardID(0))?.revision ?? 0
    let id = UInt64.random(in: 0 ... .max)
    let entry = MapEntry(
      epoch: base + 1, primary: ReplicaID(node: NodeName(Bytes("n\(proposer)"))!, disk: 1), follower: nil, proposal: id)
    if case .won(let register) = await coordinator.propose(entry, for: ShardID(0), expecting: base) {
      // Others may have followed: ours is the one after what we read.
      won += "\(register.revision)\n"
    }
  }
  try won.write(toFile: "\(directory)/won-\(proposer)", atomically: true, encoding: .utf8)
}
