#if PLANTED_MISTAKES
/// Mistakes that a simulator must find. Compiled in only with `-DPLANTED_BUGS`; one at a time is switched on at run
/// time (`Replica.planted`).
public enum PlantedReplicaMistake: String, Sendable, CaseIterable {
  /// A replica acknowledges envelopes of any epoch.
  case noEpochCheck
  /// A follower acknowledges a frame before it is on stable storage.
  case acknowledgeBeforeDurable
  /// A primary answers before its follower acknowledged.
  case answerBeforeFollower
  /// A primary whose follower is silent goes on alone before the map says so.
  case soloWithoutMap
  /// A joiner is proposed as follower before it has all that was answered.
  case promoteLagging
  /// A rejoining replica keeps the tail that the primary does not have.
  case rejoinWithoutCut
  /// Reads leave without the follower's echo.
  case readWithoutBarrier
  /// A restarted primary goes on in its old epoch.
  case resumeOldEpoch
  /// A primary answers in an epoch before its first record is durable everywhere.
  case answerBeforeOpen
  /// Reading the old revision is taken for a lost proposal, and what was proposed is forgotten.
  case oldRevisionSettles
  /// A primary stops asking the joiner that it has proposed while the proposal is unsettled.
  case forgetUnsettled
  /// A follower whose log may be incomplete takes over.
  case suspectTakesOver
  /// A primary without a follower answers without asking whether the map still names it.
  case answerUnconfirmed
  /// A coordinator that went back is not noticed.
  case trustOldMap

  /// What replicas made from now on have: set once, before any run, and only read then.
  public nonisolated(unsafe) static var chosen: PlantedReplicaMistake?
}
#endif
