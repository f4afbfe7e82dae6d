package import ClusterMap
package import Journal

/// What a starting process learns from its directory and from the coordinator's record of its name: which start this
/// is, and whether the directory may be older than what the node once had. A pure value: `Node.start` and the simulator
/// act on it.
///
/// A start goes like this: note the number in the directory (`intended`), take it in the coordinator by
/// compare-and-set, note that (`confirmed`), and only then serve (`isServing`). So a directory that is whole has the
/// recorded number, or is one step behind a start that never served.
package struct StartClaim: Equatable, Sendable {
  package enum Staleness: Equatable, Sendable, CustomStringConvertible {
    /// The directory's newest start is not the newest that served.
    case behind(own: UInt64, recorded: UInt64)
    /// The start is the newest that served, but went on after these files were written.
    case outlived(own: UInt64, recorded: UInt64)
    /// The files are not those that the last process wrote.
    case copied
    /// The name belongs to another disk now.
    case otherDisk

    package var description: String {
      switch self {
      case .behind(let own, let recorded):
        "its last start is number \(own), but the coordinator knows of number \(recorded): the directory is an older one"
      case .outlived(let own, let recorded):
        "its last process wrote on after these files: they know of its sign of life number \(own), the coordinator of number \(recorded)"
      case .copied: "its files are not those that the last process wrote: the directory is a copy"
      case .otherDisk: "the node has served from another disk since"
      }
    }
  }

  /// This start's number.
  package var start: UInt64
  /// Why what was acknowledged may be missing here; nil: no reason to think so.
  package var staleness: Staleness?
  /// The coordinator's record is older than the directory: the coordinator has gone back.
  package var isCoordinatorBehind: Bool

  /// - Parameters:
  ///   - own: what the directory says; nil: nothing yet.
  ///   - place: `Storage.place` of the directory now.
  ///   - recorded: the coordinator's newest record of this name.
  package init(own: StartRecord?, place: UInt64, disk: UInt64, recorded: NodeRecord?) {
    let (confirmed, intended) = (own?.confirmed ?? 0, own?.intended ?? 0)
    start = max(intended, recorded?.start ?? 0) + 1
    isCoordinatorBehind = confirmed > 0 && recorded.map { $0.disk == disk ? $0.start < confirmed : false } ?? true
    if let recorded, recorded.disk != disk {
      staleness = confirmed > 0 ? .otherDisk : nil
    } else if let recorded, recorded.start > confirmed, recorded.isServing || recorded.start != intended {
      staleness = .behind(own: confirmed, recorded: recorded.start)
    } else if let own, let recorded, recorded.start == own.confirmed, recorded.presence > own.presence {
      staleness = .outlived(own: own.presence, recorded: recorded.presence)
    } else if let own, own.confirmed > 0, own.place != place {
      staleness = .copied
    } else {
      staleness = nil
    }
  }
}
