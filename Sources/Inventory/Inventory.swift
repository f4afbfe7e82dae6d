public import Proto
public import Time

/// One shard's truth: its events, holds, orders and idempotency keys, as a value. The same records at the same stamps
/// give the same state, on every replica and in every process. Copying it is O(1) and is how a snapshot is taken.
public struct Inventory: Sendable {
  public let shard: ShardID
  /// Stamp of the last `advance`. A part of the state, not a clock: snapshots have it, and all records of a frame are
  /// applied at it. So commands do not take a time of their own, which could differ from what has already ended.
  public internal(set) var now: Stamp = .zero
  /// A hash of the whole state, equal at equal positions: the sum of a term for every entity. O(1).
  public internal(set) var digest: UInt64 = 0

  let keyLimits: KeyLimits
  let tableSalt: UInt64

  var events = EventTable()
  var holds = HoldSlab()
  /// By the number in the slack field of an order's slot.
  var orders = OrderTable()
  var cells = CellStore()
  var buyers: BuyerTable
  /// Keys of routers for holds; other keys of routers, of clients by age, and of clients whose hold or order outlived
  /// the key's time.
  var ring: RouterKeyRing
  var routerKeys: KeyTable
  var clientKeys: KeyTable
  var parkedKeys: KeyTable
  /// Waiting rooms by their events' slots: events that have none are looked up nowhere.
  var rooms: [UInt32: Room] = [:]
  /// Deleted events that are being cleared away.
  var sweep = Sweep()
  /// What the next hold's id gets.
  var nextSequence: UInt64 = 0
  /// Stamp of the last record that was worth logging: what a snapshot says, because `now` may be ahead of the log.
  var loggedStamp: Stamp = .zero
  var heldCount = 0
  var releasedCount = 0
  /// Not replicated: how many of routers' keys were forgotten, so that somebody may give their memory back.
  public internal(set) var keysForgotten = 0
  /// Not replicated: watched events that changed, in the order of their first change.
  var changedEvents: [UInt32] = []
  /// Not replicated: somebody listens, and what changed since it was told last.
  var isListening = false
  var changes: [Change] = []
  /// Kept between commands for its memory.
  var scratch: [UInt8] = []

  /// Stamps and deadlines fit 44 bits; a stamp beyond this one counts as this one.
  static let stampMax = Stamp(1 << 44 - 1 << 30)

  /// - Parameter tableSalt: random bits of this process; they shape hash tables, never an outcome, a snapshot or a
  ///   digest.
  public init(shard: ShardID, keyLimits: KeyLimits = KeyLimits(), tableSalt: UInt64 = 0) {
    self.shard = shard
    self.keyLimits = keyLimits
    self.tableSalt = tableSalt
    buyers = BuyerTable(salt: tableSalt)
    ring = RouterKeyRing(salt: tableSalt)
    routerKeys = KeyTable(salt: tableSalt)
    clientKeys = KeyTable(salt: tableSalt, findsAnywhere: true)
    parkedKeys = KeyTable(salt: tableSalt)
  }

  public var stats: InventoryStats {
    var stats = InventoryStats()
    stats.events = events.livingCount
    stats.holds = heldCount
    stats.orders = orders.count
    stats.released = releasedCount
    stats.clientKeys = clientKeys.count + parkedKeys.count
    stats.routerKeys = routerKeys.count + ring.count
    stats.keyBytes = clientKeys.entryBytes + parkedKeys.entryBytes + routerKeys.entryBytes + ring.keyBytes
    if clientKeys.count > 0 { stats.clientKeyWindow = now - clientKeys.entry(at: clientKeys.log.head).stamp }
    stats.bytes = holds.bytes + orders.bytes + cells.bytes + buyers.bytes
    stats.bytes += rooms.values.reduce(0) { $0 + $1.bytes }
    stats.bytes += routerKeys.bytes + clientKeys.bytes + parkedKeys.bytes + ring.bytes
    return stats
  }
}
