import Proto
import Replication
import Testing
import Time

/// Goal: a replica that can do nothing more has no role and no timer of one. Method: each role in turn is halted, and
/// what it says afterwards is counted.
@Suite struct HaltRuleTests {
  enum Before: CaseIterable { case primary, follower, joining }

  private func player(_ before: Before) -> Player {
    var player = Player(1)
    switch before {
    case .primary:
      player.start(nil)
      let roles = FirstRoles(primary: id(1), follower: id(2))
      player.replica.assignFirstRoles(roles, now: player.now, into: &player.effects)
      player.win(revision: 1)
      player.open()
    case .follower: player.start(entry(1, id(2), id(1)))
    case .joining: player.start(entry(1, id(2), nil))
    }
    return player
  }

  private func halt(_ player: inout Player, _ reason: HaltReason) {
    player.replica.halt(reason, now: player.now, into: &player.effects)
  }

  private func messages(_ player: Player) -> [Effect] {
    player.effects.filter {
      if case .send = $0 { return true }
      if case .sendFrame = $0 { return true }
      return false
    }
  }

  @Test(arguments: Before.allCases) func itSaysSoWithEachHeartbeatAndNothingElse(before: Before) {
    var player = player(before)
    player.now += 1_000
    player.effects = []
    halt(&player, .diskFailed)
    #expect(player.replica.role == .halted && player.replica.summary.haltReason == .diskFailed)
    player.wait(1_000)
    let resign = Effect.send(.resign(epoch: 1), to: id(2))
    let messages = messages(player)
    #expect(messages.allSatisfy { $0 == resign }, "\(messages)")
    // Once at once, then with the first tick and every 100 ms.
    #expect(messages.count == (before == .joining ? 0 : 11))
    #expect(!player.replica.acceptsCommands && player.replica.answerable == .nothing)
  }

  @Test(arguments: Before.allCases) func oneWhoseNodeWasReplacedIsSilent(before: Before) {
    var player = player(before)
    player.effects = []
    halt(&player, .replaced)
    player.wait(1_000)
    #expect(messages(player).isEmpty)
  }

  @Test(arguments: Before.allCases) func theMapGivesItNoRole(before: Before) {
    var player = player(before)
    halt(&player, .diskFailed)
    player.watch(entry(2, id(1), id(2), proposal: 7), revision: 2)
    #expect(player.replica.role == .halted && player.replica.epoch == 2)
    player.hear(.map(MapRegister(revision: 3, entry: entry(3, id(2), id(1), proposal: 8))), from: id(2))
    player.wait(1_000)
    #expect(player.replica.role == .halted)
  }

  @Test func theFirstReadOfTheMapGivesItNoRole() {
    var player = Player(1)
    player.replica.start(log: player.log.state(), now: player.now, into: &player.effects)
    halt(&player, .diskFailed)
    player.readMap(entry(1, id(2), id(1)), revision: 1)
    player.wait(1_000)
    #expect(player.replica.role == .halted && player.replica.summary.haltReason == .diskFailed)
  }

  /// The register came while memory was being loaded, so the role was to be taken when that is done.
  @Test func theEndOfAReloadGivesItNoRole() {
    var player = Player(1)
    player.start(entry(1, id(2), id(1)), suspicion: .tear)
    player.hear(.cleared(epoch: 1), from: id(2))
    #expect(player.effects.contains { if case .cut = $0 { true } else { false } })
    player.watch(entry(2, id(2), id(1), proposal: 2), revision: 2)
    halt(&player, .diskFailed)
    player.replica.reloaded(player.log.state(), now: player.now, into: &player.effects)
    #expect(player.replica.role == .halted)
  }
}
