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

/// Objects that Swift's runtime allocates while `body` runs: arrays' and closures' storage, classes, boxes. For a process of its own,
/// because every thread counts.
public func allocations(_ body: () -> Void) -> Int {
  typealias Allocate = @convention(c) (UnsafeRawPointer?, Int, Int) -> UnsafeMutableRawPointer
  guard let hook = dlsym(nil, "_swift_allocObject") else { return -1 }
  let place = hook.assumingMemoryBound(to: Allocate.self)
  let original = place.pointee
  Counting.original = original
  Counting.count = 0
  place.pointee = { metadata, size, alignment in
    Counting.count += 1
    return Counting.original!(metadata, size, alignment)
  }
  body()
  place.pointee = original
  return Counting.count
}

private enum Counting {
  nonisolated(unsafe) static var count = 0
  nonisolated(unsafe) static var original: (@convention(c) (UnsafeRawPointer?, Int, Int) -> UnsafeMutableRawPointer)?
}

/// Gives freed memory back to the kernel, so that what a process has resident is what it uses.
public func trimMemory() {
  guard let symbol = dlsym(nil, "malloc_trim") else { return }
  _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
}
