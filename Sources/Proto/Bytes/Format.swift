/// The version of everything that lies on a disk or crosses a wire between this project's processes: frames, the log,
/// snapshots, a directory's identity. One number for all: what is in a log travels, and what travels is logged.
///
/// Another version is refused with a sentence, never guessed at. A number that a format used (a kind, a tag, a status)
/// is never given to something else.
public enum Format {
  public static let version: UInt8 = 2
}
