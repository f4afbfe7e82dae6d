#if PLANTED_MISTAKES
/// Mistakes outside the replication rules that a simulator must find. Compiled in only with `-DPLANTED_BUGS`; one at a
/// time is switched on, for the whole process.
public enum PlantedMistake: String, Sendable, CaseIterable {
  /// The log's writer tells that a group is durable before it has synced it.
  case reportDurableBeforeSync
  /// Recovery takes what is unreadable in the middle of the log for a tear at its end.
  case cutDamagedMiddle
  /// A snapshot leaves the idempotency keys out.
  case forgetKeysInSnapshot
  /// A snapshot writes idempotency keys in a hash table's order.
  case dictionaryOrderInSnapshot
  /// The primary stamps its batches by the wall clock.
  case expireByWallClock
  /// A command under a router's key that comes again, over a new connection, is applied again.
  case doubleApply
  /// A hold ends a moment before its deadline.
  case expireEarly
  /// An area gives places that it has not.
  case oversellArea
  /// An order that expires keeps its seats.
  case keepExpiredSeats
  /// What changed copies leaves after the replies that tell of it.
  case feedBehindReplies
  /// A router serves a copy that one of its loops has lost the feed of.
  case serveLostCopy
  /// A router says that nothing happened of a command that it has sent.
  case sayNothingHappened
  /// A directory that is older than the node was, or a copy, is taken for what the last process left.
  case believeOldDisk
  /// The one-seat path does not remember the key of what it held.
  case oneHoldForgetsKey
  /// Nobody is told that a hold has expired.
  case forgetExpiredChange
  /// A release is told with the event's version from before it.
  case tellOldVersion
  /// What a process says that was replaced by a later start of its node still counts.
  case hearReplaced

  /// Set once, before any run, and only read then.
  public nonisolated(unsafe) static var chosen: PlantedMistake?
}
#endif
