import Proto
import Replication
import Testing

/// Goal: nothing that was answered is ever lost or contradicted, one replica answers in an epoch, and a shard heals by
/// itself. Method: a few hundred seeded runs of two or three replicas with everything going wrong, checked after each
/// step.
@Suite struct WorldTests {
  @Test(arguments: 0..<8) func whateverGoesWrong(block: Int) {
    // Debug code is twenty times slower.
    let count = _isDebugAssertConfiguration() ? 5 : 50
    for seed in (block * 50)..<(block * 50 + count) {
      let world = World(seed: UInt64(seed))
      do {
        try world.run(chaos: 8_000, healWithin: 30_000)
      } catch {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test func withoutFaultsBothAreInSyncAtOnce() throws {
    let world = World(seed: 1, nodeCount: 2, faults: Faults.none)
    try world.run(milliseconds: 1_000)
    #expect(world.isHealed || world.register?.entry.follower != nil)
    try world.run(milliseconds: 2_000)
    #expect(world.register?.entry.epoch ?? 0 <= 2)
    #expect(world.checks.acknowledged.count > 100)
    #expect(world.checks.readsAnswered > 20)
  }
}
