internal import Glibc

/// Recordings on a disk.
enum RecordingFile {
  /// nil: it cannot be read, or is too long.
  static func read(_ path: String) -> [UInt8]? {
    // Safe: the name lives through the call, and the stream is closed once, below.
    guard let file = unsafe fopen(path, "r") else { return nil }
    // Safe: the stream is open until here.
    defer { unsafe _ = fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      // Safe: no more is written than the buffer has.
      let count = unsafe fread(&buffer, 1, buffer.count, file)
      bytes += buffer[..<count]
      guard bytes.count <= Recording.bytesMax else { return nil }
      // Safe: the stream is open.
      if count == 0 { return unsafe ferror(file) == 0 ? bytes : nil }
    }
  }

  static func write(_ bytes: [UInt8], to path: String) -> Bool {
    // Safe: the name lives through the call, and the stream is closed once, in the last line.
    guard let file = unsafe fopen(path, "w") else { return false }
    // Safe: no more is read than there is.
    let count = unsafe fwrite(bytes, 1, bytes.count, file)
    // Safe: as said.
    return unsafe fclose(file) == 0 && count == bytes.count
  }
}
