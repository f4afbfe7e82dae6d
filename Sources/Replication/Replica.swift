public import Proto

/// One node's replica of one shard: who may decide, who must repeat, what may be answered. The rules of primary and follower as
/// a pure value: no I/O, no clock, no randomness but its seed. Every call says what the edge must do next as `Effect`s.
///
/// # How the edge drives it
///
/// Every call may append effects. Carry them out first in, first out; carrying one out may call the replica again (its effects
/// queue up behind). Times are `MonotonicMilliseconds` and must not go back.
///
/// **Start.** `init`, then `start(log:)` with what recovery read. It asks for the map (`readMap`); give what was read to `mapRead`,
/// with its token, and everything that a watch brings with token 0. Where the register is absent and the cluster's birth
/// is known, call `bear`. Call `tick` at least every 25 ms, whatever the role.
///
/// **A primary's turn** (a batch of requests that was read from a socket), while `acceptsCommands`:
/// 1. `let tag = replyTag()` once, after the batch was read;
/// 2. let the inventory apply it at `stamp(now:)`; if a record must be logged, build one frame with `epoch`, `end.index + 1`,
///    `end.chain`, `committed` and that stamp; hand it to the log's writer; call `appended(frame, digest:)`;
/// 3. queue every reply as (reply, `end.index`, tag);
/// 4. `flush` at the end of the loop's turn (one call serves the whole turn).
/// Without `acceptsCommands`, answer what was not applied `not primary`. Ticks of the primary's own are logged in the same way,
/// only while `acceptsCommands`.
///
/// **When the log's writer has synced**: `durable(through:)`, for primary and follower alike. Callbacks keep the log's order, and
/// none from before a cut comes after its `reloaded`.
///
/// **When a message came**: `receive`, with the frame's decoded header if its payload is a frame; then carry out the effects
/// at once, while the payload is still at hand (`appendFrame`, `storeChunk`).
///
/// **At the end of every turn**: `flush`; then send the queued replies that `answerable` covers. `answerable` only ever grows within an epoch; it falls to
/// `.nothing` when this replica may not answer any more.
///
/// **Log space**: keep the log from `neededFrom` on.
public struct Replica: Sendable {
  public let me: ReplicaID
  public let shard: ShardID
  public let config: ReplicaConfig

  /// What this replica is.
  public private(set) var role: Role = .starting
  /// The epoch that the map says is the newest, as far as known here; 0 before the shard's birth. A primary's frames carry it.
  public private(set) var epoch: UInt64 = 0
  /// The end of what was appended, durable or not.
  public private(set) var end: LogPosition = .start
  /// Through which index the own log is on stable storage.
  public private(set) var durable: UInt64 = 0
  /// The highest index known to be committed: on stable storage wherever it must be.
  public private(set) var committed: UInt64 = 0
  /// How far a primary's replies may leave.
  public private(set) var answerable: Answerable = .nothing
  /// Whether commands and reads may be handed to the inventory, and records (ticks too) to the log.
  public private(set) var acceptsCommands = false
  public private(set) var clock = StampClock()

  /// - Parameter seed: random bits, new for every process and shard: proposal ids and jitter come from them.
  public init(me: ReplicaID, shard: ShardID, config: ReplicaConfig = ReplicaConfig(), seed: UInt64) {
    (self.me, self.shard, self.config) = (me, shard, config)
  }

  // MARK: What the edge knows

