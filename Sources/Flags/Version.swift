/// Which Holdfast this is: the one place that says it. `--version`, `/healthz` and the metrics repeat it; CHANGELOG.md
/// says what changed.
public enum Version {
  /// As in semantic versioning: until 1.0 a minor version may change formats, and says so.
  public static let current: StaticString = "0.1.0"
}
