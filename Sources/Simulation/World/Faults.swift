import Seeded
import Time

/// What goes wrong in a run, and how often: each drawn from the seed, so that some runs have much of a few kinds and
/// others a little of all.
struct Faults {
  /// Chance for each message between nodes.
  var loss = 0.0
  var duplication = 0.0
  /// Microseconds that a message may take.
  var delayMax = 1_000
  /// Chance for each sync, and the microseconds it then takes at most.
  var slowSync = 0.0
  var slowSyncMax = 20_000
  /// Chance for each answer of the coordinator to be slow, or lost.
  var slowCoordinator = 0.0
  var lostWatch = 0.0
  // Chances in each tenth of a second.
  var crash = 0.0
  var powerLoss = 0.0
  var crashInOperation = 0.0
  var failedSync = 0.0
  var fullDisk = 0.0
  var partition = 0.0
  var reset = 0.0
  var pause = 0.0
  var wallJump = 0.0
  /// How far a wall clock may be off.
  var wallJumpMax: Milliseconds = 25_000
  /// Every machine stands still, longer than an order may wait for its payment.
  var standstill = 0.0
  var routerCrash = 0.0
  /// A router stands still, now and then for longer than its keys are kept.
  var routerPause = 0.0
  /// A router and a primary hear nothing of the map, while the primary stands still or loses its follower.
  var deafRouter = 0.0
  var coordinatorAway = 0.0
  /// The coordinator takes no proposal for some time, though it can be read.
  var stuckProposals = 0.0
  /// A node's watch begins anew.
  var watchAgain = 0.0
  /// Chance for each proposal that takes a replica in to be decided late, and at a bad moment.
  var lateProposal = 0.0
  /// Chance at each change of the map that something happens to those it names.
  var atChange = 0.0
  /// A node is stopped and started at once.
  var restart = 0.0
  /// A node is told to end, or all of them are, and comes back some time later.
  var end = 0.0
  /// Of these, how often all of them are, at about the same time.
  var endOfAll = 0.3
  var directive = 0.0
  var damage = 0.0
  var wipe = 0.0
  /// A node comes back with what its disk was some time ago.
  var oldDisk = 0.0
  /// A node stands still while another process is started as it, from a copy of its disk.
  var twin = 0.0
  /// The coordinator comes back with what it knew some time ago.
  var coordinatorBack = 0.0

  static let none = Faults()

  /// Nothing goes wrong, but nodes are told to end.
  static func onlyEnds(ofAll: Bool) -> Faults {
    var faults = Faults()
    (faults.end, faults.endOfAll) = (0.3, ofAll ? 1 : 0)
    return faults
  }

  init() {}

  init(from random: inout SeededRandom) {
    func sometimes(_ most: Double, _ random: inout SeededRandom) -> Double {
      Bool.random(using: &random) ? Double.random(in: 0...most, using: &random) : 0
    }
    loss = sometimes(0.05, &random)
    duplication = sometimes(0.05, &random)
    delayMax = [300, 1_000, 5_000, 40_000].randomElement(using: &random) ?? 1_000
    slowSync = sometimes(0.05, &random)
    slowSyncMax = [5_000, 100_000, 1_500_000].randomElement(using: &random) ?? 5_000
    slowCoordinator = sometimes(0.3, &random)
    lostWatch = sometimes(0.5, &random)
    crash = sometimes(0.1, &random)
    powerLoss = sometimes(0.1, &random)
    crashInOperation = sometimes(0.1, &random)
    failedSync = sometimes(0.03, &random)
    fullDisk = sometimes(0.04, &random)
    partition = sometimes(0.12, &random)
    reset = sometimes(0.2, &random)
    pause = sometimes(0.12, &random)
    wallJump = sometimes(0.2, &random)
    coordinatorAway = sometimes(0.06, &random)
    directive = sometimes(0.15, &random)
    damage = sometimes(0.06, &random)
    wipe = sometimes(0.03, &random)
    restart = sometimes(0.05, &random)
    end = sometimes(0.08, &random)
    routerCrash = sometimes(0.08, &random)
    routerPause = sometimes(0.05, &random)
    stuckProposals = sometimes(0.15, &random)
    watchAgain = sometimes(0.8, &random)
    atChange = sometimes(0.3, &random)
    lateProposal = sometimes(0.5, &random)
    deafRouter = sometimes(0.1, &random)
    oldDisk = sometimes(0.06, &random)
    twin = sometimes(0.05, &random)
    coordinatorBack = sometimes(0.08, &random)
    // Kinds of their own: commands whose keys a router makes do not outlive them, so that others have keys of clients
    // only.
    if random.chance(15) { standstill = Double.random(in: 0...0.03, using: &random) }
    if random.chance(15) { wallJumpMax = 3_600_000 }
  }
}

/// The kinds of faults that a run counts.
package enum FaultKind: Int, CaseIterable, Sendable {
  case lostMessage, repeatedMessage, crash, powerLoss, crashInOperation, restart, end, endOfAll, failedSync, slowSync,
    fullDisk,
    partition, reset, pause, standstill, routerCrash, routerPause, deafRouter, wallJump, coordinatorAway,
    stuckProposals,
    lateProposal, watchAgain, atChange, directive, damage, primaryDamage, wipe, oldDisk, twin, staleStart,
    coordinatorBack,
    acceptLoss, broughtBack

  package var name: String {
    switch self {
    case .lostMessage: "messages lost"
    case .repeatedMessage: "messages repeated"
    case .crash: "processes killed"
    case .powerLoss: "power losses"
    case .crashInOperation: "power losses inside a disk operation"
    case .restart: "nodes stopped and started at once"
    case .end: "nodes told to end"
    case .endOfAll: "all nodes told to end"
    case .failedSync: "disk operations that failed"
    case .slowSync: "slow syncs"
    case .fullDisk: "full disks"
    case .partition: "partitions"
    case .reset: "connections reset"
    case .pause: "processes paused"
    case .standstill: "every machine still for a minute"
    case .routerCrash: "routers killed"
    case .routerPause: "routers paused"
    case .deafRouter: "routers deaf to the map"
    case .wallJump: "wall clock jumps"
    case .coordinatorAway: "coordinator away"
    case .stuckProposals: "proposals stuck in the coordinator"
    case .lateProposal: "proposals decided late and at a bad moment"
    case .watchAgain: "watches begun anew"
    case .atChange: "blows at a change of roles"
    case .directive: "directives of operators"
    case .damage: "logs or snapshots damaged at rest"
    case .primaryDamage: "of these, a primary's"
    case .wipe: "disks lost"
    case .oldDisk: "disks of yesterday"
    case .twin: "second processes of a node, from a copy of its disk"
    case .staleStart: "starts that found their directory old or copied"
    case .coordinatorBack: "coordinators of yesterday"
    case .acceptLoss: "suspect copies that an operator went on with"
    case .broughtBack: "disks of replaced processes brought back"
    }
  }
}
