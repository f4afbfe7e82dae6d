import Node
import Octets
import Proto
import RouterCore
import ShardCore

/// One connection from a router's loop to a node: says hello, then carries frames, both ways in order. When it breaks,
/// what is under way is lost from some point on; the rest may still be read after what a newer connection carries.
final class RouterLink {
  let id: LinkID
  let node: SimulatedNode
  private unowned let loop: SimulatedRouterLoop
  private let up = Pipe()
  private let down = Pipe()
  private(set) var isReady = false
  private var isEnded = false
  private var side: RouterSide?

  init(_ id: LinkID, to node: SimulatedNode, _ loop: SimulatedRouterLoop) {
    (self.id, self.node, self.loop) = (id, node, loop)
  }

  private var world: World { node.world }
  private var router: SimulatedRouter { loop.router }

  func connect() {
    let hello = RouterHello(cluster: 0, router: loop.engine.forwarder.router, connection: UInt64(id.rawValue), loop: 0)
    guard node.isUp, !world.network.isBlocked(router.endpoint, node.endpoint) else { return broke() }
    // As a router's link does that gets no hello.
    router.later(2_000_000) { [self] in if !isReady { broke() } }
    world.network.send(on: up) { [self] in
      guard node.isUp else { return broke() }
      let mine = node.life
      node.whileRunning { [self] node in
        guard !isEnded, node.life == mine, let side = node.accept(hello, self) else { return broke() }
        self.side = side
        carry(nil, to: side)
      }
    }
  }

  // MARK: From the router

  func send(_ frame: [UInt8]) {
    guard up.isOpen, let notBefore = wait(router.endpoint, node.endpoint) else { return }
    world.note(stableHash(frame.rawSpan))
    let life = node.life
    world.network.send(on: up, notBefore: notBefore) { [self] in
      guard node.life == life else { return }
      node.whileRunning { [self] in if let side, $0.isUp { $0.requests(frame, on: side) } }
    }
  }

  /// Until when bytes wait for a partition's end; nil: the connection breaks on it.
  private func wait(_ from: Int, _ to: Int) -> Int? {
    let network = world.network!
    guard network.isBlocked(from, to) else { return 0 }
    if network.holds[from][to] { return network.blockedUntil[from][to] }
    broke()
    return nil
  }

  // MARK: From the node

  /// nil: the node's hello.
  func carry(_ frame: [UInt8]?, to side: RouterSide) {
    guard down.isOpen, let notBefore = wait(node.endpoint, router.endpoint) else { return }
    let mark = frame.flatMap { node.mark(of: $0) }
    let life = router.life
    world.network.send(on: down, notBefore: notBefore) { [self] in
      guard router.life == life else { return }
      router.whileRunning { [self] in
        guard !isEnded else { return }
        if let frame { return loop.received(frame, mark, on: self) }
        isReady = true
        loop.ready(self)
      }
    }
  }

  // MARK: The end

  /// The router closes it.
  func close() { broke() }

  /// It breaks: each end notices on its own; what is under way may still arrive in part at the node.
  func broke() {
    guard !isEnded else { return }
    isEnded = true
    up.cut { self.world.draw($0) }
    down.cut { $0.lowerBound }
    router.later(world.draw(10...5_000)) { [self] in loop.ended(self) }
    node.later(world.draw(100...20_000)) { [self] in if let side { $0.closed(side) } }
  }
}

/// A node's end of a router's connection.
final class RouterSide {
  let id: ConnectionID
  private unowned let node: SimulatedNode
  private weak var link: RouterLink?
  private(set) var isSuperseded = false
  /// Frames that came and are not read yet.
  var unread: [[UInt8]] = []

  init(_ id: ConnectionID, _ node: SimulatedNode, _ link: RouterLink) {
    (self.id, self.node, self.link) = (id, node, link)
  }

  func reply(_ frame: [UInt8]) { link?.carry(frame, to: self) }

  /// A newer connection of the same router: nothing more is read here.
  func supersede() {
    isSuperseded = true
    node.later(node.world.draw(100...2_000)) { [link] (_: SimulatedNode) in link?.broke() }
  }

  /// The node's process is gone.
  func end() { link?.broke() }
}
