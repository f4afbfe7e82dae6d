/// How much a line matters. Lines below a sink's level are not made at all.
public enum LogLevel: UInt8, Sendable, CaseIterable, Comparable {
  case debug, info, warning, error

  /// As it stands in a line and in a flag.
  public var name: StaticString {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .warning: "warning"
    case .error: "error"
    }
  }

  public init?(name: String) {
    guard let level = Self.allCases.first(where: { $0.name.description == name }) else { return nil }
    self = level
  }

  public static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }
}
