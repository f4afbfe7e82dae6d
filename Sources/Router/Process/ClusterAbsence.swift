import ClusterMap
import Octets

/// Why a router has no cluster to ask yet. Until it has, both doors say so at once: who waits for a process wants to
/// know for what, and a supervisor that hears nothing would start it again.
enum ClusterAbsence: Equatable, Sendable {
  /// It has just started, and the coordinator was not heard yet.
  case asking
  /// The coordinator knows of no cluster.
  case unborn
  /// The coordinator does not answer, or not so that it can be understood.
  case noCoordinator(CoordinatorError)

  /// What a client is told. Where the coordinator is, is not for everybody.
  var detail: Bytes {
    switch self {
    case .asking: "the router has just started and asks its coordinator for the cluster"
    case .unborn: "the cluster has no node yet: start holdfast-node with the same --coordinator"
    case .noCoordinator: "the router cannot reach its coordinator and knows no node yet"
    }
  }

  /// The same for who asks whether the router is ready.
  var reason: Bytes {
    switch self {
    case .asking, .unborn: detail
    case .noCoordinator(let error): Bytes(error.description)
    }
  }
}
