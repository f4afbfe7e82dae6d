public import ClusterMap

extension CoordinatorAddress {
  /// The coordinator itself. etcd is not reached for yet.
  ///
  /// - Parameter create: Whether a file coordinator's directory is made if it is not there; otherwise that is
  ///   `unreachable`.
  public func open(create: Bool = true) throws(CoordinatorError) -> any Coordinator {
    switch self {
    case .file(let directory): try FileCoordinator(directory: directory, create: create)
    case .etcd(let endpoints): try EtcdCoordinator(endpoints: endpoints)
    }
  }
}
