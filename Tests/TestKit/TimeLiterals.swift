public import Time

// Tests write points in time as numbers. Nothing else may: there, a number does not say which clock is meant.
extension Stamp: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int64) { self.init(value) }
}

extension MonotonicTime: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int64) { self.init(value) }
}
