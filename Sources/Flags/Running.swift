internal import Glibc

extension CommandSpec {
  /// Reads this process's command line and environment. Prints the help and ends with status 0 if that was asked for; says what
  /// is wrong on stderr and ends with status 2 if it does not fit.
  public func parseOrExit() -> ParsedFlags {
    do throws(UsageError) {
      let parsed = try parse(Array(CommandLine.arguments.dropFirst()), environment: environmentVariable)
      if parsed.wantsHelp {
        print(help, terminator: "")
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

/// A variable of this process's environment; nil if it is not set.
public func environmentVariable(_ name: String) -> String? {
  // Safe: the environment is not changed after the start, and the text is copied at once.
  unsafe getenv(name).map { unsafe String(cString: $0) }
}

/// Writes to stderr, unbuffered; what cannot be written is lost.
public func standardError(_ text: String) {
  var text = text
  text.withUTF8 { unsafe _ = write(2, $0.baseAddress, $0.count) }
}