  /// The log was read.
  public mutating func start(log: LogState, now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// The cluster's birth gives the shard to these. Does nothing unless the map was read and has no entry.
  public mutating func bear(_ birth: Birth, now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// The shard's register was read (`token` of the `readMap`), or a proposal's answer or a watch brought it (`token` 0). nil: absent.
  public mutating func mapRead(
    _ register: MapRegister?, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {}

  /// A `readMap` got no answer.
  public mutating func mapUnreachable(token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// A peer said something. `frame`: the header at the start of an envelope's payload, verified.
  public mutating func receive(
    _ message: ReplicaMessage, frame: LogFrame?, from sender: ReplicaID, now: MonotonicMilliseconds,
    into effects: inout [Effect]
  ) {}

  /// A frame was handed to the log: the primary's own, or the one that `appendFrame` asked for. `digest`: the inventory's, after it.
  public mutating func appended(
    _ frame: LogFrame, digest: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {}

  /// The own log is on stable storage through the frame that ends at `index`.
  public mutating func durable(through index: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// The send number that replies to everything read until now must wait for. The next `flush` sees to it that one is sent.
  public mutating func replyTag() -> UInt64 { 0 }

  /// The loop's turn ends: sends what one message can say for the whole turn (an empty envelope, an acknowledgement).
  public mutating func flush(now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// Time passed.
  public mutating func tick(now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// The connection to a peer's node is there (again): what waits for a timer is said at once.
  public mutating func connected(to peer: ReplicaID, now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// One frame of a `readFrames`, in order. `sendFrame` follows, or nothing if the read is no longer wanted.
  public mutating func streamed(
    _ frame: LogFrame, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {}

  /// A `readFrames` has no more.
  public mutating func streamEnded(
    _ ending: StreamEnding, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {}

  public mutating func chainFound(
    _ chain: UInt64?, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {}

  /// A `cut` or `installSnapshot` is done: marker durable, memory loaded.
  public mutating func reloaded(_ log: LogState, now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// The snapshot that `openSnapshot` asked for can be sent. It ends at `position`, which is durable.
  public mutating func snapshotReady(
    session: UInt64, position: LogPosition, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {}

  /// Chunks were sent up to `offset`; `isLast`: the snapshot ends there.
  public mutating func snapshotSent(
    session: UInt64, through offset: UInt64, isLast: Bool, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {}

  /// `openSnapshot`, `sendSnapshot` or `installSnapshot` failed.
  public mutating func snapshotFailed(now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  public mutating func replayed(
    _ digest: UInt64?, token: UInt64, now: MonotonicMilliseconds, into effects: inout [Effect]
  ) {}

  /// The log's next segment cannot be had (true), or can again (false).
  public mutating func diskFull(_ isFull: Bool, now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// Something that this replica had stored turned out to be unreadable, or a frame in sequence did not apply.
  public mutating func damageFound(now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  /// Nothing more can be done in this process: a sync failed, for one.
  public mutating func halt(_ reason: HaltReason, now: MonotonicMilliseconds, into effects: inout [Effect]) {}

  // MARK: What an operator asks

  public mutating func order(_ order: Order, now: MonotonicMilliseconds, into effects: inout [Effect]) -> OrderAnswer {
    .nothingToDo
  }

  // MARK: The clock

  /// Begins to give out stamps; see `StampClock.lead`.
  public mutating func lead(now: MonotonicMilliseconds, wall: Milliseconds) -> Int64? {
    clock.lead(now: now, wall: wall)
  }

  /// The primary's running stamp.
  public func stamp(now: MonotonicMilliseconds) -> Milliseconds { clock.stamp(now: now) }

  // MARK: What others may look at

  /// The newest register known.
  public private(set) var register: MapRegister?
  /// The first index that a follower or joiner still needs from this log; nil: none needs any.
  public var neededFrom: UInt64? { nil }
  public var summary: RoleSummary {
    RoleSummary(
      role: role, epoch: epoch, primary: nil, follower: nil, joining: nil, suspicion: .none, draining: false,
      isOpen: false, end: end.index, durable: durable, committed: committed, peerDurable: nil, checkpoint: nil,
      peerCheckpoint: nil, haltReason: nil)
  }
}

/// How a `readFrames` ended.
public enum StreamEnding: UInt8, Sendable, CaseIterable {
  /// All that was wanted was given.
  case done = 1
  /// The frames that come next are not there to be read yet.
  case later
  /// The log no longer reaches back that far.
  case gone
}
