internal import ClusterMap
internal import Flags

/// Why a command did not do what it was asked for; each has its exit code.
package enum AdminError: Error, Equatable {
  /// Wrong usage: status 2.
  case usage(String)
  /// Somebody said no, or what was asked for cannot be: status 1.
  case refused(String)
  /// Coordinator, node or router cannot be reached: status 3.
  case unreachable(String)
  /// Nobody listens there, and nothing lies between that could be the reason: status 3, too.
  case gone(String)
  /// Somebody is there, but is not heard: its certificate is not trusted, or its file not allowed. Status 3.
  case untrusted(String)
  /// What was asked was found out, and is said by this status alone.
  case verdict(Int32)

  var exitCode: Int32 {
    switch self {
    case .refused: 1
    case .usage: 2
    case .unreachable, .gone, .untrusted: 3
    case .verdict(let code): code
    }
  }

  var text: String {
    switch self {
    case .usage(let text), .refused(let text), .unreachable(let text), .gone(let text), .untrusted(let text):
      text
    case .verdict: ""
    }
  }

  init(_ error: CoordinatorError) {
    switch error {
    case .unreachable, .closed: self = .unreachable(error.description)
    case .broken, .otherCluster: self = .refused(error.description)
    }
  }
}

/// Runs what may throw a usage error of the flag parser.
func checked<T>(_ body: () throws(UsageError) -> T) throws(AdminError) -> T {
  do throws(UsageError) { return try body() } catch { throw .usage(error.description) }
}
