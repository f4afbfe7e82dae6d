#if PLANTED_MISTAKES
import Replication
import Testing

/// Goal: the runs can see mistakes. Method: each planted one is found within a bounded number of seeds.
@Suite struct PlantedReplicaMistakeTests {
  @Test(arguments: PlantedReplicaMistake.allCases) func isFound(bug: PlantedReplicaMistake) {
    for seed in 0..<UInt64(1_500) {
      let world = World(seed: seed)
      world.planted = bug
      do {
        try world.run(chaos: 8_000, healWithin: 30_000)
      } catch {
        print("\(bug): \(error)")
        return
      }
    }
    Issue.record("\(bug) was not found")
  }
}
#endif
