import Proto
import Time

/// What a replica is, with all that only this role keeps. A change of role replaces it whole: nothing of the old role
/// is left for the new one to read.
///
/// What outlives a role (the log, the map, a proposal under way) is `Replica`'s own.
enum RoleState: Sendable {
  case starting(Start)
  case unborn(Unborn)
  case comparing(Comparison)
  case primary(Lead)
  case follower(Follow, Intake)
  case joining(Join, Intake)
  case idle(Idle)
  case halted(Halt)
}

/// What a replica keeps until it has read the map.
struct Start: Sendable {
  /// What a watch brought before the first read was answered.
  var early: MapRegister?
  /// The cluster's birth may be known before the map was read.
  var firstRoles: FirstRoles?
}

/// What the replica of a shard keeps that has no register yet.
struct Unborn: Sendable {
  var firstRoles: FirstRoles?
}

/// What a replica keeps that waits outside the pair and asks for nothing.
struct Idle: Sendable {
  /// Since when the map names others, and this replica not; nil: the map that was read is older than this log and says
  /// nothing of who leads now.
  var since: MonotonicTime?
}

/// What a replica keeps that can do nothing more.
struct Halt: Sendable {
  let reason: HaltReason
  /// When it told the other replica last.
  var saidAt: MonotonicTime?
}

/// A `RoleState` whose payload is read and changed where it is.
///
/// Swift copies an enum's payload to read it, and moves it out and back to change it. A turn does that dozens of times,
/// and doubled the time that the rules take for one. The element of an array stays where it is, so each payload has an
/// array of none or one here. Nothing but `init` fills one.
struct RoleStorage: Sendable {
  let role: Role
  fileprivate var start: [Start] = []
  fileprivate var unborn: [Unborn] = []
  fileprivate var comparison: [Comparison] = []
  fileprivate var lead: [Lead] = []
  fileprivate var follow: [Follow] = []
  fileprivate var join: [Join] = []
  fileprivate var intake: [Intake] = []
  fileprivate var idle: [Idle] = []
  fileprivate var halt: [Halt] = []

  init(_ state: RoleState) {
    switch state {
    case .starting(let new): (role, start) = (.starting, [new])
    case .unborn(let new): (role, unborn) = (.unborn, [new])
    case .comparing(let new): (role, comparison) = (.comparing, [new])
    case .primary(let new): (role, lead) = (.primary, [new])
    case .follower(let new, let hears): (role, follow, intake) = (.follower, [new], [hears])
    case .joining(let new, let hears): (role, join, intake) = (.joining, [new], [hears])
    case .idle(let new): (role, idle) = (.idle, [new])
    case .halted(let new): (role, halt) = (.halted, [new])
    }
  }
}

// The payloads, each for the code of its role. To ask for another role's payload is a mistake in these rules: it ends
// the process, as there is no element, rather than let a rule act on what is not so.
extension Replica {
  /// What this replica is.
  public var role: Role { state.role }

  var start: Start {
    @inline(__always) _read { yield state.start[0] }
    @inline(__always) _modify { yield &state.start[0] }
  }

  var unborn: Unborn {
    @inline(__always) _read { yield state.unborn[0] }
    @inline(__always) _modify { yield &state.unborn[0] }
  }

  var comparison: Comparison {
    @inline(__always) _read { yield state.comparison[0] }
    @inline(__always) _modify { yield &state.comparison[0] }
  }

  var lead: Lead {
    @inline(__always) _read { yield state.lead[0] }
    @inline(__always) _modify { yield &state.lead[0] }
  }

  var follow: Follow {
    @inline(__always) _read { yield state.follow[0] }
    @inline(__always) _modify { yield &state.follow[0] }
  }

  /// A copy when it is read, unlike the others: Swift 6.3.1 without optimisation reads a large field of a yielded value
  /// too late if the value's type holds no references, when the coroutine's memory is used for something else. Here
  /// that field is `phase`. No joiner's turn is hot.
  var join: Join {
    @inline(__always) get { state.join[0] }
    @inline(__always) _modify { yield &state.join[0] }
  }

  /// What a follower and a joiner have in common.
  var intake: Intake {
    @inline(__always) _read { yield state.intake[0] }
    @inline(__always) _modify { yield &state.intake[0] }
  }

  var idle: Idle { state.idle[0] }

  var halt: Halt {
    @inline(__always) _read { yield state.halt[0] }
    @inline(__always) _modify { yield &state.halt[0] }
  }

  /// Whether `intake` is there.
  var takesFramesIn: Bool {
    switch role {
    case .follower, .joining: true
    case .starting, .unborn, .comparing, .primary, .idle, .halted: false
    }
  }

  /// Takes another role; a primary gives back first what others keep for it.
  mutating func become(_ new: RoleState, into effects: inout [Effect]) {
    if role == .primary { leaveLead(into: &effects) }
    state = RoleStorage(new)
  }
}
