import Inventory
import Journal
import Node
import Octets
import Proto
import Replication
import ShardCore
import Time

/// What is looked at while a run goes on: the rules that hold at every step.
final class Checks {
  /// The tie between true time and a shard's stamps, as the primary of an epoch began it.
  struct Anchor {
    /// Microseconds.
    var time: Int
    /// The stamp at the true time 0, at least (less `lag`) and at most.
    var low: Stamp
    var high: Stamp
    /// No stamp is below.
    var floor: Stamp
    var lag: Milliseconds
    var epoch: UInt64 = 0
  }

  /// What was promised of one shard.
  struct Promise {
    var anchors: [Anchor] = []
    /// The furthest position that an answer was computed from.
    var index: UInt64 = 0
    var chain: UInt64 = 0
    /// Who answered in the last epochs.
    var answered: [UInt64: Int] = [:]
    /// A primary without room in its log answered reads without bringing its shard up to date.
    var mayBeLate = false
  }

  struct Version: Hashable {
    var event: EventRef
    var version: UInt64
  }

  var promises: [Promise]
  /// By the chain hash at a frame's end, which names a whole history.
  private var digests: [UInt64: UInt64] = [:]
  private var snapshots: [UInt64: UInt64] = [:]
  var answers = 0
  /// When all was over, for how far clocks may have drifted.
  var endedAt = 0
  /// The seats and the counts in replies, by event and version.
  private var repliedSeats: [Version: Bytes] = [:]
  private var repliedCounts: [Version: Availability] = [:]

  /// How far clocks may have drifted apart by a time, and what turns take.
  static func slack(at time: Int) -> Milliseconds {
    25 + Milliseconds(Int64(time / 1_000_000 * 2 * SimulatedProcess.driftMax / 1_000))
  }

  init(shardCount: Int) { promises = Array(repeating: Promise(), count: shardCount) }

  // MARK: Replicas

  func flushed(_ shard: SimulatedShard, _ node: SimulatedNode) {
    let machine = (role: shard.machine.replica.role, epoch: shard.machine.replica.epoch)
    guard machine.role == .primary || machine.role == .follower, !shard.isBroken else { return }
    let position = shard.machine.position
    if position.index > 0 {
      let digest = shard.machine.inventory.digest
      if let known = digests.updateValue(digest, forKey: position.chain) {
        if known != digest {
          node.world.fail("equal digests", "\(node.name), shard \(shard.id.rawValue), index \(position.index)")
        }
      } else {
        checkCapacity(shard, node)
      }
    }
    // One that was deposed without knowing it may accept commands, and a late acknowledgement may open its epoch: it
    // has nothing to answer that was read since.
    if machine.role == .primary, shard.machine.replica.answerable.position > 0,
      shard.machine.replica.answerable.number > 0, shard.leads != machine.epoch,
      node.world.coordinator.registers[shard.id]?.entry.epoch == machine.epoch
    {
      shard.leads = machine.epoch
      began(shard, node)
    }
  }

  /// No area has more held and sold than there are places.
  private func checkCapacity(_ shard: SimulatedShard, _ node: SimulatedNode) {
    for event in node.world.events where event.shard == shard.id {
      guard case .availability(_, _, let counts) = shard.machine.inventory.answer(.availability(id: event.id)) else {
        continue
      }
      for area in counts.areas where area.total != UInt64(SimulatedEvent.capacity) {
        node.world.fail("capacity", "\(node.name): of \(SimulatedEvent.capacity) places \(area)")
      }
    }
  }

  /// All replies about an event at one version must agree, whichever router sends them and whenever.
  func compare(_ reply: RouterReply, _ world: World) {
    switch reply {
    case .answer(.seats(let ref, let version, let states)), .copy(.seats(let ref, let version, let states), _, _):
      let name = Version(event: ref, version: version)
      if let known = repliedSeats.updateValue(states, forKey: name), known != states {
        world.fail("one state at one version", "version \(version): \(known), then \(states)")
      }
    case .answer(.availability(let ref, let version, let counts)),
      .copy(.availability(let ref, let version, let counts), _, _):
      let name = Version(event: ref, version: version)
      if let known = repliedCounts.updateValue(counts, forKey: name), known != counts {
        world.fail("one state at one version", "version \(version): \(known), then \(counts)")
      }
    case .answer, .copy, .outcome, .unavailable, .unknown, .unexpected: break
    }
  }

