internal import Flags

/// One command of the CLI.
struct AdminCommand: Sendable {
  let spec: CommandSpec
  let run: @Sendable (Invocation) async throws(AdminError) -> Void

  init(_ spec: CommandSpec, _ run: @escaping @Sendable (Invocation) async throws(AdminError) -> Void) {
    (self.spec, self.run) = (spec, run)
  }

  /// `event import` of `holdfast event import`.
  var words: [String] { spec.name.split(separator: " ").dropFirst().map(String.init) }
}

/// The CLI `holdfast`.
public enum Holdfast {
  static var commands: [AdminCommand] {
    [upCommand, downCommand, statusCommand, failoverCommand, recoverCommand] + eventCommands + [
      eventSetCommand, eventBlockCommand, eventUnblockCommand, eventDeleteCommand,
      holdCommand, releaseCommand,
    ] + queueCommands
      + logCommands
  }

  /// Runs one command line (without the program's name). Returns the exit code: 0 done, 1 refused, 2 wrong usage, 3
  /// cannot reach.
  public static func run(_ words: [String], console: Console) async -> Int32 {
    do throws(AdminError) {
      return try await start(words, console)
    } catch {
      if !error.text.isEmpty { console.note("holdfast: \(error.text)") }
      return error.exitCode
    }
  }

  private static func start(_ words: [String], _ console: Console) async throws(AdminError) -> Int32 {
    if words.first == "--version" || words.first == "version" {
      console.line("holdfast \(Version.current)")
      return 0
    }
    let topic = words.first == "help" ? Array(words.dropFirst()) : words
    let command = commands.first { topic.starts(with: $0.words) }
    if words.isEmpty || words.first == "help" || words.first == "--help" || words.first == "-h" {
      if let command, !topic.isEmpty {
        console.out(command.spec.help)
      } else if topic.isEmpty || topic.first?.hasPrefix("-") ?? true {
        console.out(overview)
        // Without a command nothing was done, which is no success.
        return words.isEmpty ? 2 : 0
      } else {
        try explain(topic, console)
      }
      return 0
    }
    guard let command else {
      try explain(topic, console)
      return 0
    }
    let flags: ParsedFlags
    do throws(UsageError) {
      flags = try command.spec.parse(Array(words.dropFirst(command.words.count)), environment: console.environment)
    } catch {
      throw .usage("\(error)\n\(command.spec.name) --help says more")
    }
    if flags.wantsHelp {
      console.out(command.spec.help)
      return 0
    }
    if flags.wantsVersion {
      console.line("holdfast \(Version.current)")
      return 0
    }
    try await command.run(Invocation(flags: flags, console: console))
    return 0
  }

  /// The commands of a group (`event`), if only that was typed and help was asked for; otherwise an error with the
  /// nearest command.
  private static func explain(_ words: [String], _ console: Console) throws(AdminError) {
    let group = commands.filter { $0.words.count > 1 && $0.words.first == words.first }
    let second = words.dropFirst().first
    if !group.isEmpty {
      if second == nil || second == "--help" || second == "-h" {
        console.out(list(group))
        if second == nil {
          throw .usage("holdfast \(words[0]) needs one of: \(group.map { $0.words[1] }.joined(separator: ", "))")
        }
        return
      }
      let near = nearest(to: second ?? "", among: group.map { $0.words[1] })
      throw .usage(
        "unknown command \(words[0]) \(second ?? "")" + (near.map { "; did you mean \(words[0]) \($0)?" } ?? ""))
    }
    let known = Set(commands.map { $0.words[0] }).sorted()
    let near = nearest(to: words[0], among: known)
    throw .usage("unknown command \(words[0])" + (near.map { "; did you mean \($0)?" } ?? ""))
  }

  private static func list(_ commands: [AdminCommand]) -> String {
    table(commands.map { ["  " + $0.words.joined(separator: " "), $0.spec.summary] })
  }

  private static var overview: String {
    "usage: holdfast COMMAND …\n\nStarts a cluster on this machine, and is the admin tool of any.\n\n" + list(commands)
      + "\nholdfast help COMMAND says more. Ends with 0: done, 1: refused, 2: wrong usage, 3: cannot reach.\n"
  }
}
