import Node
import Octets
import Proto
import Replication
import Seeded

/// A connection between two processes, one way: bytes keep their order; when it breaks, what is under way
/// is lost from some point on, and the rest may still arrive after what a newer connection carries.
final class Pipe {
  var isOpen = true
  /// When the last message arrives.
  var lastArrival = 0
  var sent = 0
  /// Messages behind this one never arrive.
  var cutBehind = Int.max
  var arrived = 0

  /// Breaks it: `keep` chooses how many of those under way still arrive.
  func cut(keeping keep: (ClosedRange<Int>) -> Int) {
    guard isOpen else { return }
    isOpen = false
    cutBehind = keep(arrived...max(arrived, sent))
  }
}

/// What carries messages between processes.
final class Network {
  private unowned let world: World
  /// By sender and receiver: until when nothing gets through.
  var blockedUntil: [[Int]]
  /// Whether what is sent into a partition waits for its end, or is lost.
  var holds: [[Bool]]

  init(_ world: World, endpointCount: Int) {
    self.world = world
    blockedUntil = Array(repeating: Array(repeating: 0, count: endpointCount), count: endpointCount)
    holds = Array(repeating: Array(repeating: false, count: endpointCount), count: endpointCount)
  }

  func isBlocked(_ from: Int, _ to: Int) -> Bool { blockedUntil[from][to] > world.time }

  func delay() -> Int { world.draw(20...max(20, world.faults.delayMax)) }

  /// Plans a message's arrival on a pipe, behind the others. `body` is told nothing if the pipe was cut before it.
  func send(on pipe: Pipe, notBefore: Int = 0, _ body: @escaping () -> Void) {
    guard pipe.isOpen else { return }
    pipe.sent += 1
    let number = pipe.sent
    pipe.lastArrival = max(pipe.lastArrival + 1, world.time + delay(), notBefore)
    world.schedule.plan(at: pipe.lastArrival) {
      guard number <= pipe.cutBehind else { return }
      pipe.arrived = number
      body()
    }
  }
}

/// One node's outgoing connection to another.
final class SimulatedPeerLink {
  private(set) var target: SimulatedNode
  private unowned let owner: SimulatedNode
  private(set) var pipe: Pipe?
  private var isConnecting = false
  /// Who answered the hello.
  private var peer: ReplicaID?
  private var peerStart: UInt64 = 0
  private var retryAt = 0
  private var retryWait = 50_000
  private var frame: [UInt8] = []

  init(to target: SimulatedNode, from owner: SimulatedNode) { (self.target, self.owner) = (target, owner) }

  private var world: World { owner.world }

  func connectIfNeeded() {
    if let pipe, !pipe.isOpen { drop() }
    guard pipe == nil, !isConnecting, world.time >= retryAt else { return }
    isConnecting = true
    owner.later(world.network.delay() * 2) { _ in
      self.isConnecting = false
      let network = self.world.network!
      guard self.target.isUp, !self.target.isPaused, !network.isBlocked(self.owner.index, self.target.index),
        !network.isBlocked(self.target.index, self.owner.index)
      else {
        self.retryAt = self.world.time + self.retryWait
        self.retryWait = min(self.retryWait * 2, 1_000_000)
        return
      }
      let pipe = Pipe()
      guard self.target.accepted(pipe, from: self.owner),
        self.owner.met(self.target.nodeName, start: self.target.start)
      else {
        pipe.cut { $0.lowerBound }
        self.retryAt = self.world.time + self.retryWait
        return
      }
      self.retryWait = 50_000
      self.pipe = pipe
      (self.peer, self.peerStart) = (self.target.id, self.target.start)
      self.owner.connected(to: self.target.id)
    }
  }

  /// The node has another address now.
  func moved(to process: SimulatedNode) {
    guard process !== target else { return }
    drop()
    target = process
    retryAt = 0
  }

  /// Ends the connection if it leads to an earlier start than this.
  func drop(before start: UInt64) { if pipe != nil, peerStart < start { drop() } }

  /// The connection is lost: noticed at once.
  func drop() {
    guard let pipe else { return }
    pipe.cut { self.world.draw($0) }
    self.pipe = nil
    frame.removeAll()
    retryAt = world.time + retryWait
  }

  func add(_ message: ReplicaMessage, payload: [UInt8], shard: ShardID, to replica: ReplicaID) {
    guard pipe?.isOpen == true, peer == replica else { return }
    message.encode(shard: shard, into: &frame) { $0.append(contentsOf: payload) }
  }

  func flush() {
    guard !frame.isEmpty, let pipe else { return }
    guard pipe.isOpen else { return drop() }
    let bytes = frame
    frame = []
    world.note(stableHash(bytes.rawSpan))
    let faults = world.faults
    let network = world.network!
    var notBefore = 0
    if network.isBlocked(owner.index, target.index) {
      guard network.holds[owner.index][target.index] else { return drop() }
      notBefore = network.blockedUntil[owner.index][target.index]
    }
    if world.chance(faults.loss) { return world.count(.lostMessage) }
    let (target, life, sender, start, sentAt) = (target, target.life, owner.id, owner.start, world.time)
    let lags = owner.shards.map { $0.lag }
    network.send(on: pipe, notBefore: notBefore) {
      guard target.life == life else { return }
      target.whileRunning { $0.receive(bytes, from: sender, start: start, sentAt: sentAt, lags: lags) }
    }
    if world.chance(faults.duplication) {
      world.count(.repeatedMessage)
      world.plan(after: network.delay() * 3) { _ in
        guard target.life == life else { return }
        target.whileRunning { $0.receive(bytes, from: sender, start: start, sentAt: sentAt, lags: lags) }
      }
    }
  }
}
