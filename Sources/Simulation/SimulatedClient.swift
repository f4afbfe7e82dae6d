import MemoryDisk
import Node
import Proto
import Replication

/// One event of a run.
struct SimulatedEvent {
  var shard: ShardID
  var ref: EventRef
  var id: Bytes
  static let rows: UInt32 = 2
  static let seatsPerRow: UInt32 = 3
  static let seatCount = Int(rows * seatsPerRow)
  static let holdTTL: UInt32 = 2
  static let paymentTTL: UInt32 = 60
}

/// A node's end of a client's connection.
final class RouterSide {
  let id: ConnectionID
  private let client: SimulatedClient
  private let pipe: Pipe
  var isSuperseded = false
  init(_ id: ConnectionID, _ client: SimulatedClient, _ pipe: Pipe) {
    (self.id, self.client, self.pipe) = (id, client, pipe)
  }

  func reply(_ frame: [UInt8]) { client.carry(frame, on: pipe) }

  /// The node's process is gone.
  func end() { client.lost(pipe) }
}

/// A router with its buyers: follows the map, sends to the primary, sends again with the same key on a newer connection, and writes
/// down what it was told.
final class SimulatedClient {
  /// A connection to one node; a newer one has a larger number.
  private final class Connection {
    let node: SimulatedNode
    let up = Pipe()
    let down = Pipe()
    var side: RouterSide?
    init(_ node: SimulatedNode) { self.node = node }
  }

  let index: Int
  unowned let world: World
  private var map: [ShardID: MapRegister] = [:]
  private var connections: [Connection?]
  private(set) var pending: [Operation] = []
  private var toCreate: [(ShardID, EventDefinition)] = []
  private var holds: [Operation] = []
  private var nextOperation: UInt32 = 1
  private let concurrency: Int
  /// Microseconds after which something is sent again.
  private let patience: Int

  init(_ index: Int, _ world: World) {
    (self.index, self.world) = (index, world)
    connections = Array(repeating: nil, count: world.nodes.count)
    concurrency = world.draw(1...3)
    patience = [200_000, 600_000, 1_500_000].randomElement(using: &world.random) ?? 200_000
    think()
    watchClock()
  }

  var isIdle: Bool { pending.isEmpty && toCreate.isEmpty }
  /// All events are known.
  var isReady: Bool { world.events.count >= world.shardCount && toCreate.isEmpty }

  // MARK: What buyers want

  func createEvents() {
    for shard in world.shardIDs {
      let definition = EventDefinition(
        id: Bytes("event-\(shard.rawValue)"), name: "Simulated", holdTTL: SimulatedEvent.holdTTL,
        paymentTTL: SimulatedEvent.paymentTTL,
        categories: [EventDefinition.Category(name: "A", price: 100)],
        sections: [
          EventDefinition.Section(
            name: "S",
            rows: .grid(
              rows: SimulatedEvent.rows, seatsPerRow: SimulatedEvent.seatsPerRow, category: CategoryIndex(0)))
        ])
      toCreate.append((shard, definition))
    }
  }

  private func think() {
    world.plan(after: world.draw(2_000...60_000)) { [unowned self] world in
      think()
      if let (shard, definition) = toCreate.first, pending.isEmpty {
        toCreate.removeFirst()
        return begin(shard, .create(definition))
      }
      guard !world.events.isEmpty, !world.isHealing else { return }
      while pending.count < concurrency {
        want()
        if !world.random.chance(40) { break }
      }
    }
  }

