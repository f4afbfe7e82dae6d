/// One flag of a program, as its help shows it.
public struct FlagSpec: Sendable {
  /// Without the two dashes: `failure-timeout`.
  public var name: String
  /// What stands for the value in the help (`HOST:PORT`); nil: a switch without a value.
  public var placeholder: String?
  /// One sentence.
  public var help: String
  /// Shown in the help and taken if neither the flag nor its environment variable is given.
  public var defaultValue: String?
  /// May be given more than once; all values count, in order.
  public var repeats: Bool

  public init(
    _ name: String, _ placeholder: String?, default defaultValue: String? = nil, repeats: Bool = false,
    _ help: String
  ) {
    (self.name, self.placeholder, self.help) = (name, placeholder, help)
    (self.defaultValue, self.repeats) = (defaultValue, repeats)
  }

  /// A flag that is there or not.
  public init(switch name: String, _ help: String) { self.init(name, nil, help) }

  /// `HOLDFAST_FAILURE_TIMEOUT` for `--failure-timeout`: read if the flag is not given.
  public var environmentName: String {
    "HOLDFAST_" + String(name.map { $0 == "-" ? "_" : Character($0.uppercased()) })
  }
}

/// A program, or one command of a program, and what may stand on its command line.
public struct CommandSpec: Sendable {
  /// `holdfast-node`, `holdfast event import`.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Names of what stands without a flag, in order; one that ends in `…` takes the rest. `[NAME]` may be missing.
  public var arguments: [String]
  public var flags: [FlagSpec]
  /// Shown under the flags: examples, what an exit code means.
  public var notes: String

  public init(name: String, summary: String, arguments: [String] = [], flags: [FlagSpec] = [], notes: String = "") {
    (self.name, self.summary, self.arguments) = (name, summary, arguments)
    (self.flags, self.notes) = (flags, notes)
  }

  /// What `--help` prints.
  public var help: String {
    var lines = [
      "usage: \(name)" + arguments.map { " " + $0 }.joined() + (flags.isEmpty ? "" : " [flags]"), "", summary,
    ]
    if !flags.isEmpty {
      lines += ["", "flags (each also as environment variable HOLDFAST_…, where the flag wins):"]
      let heads = flags.map { "  --" + $0.name + ($0.placeholder.map { " " + $0 } ?? "") }
      let width = heads.map(\.count).max() ?? 0
      for (flag, head) in zip(flags, heads) {
        let pad = String(repeating: " ", count: width - head.count + 2)
        lines.append(head + pad + flag.help + (flag.defaultValue.map { " (default \($0))" } ?? ""))
      }
    }
    if !notes.isEmpty { lines += ["", notes] }
    return lines.joined(separator: "\n") + "\n"
  }
}
