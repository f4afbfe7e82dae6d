import Proto
import Seeded

/// A process that may stand still while the world goes on, and end: what was planned for an earlier life of it does not
/// happen.
class SimulatedProcess {
  unowned let world: World
  let name: String
  /// Its place in the network's tables.
  let endpoint: Int
  /// Grows with each start and end.
  private(set) var life = 0
  private(set) var pausedUntil = 0
  /// Until then it hears nothing of the map.
  var deafUntil = 0
  private var heldBack: [() -> Void] = []
  /// What the clock that never jumps shows at time 0, in microseconds, and how fast it runs, in parts of a million.
  private let bootOffset: Int
  private let drift: Int
  static let driftMax = 100

  init(_ name: String, endpoint: Int, _ world: World) {
    (self.name, self.endpoint, self.world) = (name, endpoint, world)
    bootOffset = world.draw(1...10_000_000_000)
    drift = world.draw(-Self.driftMax...Self.driftMax)
  }

  var isUp: Bool { false }
  var isPaused: Bool { pausedUntil > world.time }
  var isDeaf: Bool { deafUntil > world.time }
  /// Microseconds on the clock that never jumps.
  var monotonic: Int { bootOffset + world.time + world.time / 1_000_000 * drift }

  /// A process begins or ends: nothing of the one before is left.
  func changeLife() {
    life += 1
    pausedUntil = 0
    heldBack = []
  }

  /// Something begins to happen in this process, as when a loop's turn begins.
  func turnBegan() {}

  /// Calls `body` in this process, now, or when it goes on if it stands still.
  func whileRunning(_ body: @escaping () -> Void) {
    guard isUp else { return }
    if isPaused || !heldBack.isEmpty { return heldBack.append(body) }
    turnBegan()
    body()
  }

  /// The same after some time, unless the process has ended by then.
  func later(_ microseconds: Int, _ body: @escaping () -> Void) {
    let mine = life
    world.plan(after: microseconds) { [unowned self] _ in
      guard life == mine else { return }
      whileRunning(body)
    }
  }

  func pause(until: Int) {
    guard isUp, until > pausedUntil else { return }
    world.say("\(name) stands still for \((until - world.time) / 1_000) ms")
    pausedUntil = until
    let mine = life
    world.schedule.plan(at: until) { [unowned self] in
      guard life == mine, pausedUntil == until else { return }
      goOn()
    }
  }

  func goOn() {
    guard isUp, pausedUntil > 0 else { return }
    pausedUntil = 0
    let mine = life
    let waiting = heldBack
    heldBack = []
    for body in waiting {
      guard isUp, life == mine else { return }
      turnBegan()
      body()
    }
  }
}
