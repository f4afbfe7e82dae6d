import Journal
import Node
import Octets
import Proto
import Replication
import ShardCore

// A node's connections.
extension SimulatedNode {
  // MARK: Peers

  /// Another node's hello came on a new connection. False: an earlier start of it, which is not heard.
  func accepted(_ pipe: Pipe, from other: SimulatedNode) -> Bool {
    guard met(other.nodeName, start: other.start) else { return false }
    inputs.removeAll { !$0.pipe.isOpen }
    inputs.append(PeerPipe(pipe: pipe, name: other.nodeName, start: other.start))
    return true
  }

  func connected(to peer: ReplicaID) {
    takeAll(.connected(peer))
  }

  func dropLinks(to other: SimulatedNode) {
    for link in links where link.target.nodeName == other.nodeName { link.drop() }
  }

  /// - Parameters:
  ///   - start: the sender's.
  ///   - lags: the sender's, by shard.
  func receive(_ bytes: [UInt8], from sender: ReplicaID, start: UInt64, sentAt: Int, lags: [Int?]) {
    guard met(sender.node, start: start) else { return }
    if start < newestStarts[sender.node] ?? 0 {
      world.fail("one process speaks for a node", "\(name) hears start \(start) of \(sender.node) after a later one")
    }
    var reader = ByteReader(bytes.rawSpan)
    do throws(DecodeError) {
      while reader.bytesLeft > 0, isUp {
        let item = try PeerItem(decoding: &reader)
        let place = Int(item.shard.rawValue)
        guard place < shards.count else { continue }
        let replica = shards[place].machine.replica
        if case .envelope(let envelope) = item.message, envelope.epoch == replica.epoch,
          replica.register?.entry.primary == sender, lags.count > place, let theirs = lags[place]
        {
          let late = theirs + (world.time - sentAt)
          shards[place].lag = min(shards[place].lag ?? late, late)
          shards[place].heardEpoch = max(shards[place].heardEpoch, envelope.epoch)
        }
        if case .acknowledgement(let ack) = item.message, ack.epoch == replica.epoch {
          shards[place].acknowledgedAt = max(shards[place].acknowledgedAt, sentAt)
        }
        let (message, payload) = (item.message, item.payload)
        let room = room(for: payload.byteCount + shards[place].backlog().pendingBytes, item.shard)
        let time = clock
        turns.list(place)
        shards[place].take(ShardMessage(message, payload: payload, from: sender, room: room), time, &tools)
      }
    } catch {
      world.fail("codec", "\(name) cannot read what \(sender.node) sent: \(error)")
    }
  }

  // MARK: Routers

  /// A router's connection said hello. nil: a newer one of the same router was met already.
  func accept(_ hello: RouterHello, _ link: RouterLink) -> RouterSide? {
    guard isUp else { return nil }
    if let known = newest[hello.router] {
      guard hello.connection > known.number else { return nil }
      known.side.supersede()
    }
    let side = RouterSide(ConnectionID(nextConnection), self, link)
    nextConnection += 1
    newest[hello.router] = (hello.connection, side)
    routers[side.id] = side
    return side
  }

  func closed(_ side: RouterSide) {
    guard routers.removeValue(forKey: side.id) != nil else { return }
    takeAll(.closed(side.id))
  }

  /// A frame of requests came on a router's connection. While requests wait that were read, it waits in the socket, and
  /// what follows with it.
  func requests(_ bytes: [UInt8], on side: RouterSide) {
    guard !side.isSuperseded, routers[side.id] != nil else { return }
    if turns.isBehind || !side.unread.isEmpty { return side.unread.append(bytes) }
    read(bytes, from: side)
  }

  private func read(_ bytes: [UInt8], from side: RouterSide) {
    do throws(DecodeError) {
      let frame = try WireFrame(header: bytes.rawSpan)
      let body = try frame.body(of: bytes.rawSpan)
      guard let shard = machine(frame.shard) else { return }
      let room = room(for: body.byteCount + shard.backlog().pendingBytes, frame.shard, ofRequests: true)
      let time = clock
      turns.list(shard.place)
      try shard.take(ShardRequests(body, from: side.id, room: room), time, &tools)
      turns.note(shard.backlog(), of: shard.place)
    } catch {
      world.fail("codec", "\(name) cannot read a request: \(error)")
    }
  }

  /// Connections whose frames waited are read on, until a shard is behind again.
  func readOn() {
    for (_, side) in routers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      while !side.unread.isEmpty, !side.isSuperseded, !turns.isBehind { read(side.unread.removeFirst(), from: side) }
    }
  }

  /// Since when what this frame to a router says may have been wrong, at the earliest; nil: a frame without a shard's
  /// state.
  func mark(of frame: [UInt8]) -> Int? {
    guard let shard = (try? WireFrame(header: frame.rawSpan))?.shard, let held = machine(shard) else { return nil }
    return min(world.time, held.machine.replica.needsPeer ? held.acknowledgedAt : held.confirmedAt)
  }
}

/// Another node's connection to this one, and which start of that node it belongs to.
struct PeerPipe {
  var pipe: Pipe
  var name: NodeName
  var start: UInt64
}
