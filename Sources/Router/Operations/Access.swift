/// Which clients may ask for which operation. Both doors check this once for each request, before they read its
/// arguments, so a client without permission learns nothing from the answer.
extension OperationName {
  enum Verdict {
    /// The only verdict today: every row is `open`. A row with another access needs another case here, and then both
    /// doors do not compile until they answer that case.
    case allowed
  }

  var verdict: Verdict {
    switch Self.access[rawValue] {
    case .open: .allowed
    }
  }

  /// The rows' column, made once.
  private static let access = allCases.map(\.row.access)
}