  /// A primary begins to answer: all that was ever answered must be in its log.
  private func began(_ shard: SimulatedShard, _ node: SimulatedNode) {
    let promise = promises[Int(shard.id.rawValue)]
    guard promise.index > 0 else { return }
    let position = shard.machine.position
    let chain =
      position.index == promise.index ? position.chain : (try? node.log?.chain(of: shard.id, at: promise.index)) ?? nil
    guard let chain else {
      // The log may begin behind it, after a snapshot.
      guard let log = node.log, log.firstIndex(of: shard.id) > promise.index, position.index >= promise.index else {
        return node.world.fail(
          "acknowledged outcomes stay",
          "\(node.name) leads epoch \(shard.leads) with end \(position.index); \(promise.index) was answered")
      }
      return
    }
    if chain != promise.chain {
      node.world.fail(
        "acknowledged outcomes stay",
        "\(node.name) leads epoch \(shard.leads) with another history at \(promise.index)")
    }
  }

  func replies(_ frame: [UInt8], _ shard: SimulatedShard, _ node: SimulatedNode) {
    guard hasAnswers(frame, node) else { return }
    answers += 1
    node.world.note(stableHash(frame.rawSpan))
    let place = Int(shard.id.rawValue)
    let epoch = shard.machine.replica.epoch
    let who = node.serial << 32 | node.life
    if let known = promises[place].answered[epoch], known != who {
      node.world.fail("one primary answers in an epoch", "epoch \(epoch): \(node.name) and another process")
    }
    promises[place].answered[epoch] = who
    let index = shard.machine.replica.answerable.position
    guard index > promises[place].index else { return }
    let position = shard.machine.position
    let chain = index == position.index ? position.chain : (try? node.log?.chain(of: shard.id, at: index)) ?? nil
    guard let chain = chain ?? shard.chains[index] else { return }
    promises[place].index = index
    promises[place].chain = chain
  }

