import Glibc

/// A count that a test must not exceed, from `bench/thresholds.json`; there its name begins with `Swift test: `.
public func threshold(_ name: String, file: StaticString = #filePath) -> Double? {
  let path = "\(file)"
  guard let root = path.place(of: "/Tests/") else { return nil }
  guard let text = contents(String(path[..<root]) + "/bench/thresholds.json") else { return nil }
  guard let start = text.place(of: "\"Swift test: \(name)\":", wantsEnd: true) else { return nil }
  return Double(text[start...].drop { $0 == " " }.prefix { $0.isNumber || $0 == "." })
}

extension String {
  /// Where `other` begins, or ends.
  fileprivate func place(of other: String, wantsEnd: Bool = false) -> String.Index? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(other) { return wantsEnd ? self.index(index, offsetBy: other.count) : index }
      index = self.index(after: index)
    }
    return nil
  }
}

private func contents(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4_096)
  while true {
    let count = fread(&buffer, 1, buffer.count, file)
    if count <= 0 { break }
    bytes += buffer[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// Gives freed memory back to the kernel, so that what a process has resident is what it uses.
public func trimMemory() {
  guard let symbol = dlsym(nil, "malloc_trim") else { return }
  _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
}