  private func want() {
    guard let event = world.events.randomElement(using: &world.random) else { return }
    let mine = holds.filter { $0.shard == event.shard }
    let dice = world.draw(0...99)
    if dice < 35 || mine.isEmpty && dice < 70 {
      let count = world.draw(1...2)
      let first = UInt32(world.draw(0...(SimulatedEvent.seatCount - count)))
      let seats = (0..<UInt32(count)).map { SeatIndex(first + $0) }
      return begin(
        event.shard,
        .hold(event, seats, ttl: UInt32(world.draw(0...3)), secret: world.random.next()))
    }
    if dice < 40 {
      return begin(event.shard, .best(event, UInt32(world.draw(1...2)), secret: world.random.next()))
    }
    if dice < 60 || mine.isEmpty {
      if world.random.chance(50) { return begin(event.shard, .seats(event)) }
      return begin(event.shard, .seat(event, SeatIndex(UInt32(world.draw(0...(SimulatedEvent.seatCount - 1))))))
    }
    guard let hold = mine.randomElement(using: &world.random) else { return }
    if let order = hold.order {
      switch world.draw(0...9) {
      case 0...3: begin(event.shard, .confirm(order, hold))
      case 4...7: begin(event.shard, .cancel(order, hold))
      default: begin(event.shard, .orderInfo(order, hold))
      }
    } else if let id = hold.holdID {
      switch world.draw(0...9) {
      case 0...4: begin(event.shard, .checkout(id, hold, secret: world.random.next()))
      case 5...6: begin(event.shard, .release(id, hold))
      case 7: begin(event.shard, .extend(id, hold, ttl: UInt32(world.draw(1...4))))
      default: begin(event.shard, .holdInfo(id, hold))
      }
    }
  }

  func begin(_ shard: ShardID, _ what: Operation.What) {
    let keyIsFromRouter = world.random.chance(40)
    let operation = Operation(
      number: nextOperation, client: index, shard: shard, what: what, called: world.time,
      key: Bytes("c\(index)-\(nextOperation)"), keyIsFromRouter: keyIsFromRouter)
    nextOperation += 1
    world.history.began(operation)
    pending.append(operation)
    send(operation)
  }

  /// Asks again for what was answered: the same key must have the same outcome.
  func repeats(_ operation: Operation) {
    operation.isRepeated = true
    pending.append(operation)
    send(operation)
  }

  // MARK: Sending

  private func send(_ operation: Operation) {
    operation.sentAt = world.time
    guard let register = map[operation.shard], let node = world.node(named: register.entry.primary.node) else {
      return world.coordinator.read(operation.shard, for: self)
    }
    let connection = connect(to: node)
    operation.sentOn = connection.down
    var body: [UInt8] = []
    operation.encode(into: &body)
    let (bytes, shard) = (body, operation.shard)
    world.network.send(on: connection.up) {
      node.whileRunning { if let side = connection.side { $0.requests(bytes, shard, on: side) } }
    }
  }

  private func connect(to node: SimulatedNode) -> Connection {
    if let connection = connections[node.index], connection.up.isOpen { return connection }
    let connection = Connection(node)
    connections[node.index] = connection
    world.network.send(on: connection.up) { [unowned self] in
      guard node.isUp else { return lost(connection.down) }
      node.whileRunning { connection.side = $0.accept(self, connection.down) }
    }
    return connection
  }

  /// Closes a connection; what is on its way may still be read, its answers not.
  private func close(_ node: SimulatedNode) {
    guard let connection = connections[node.index] else { return }
    connections[node.index] = nil
    connection.up.cut { self.world.draw($0) }
    connection.down.cut { $0.lowerBound }
    node.later(world.draw(100...5_000)) { if let side = connection.side { $0.closed(side) } }
  }

  /// The other end is gone.
  func lost(_ pipe: Pipe) {
    world.plan(after: world.network.delay()) { [unowned self] world in
      guard let connection = connections.first(where: { $0?.down === pipe }) ?? nil else { return }
      close(connection.node)
      for operation in pending where operation.sentOn === pipe {
        sendAgain(operation, after: world.draw(1_000...20_000))
      }
    }
  }

  func reset(_ node: SimulatedNode) {
    guard let connection = connections[node.index] else { return }
    lost(connection.down)
  }

  private func sendAgain(_ operation: Operation, after wait: Int) {
    operation.sentOn = nil
    let sentAt = operation.sentAt
    world.plan(after: wait) { [unowned self] _ in
      guard pending.contains(where: { $0 === operation }), operation.sentAt == sentAt else { return }
      send(operation)
    }
  }

