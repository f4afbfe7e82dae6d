import Proto
import Replication

/// The mistakes that can be switched on, where they are compiled in.
package enum Planted {
  #if PLANTED_MISTAKES
  /// Names of all, those of the replication rules first.
  package static var names: [String] {
    PlantedReplicaMistake.allCases.map(\.rawValue) + PlantedMistake.allCases.map(\.rawValue)
  }

  /// Switches one on for the whole process. False: there is none of this name.
  package static func choose(_ name: String) -> Bool {
    let (bug, mistake) = (PlantedReplicaMistake(rawValue: name), PlantedMistake(rawValue: name))
    // Safe: no run has begun, so nobody reads them yet.
    unsafe PlantedReplicaMistake.chosen = bug
    unsafe PlantedMistake.chosen = mistake
    return bug != nil || mistake != nil
  }
  #else
  package static var names: [String] { [] }
  package static func choose(_ name: String) -> Bool { false }
  #endif
}
