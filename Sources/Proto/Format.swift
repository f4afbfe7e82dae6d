internal import Octets

/// The version of everything that lies on a disk or crosses a wire between this project's processes: frames, the log,
/// snapshots, a directory's identity. One number for all: what is in a log travels, and what travels is logged.
///
/// Another version is refused with a sentence, never guessed at. A number that a format used (a kind, a tag, a status)
/// is never given to something else.
public enum Format {
  public static let version: UInt8 = 2
}

extension DecodeError {
  /// Throws unless a version byte is this build's.
  static func check(version: UInt8) throws(DecodeError) {
    guard version == Format.version else { throw .otherVersion(found: version) }
  }
}