  private func watchClock() {
    world.plan(after: 50_000) { [unowned self] world in
      watchClock()
      let late = pending.filter { world.time - $0.sentAt > patience }
      for operation in late where pending.contains(where: { $0 === operation }) {
        if world.time - operation.called > 6_000_000, !world.isHealing {
          // The door said `unknown`.
          pending.removeAll { $0 === operation }
          world.history.gaveUp(operation)
          if let pipe = operation.sentOn, let connection = connections.first(where: { $0?.down === pipe }) ?? nil {
            resendAll(of: connection)
          }
          continue
        }
        if let pipe = operation.sentOn, let connection = connections.first(where: { $0?.down === pipe }) ?? nil {
          resendAll(of: connection)
        } else {
          world.coordinator.read(operation.shard, for: self)
          send(operation)
        }
        world.coordinator.read(operation.shard, for: self)
      }
    }
  }

  private func resendAll(of connection: Connection) {
    close(connection.node)
    for operation in pending where operation.sentOn === connection.down { send(operation) }
  }

  func learn(_ register: MapRegister, _ shard: ShardID) {
    if register.revision > map[shard]?.revision ?? 0 { map[shard] = register }
  }

  // MARK: Answers

  func carry(_ frame: [UInt8], on pipe: Pipe) {
    world.network.send(on: pipe) { [unowned self] in received(frame, on: pipe) }
  }

  private func received(_ bytes: [UInt8], on pipe: Pipe) {
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes.rawSpan)
      guard frame.kind == .replies else { return }
      var reader = ByteReader(try frame.body(of: bytes.rawSpan))
      while reader.bytesLeft > 0 {
        let (number, reply) = try Reply.decode(&reader)
        guard let operation = pending.first(where: { $0.number == number }), operation.sentOn === pipe else { continue }
        answered(operation, reply)
      }
    } catch {
      world.fail("codec", "replies cannot be read: \(error)")
    }
  }

  private func answered(_ operation: Operation, _ reply: Reply) {
    switch reply {
    case .failed(.malformed): world.fail("codec", "a node says that a request was malformed")
    case .failed(.notPrimary):
      world.coordinator.read(operation.shard, for: self)
      sendAgain(operation, after: world.draw(5_000...60_000))
    case .failed(.unknown), .failed(.overloaded), .failed(.diskFull):
      sendAgain(operation, after: world.draw(5_000...100_000))
    case .outcome(let outcome):
      pending.removeAll { $0 === operation }
      if operation.isRepeated {
        if operation.outcome != outcome, !operation.keyIsFromRouter {
          world.fail(
            "the same key, the same outcome",
            "\(operation.what): first \(operation.outcome.map { "\($0)" } ?? "-"), then \(outcome)")
        }
        return
      }
      operation.outcome = outcome
      world.history.returned(operation, at: world.time)
      took(operation, outcome)
    case .answer(let answer):
      pending.removeAll { $0 === operation }
      operation.answer = answer
      world.history.returned(operation, at: world.time)
    }
  }

  private func took(_ operation: Operation, _ outcome: Outcome) {
    world.say("client \(index): \(operation.what) -> \(outcome)")
    switch outcome {
    case .created(let ref, _):
      if case .create(let definition) = operation.what {
        world.events.append(SimulatedEvent(shard: operation.shard, ref: ref, id: definition.id))
      }
    case .held, .heldBest: holds.append(operation)
    case .checkedOut(let info): operation.what.hold?.order = info.order
    case .released, .cancelled:
      if world.random.chance(80) { holds.removeAll { $0 === operation.what.hold } }
    case .refused(.holdExpired), .refused(.orderExpired), .refused(.orderState), .refused(.noSuchHold),
      .refused(.noSuchOrder):
      if world.random.chance(80) { holds.removeAll { $0 === operation.what.hold } }
    case .confirmed, .extended, .noted, .refused: break
    }
    if holds.count > 8 { holds.removeFirst() }
  }
}
