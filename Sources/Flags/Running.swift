internal import Glibc

extension CommandSpec {
  /// Reads this process's command line and environment. Prints the help and ends with status 0 if that was asked for;
  /// says what is wrong on stderr and ends with status 2 if it does not fit.
  public func parseOrExit() -> ParsedFlags {
    do throws(UsageError) {
      let parsed = try parse(Array(processArguments().dropFirst()), environment: environmentVariable)
      if parsed.wantsHelp {
        standardOutput(help)
        exit(0)
      }
      if parsed.wantsVersion {
        standardOutput("\(name) \(Version.current)\n")
        exit(0)
      }
      return parsed
    } catch {
      fail(error)
    }
  }

  /// Says what is wrong with the command line, on stderr, and ends with status 2.
  public func fail(_ error: UsageError) -> Never {
    standardError("\(name): \(error)\n\(name) --help says more\n")
    exit(2)
  }
}

/// This process's command line. Swift's own list is empty where a preloaded library (libfaketime, for one) came before
/// Swift's start-up code; the kernel's is not.
public func processArguments() -> [String] {
  let known = CommandLine.arguments
  guard known.isEmpty else { return known }
  // Safe: the path is a literal.
  let descriptor = unsafe open("/proc/self/cmdline", O_RDONLY)
  guard descriptor >= 0 else { return [] }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 4_096)
  while true {
    // Safe: the pointer is used only inside the call, with the array's own length.
    let count = unsafe part.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { break }
    bytes += part[..<count]
  }
  return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
    String(decoding: $0, as: UTF8.self)
  }
}

/// What this machine calls itself; empty if it does not say.
public func machineName() -> String {
  var text = [CChar](repeating: 0, count: 256)
  // Safe: the kernel writes at most one byte less than there is room for, so that the text ends with a NUL.
  return unsafe text.withUnsafeMutableBufferPointer { buffer in
    unsafe gethostname(buffer.baseAddress!, buffer.count - 1) == 0 ? unsafe String(cString: buffer.baseAddress!) : ""
  }
}

/// A variable of this process's environment; nil if it is not set.
public func environmentVariable(_ name: String) -> String? {
  // Safe: the environment is not changed after the start, and the text is copied at once.
  unsafe getenv(name).map { unsafe String(cString: $0) }
}
