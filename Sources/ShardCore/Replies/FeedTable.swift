import Octets
import Proto

/// Which router connections keep a copy of which events of one shard.
struct FeedTable {
  private struct Feed {
    var id: Bytes
    var connections: [ConnectionID]
  }
  /// Looked up, never iterated where order could show.
  private var feeds: [EventRef: Feed] = [:]
  private var refs: [ConnectionID: [EventRef]] = [:]
  /// Connections with at least one subscription, in the order they came.
  private(set) var connections: [ConnectionID] = []

  var isEmpty: Bool { connections.isEmpty }

  /// False: it was subscribed already.
  mutating func add(_ connection: ConnectionID, _ ref: EventRef, id: Bytes) -> Bool {
    if feeds[ref]?.connections.contains(connection) == true { return false }
    feeds[ref, default: Feed(id: id, connections: [])].connections.append(connection)
    if refs[connection] == nil { connections.append(connection) }
    refs[connection, default: []].append(ref)
    return true
  }

  /// The event whose watch ends; nil: it was not subscribed.
  mutating func remove(_ connection: ConnectionID, event id: Bytes) -> EventRef? {
    guard let ref = refs[connection]?.first(where: { feeds[$0]?.id == id }) else { return nil }
    drop(connection, from: ref)
    refs[connection]?.removeAll { $0 == ref }
    if refs[connection]?.isEmpty == true {
      refs[connection] = nil
      connections.removeAll { $0 == connection }
    }
    return ref
  }

  /// The event is no more, and its subscribers were told.
  mutating func remove(event ref: EventRef) {
    for connection in feeds.removeValue(forKey: ref)?.connections ?? [] {
      refs[connection]?.removeAll { $0 == ref }
      guard refs[connection]?.isEmpty == true else { continue }
      refs[connection] = nil
      connections.removeAll { $0 == connection }
    }
  }

  /// The events whose watch ends with the connection, once for each of its subscriptions.
  mutating func remove(_ connection: ConnectionID) -> [EventRef] {
    guard let mine = refs.removeValue(forKey: connection) else { return [] }
    connections.removeAll { $0 == connection }
    for ref in mine { drop(connection, from: ref) }
    return mine
  }

  mutating func removeAll() {
    feeds.removeAll()
    refs.removeAll()
    connections.removeAll()
  }

  func subscribers(of event: EventRef) -> [ConnectionID] { feeds[event]?.connections ?? [] }

  private mutating func drop(_ connection: ConnectionID, from ref: EventRef) {
    feeds[ref]?.connections.removeAll { $0 == connection }
    if feeds[ref]?.connections.isEmpty == true { feeds[ref] = nil }
  }
}