  private func hasAnswers(_ bytes: [UInt8], _ node: SimulatedNode) -> Bool {
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes.rawSpan)
      guard frame.kind == .replies else { return true }
      var reader = ByteReader(try frame.body(of: bytes.rawSpan))
      while reader.bytesLeft > 0 {
        switch try Reply.decode(&reader).reply {
        case .failed(.malformed):
          node.world.fail("codec", "\(node.name) says that a request was malformed")
        case .failed: continue
        case .outcome, .repeated, .answer: return true
        }
      }
    } catch {
      return true
    }
    return false
  }

  func encoded(_ header: SnapshotHeader, _ hash: UInt64, _ world: World) {
    let name = mix64(header.end.chain) ^ header.end.index
    if let known = snapshots[name], known != hash {
      world.fail("equal snapshots", "shard \(header.shard.rawValue), index \(header.end.index)")
    }
    snapshots[name] = hash
  }

  // MARK: Stamps

  func logged(_ list: [LogEntry], _ shard: SimulatedShard, _ node: SimulatedNode) {
    let leads = shard.machine.replica.role == .primary
    for entry in list {
      guard case .frame(let frame) = entry else { continue }
      let header = frame.header
      shard.chains[header.lastIndex] = header.chain
      node.world.note(header.chain)
      if leads, header.epoch == shard.machine.replica.epoch { check(header, shard, node) }
    }
  }

  private func check(_ header: LogFrame, _ shard: SimulatedShard, _ node: SimulatedNode) {
    let place = Int(shard.id.rawValue)
    let time = Milliseconds(Int64(node.turnStartedAt / 1_000))
    if shard.stampsEpoch != header.epoch {
      // One that woke up behind its time, and hears only now that it won an epoch that is over: nothing that it logs is
      // ever answered.
      if header.epoch < node.world.coordinator.registers[shard.id]?.entry.epoch ?? 0 { return }
      shard.stampsEpoch = header.epoch
      if shard.lag != nil {
        // Epochs that this process never heard of were never opened, or it could not lead: their time is nobody's.
        promises[place].anchors.removeAll { $0.epoch > shard.heardEpoch && $0.epoch < header.epoch }
      }
      shard.heardEpoch = header.epoch
      var anchor =
        promises[place].anchors.last
        ?? Anchor(time: 0, low: .zero, high: Stamp(.min / 4), floor: .zero, lag: 0)
      anchor.time = node.world.time
      anchor.epoch = header.epoch
      if let lag = shard.lag {
        anchor.lag = max(anchor.lag, Milliseconds(Int64(lag / 1_000)))
      } else {
        // Nobody told this process the time: it looked at the wall clock, and goes on from the last stamp if that is
        // behind.
        let wall = World.epoch + time + node.turnWallOffset
        anchor.low = max(wall, header.stamp) - time
        // A follower that heard an earlier primary keeps what that one said, if it was more.
        anchor.high = max(anchor.high, max(wall, header.stamp) - time)
        anchor.floor = header.stamp
        anchor.lag = 0
        shard.lag = 0
      }
      promises[place].anchors.append(anchor)
      // An epoch's first record has the stamp of the last one: time goes on behind it.
      return
    }
    // One that was deposed without knowing it still keeps the time of its own epoch.
    guard let anchor = promises[place].anchors.last(where: { $0.epoch == header.epoch }) else { return }
    let slack = Self.slack(at: node.turnStartedAt)
    let low = max(anchor.floor, anchor.low + time - anchor.lag - slack)
    let high = max(anchor.floor, anchor.high + time + slack)
    if header.stamp < low || header.stamp > high {
      node.world.fail(
        "time",
        "\(node.name) shard \(shard.id.rawValue) epoch \(header.epoch): stamp \(header.stamp - low) ms after the least, \(header.stamp - high) ms after the most that it may be"
      )
    }
  }

  /// The earliest true time, in microseconds, at which a shard's stamp may have been `deadline`.
  func earliest(_ deadline: Stamp, _ shard: ShardID) -> Int {
    let slack = Self.slack(at: endedAt)
    for (place, anchor) in promises[Int(shard.rawValue)].anchors.enumerated() {
      let next = promises[Int(shard.rawValue)].anchors.dropFirst(place + 1).first?.time ?? .max
      if anchor.floor >= deadline { return anchor.time }
      let reached = Int((deadline - anchor.high - slack).rawValue) * 1_000
      if reached < next { return max(anchor.time, reached) }
    }
    return .max
  }

  /// The true time from which on a shard's stamps are at least `deadline`.
  func latest(_ deadline: Stamp, _ shard: ShardID) -> Int {
    if promises[Int(shard.rawValue)].mayBeLate { return .max }
    let slack = Self.slack(at: endedAt)
    var lag = Milliseconds.zero
    for (place, anchor) in promises[Int(shard.rawValue)].anchors.enumerated() {
      lag = max(lag, anchor.lag)
      let next = promises[Int(shard.rawValue)].anchors.dropFirst(place + 1).first?.time ?? .max
      if anchor.floor >= deadline { return anchor.time }
      let reached = Int((deadline - anchor.low + lag + 2 * slack).rawValue) * 1_000
      if reached < next { return max(anchor.time, reached) }
    }
    return .max
  }

  /// The least stamp that a command read at `time` can have got.
  func leastStamp(at time: Int, _ shard: ShardID) -> Stamp {
    guard let anchor = promises[Int(shard.rawValue)].anchors.last(where: { $0.time <= time }) else { return .zero }
    return max(anchor.floor, anchor.low + Milliseconds(Int64(time / 1_000)) - anchor.lag - Self.slack(at: time))
  }
}
