import Foundation
import Testing

/// What a compiler and a formatter cannot see: who may import whom (docs/architecture.md), and what must not be left
/// behind.
@Suite struct SourceTree {
  /// Every library of ours, and the modules of ours that it may import: the dependencies that Package.swift gives it.
  static let allowed: [String: Set<String>] = {
    let manifest = (try? String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)) ?? ""
    let libraries = manifest.matches(of: /\n    (?:library|hotLibrary)\(\s*"(\w+)",\s*\[([^\]]*)\]/)
    return Dictionary(
      uniqueKeysWithValues: libraries.map { library in
        (String(library.1), Set(library.2.matches(of: /"(\w+)"/).map { String($0.1) }))
      })
  }()

  static let system: Set<String> = [
    "Swift", "Glibc", "Synchronization", "Foundation", "FoundationEssentials", "Dispatch", "_Concurrency", "Testing",
  ]

  /// Modules on whose paths a request travels: no Foundation there.
  static let withoutFoundation: Set<String> = [
    "Time", "Threads", "Proto", "JSON", "HTTP", "Plan", "Inventory", "Replication", "Journal", "EventLoop", "Node",
    "Router",
  ]

  struct Source {
    var module: String
    var path: String
    var lines: [String]
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func sources(_ folder: String) -> [Source] {
    let base = root.appending(path: folder)
    guard let walk = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
    return walk.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map { file in
      let relative = file.path.dropFirst(base.path.count + 1)
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      return Source(
        module: String(relative.prefix { $0 != "/" }), path: folder + "/" + relative,
        lines: text.components(separatedBy: "\n"))
    }
  }

  static func importedModule(_ line: String) -> String? {
    var words = line.split(separator: " ").map(String.init)
    words.removeAll {
      ["public", "internal", "package", "private", "fileprivate", "@preconcurrency", "@testable"].contains($0)
    }
    guard words.first == "import", words.count >= 2 else { return nil }
    let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
    return name.split(separator: ".").first.map(String.init)
  }

  @Test func modulesImportWhatTheyDependOn() {
    let sources = Self.sources("Sources")
    #expect(sources.count > 50, "the source tree was not found at \(Self.root.path)")
    let ours = Set(Self.allowed.keys).union(["CLZ4", "COpenSSL", "CHoldfast"])
    var imported: [String: Set<String>] = [:]
    for source in sources {
      guard let allowed = Self.allowed[source.module] else { continue }
      for (number, line) in source.lines.enumerated() {
        guard let name = Self.importedModule(line) else { continue }
        if ours.contains(name) {
          #expect(allowed.contains(name), "\(source.path):\(number + 1): \(source.module) may not import \(name)")
          imported[source.module, default: []].insert(name)
        } else {
          #expect(
            Self.system.contains(name), "\(source.path):\(number + 1): \(name) is not a module this project knows")
        }
        if Self.withoutFoundation.contains(source.module) {
          #expect(!name.hasPrefix("Foundation"), "\(source.path):\(number + 1): no Foundation on a request's path")
        }
      }
    }
    for (module, allowed) in Self.allowed {
      let unused = allowed.subtracting(imported[module] ?? [])
      #expect(unused.isEmpty, "\(module) depends on \(unused.sorted()) in Package.swift and imports none of it")
    }
  }

  /// A library's dependencies stand above it in the manifest: so the modules have no circle, and are read from the top.
  @Test func theManifestStandsInOrder() throws {
    let manifest = try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
    var above: Set<String> = ["CLZ4", "COpenSSL", "CHoldfast"]
    for library in manifest.matches(of: /\n    (?:library|hotLibrary)\(\s*"(\w+)"/) {
      let name = String(library.1)
      let below = (Self.allowed[name] ?? []).subtracting(above)
      #expect(below.isEmpty, "\(name) stands above \(below.sorted()) in Package.swift")
      above.insert(name)
    }
  }

  @Test func everyLibraryIsInTheManifest() {
    let modules = Set(Self.sources("Sources").map(\.module))
    for module in modules where !module.hasPrefix("holdfast") {
      #expect(Self.allowed[module] != nil, "Sources/\(module) is no library of Package.swift")
    }
  }

  /// docs/architecture.md names every library, in the manifest's words.
  @Test func theDocumentationAgrees() throws {
    let text = try String(contentsOf: Self.root.appending(path: "docs/architecture.md"), encoding: .utf8)
    var written: [String: Set<String>] = [:]
    for row in text.matches(of: /\n\| `(\w+)` \| [^|]+ \| ([^|\n]+) \|/) {
      written[String(row.1)] = Set(row.2.split(separator: ", ").map(String.init).filter { $0 != "–" })
    }
    for (module, allowed) in Self.allowed {
      #expect(
        written[module] == allowed,
        "the table of modules in docs/architecture.md should say \(allowed.sorted()) of \(module)")
    }
  }

  @Test func nothingIsLeftBehind() {
    let forbidden = ["TO" + "DO", "FIX" + "ME", "XX" + "X ", "try" + "!", "debug" + "Print("]
    for source in Self.sources("Sources") {
      for (number, line) in source.lines.enumerated() {
        for word in forbidden {
          #expect(!line.contains(word), "\(source.path):\(number + 1): \(word)")
        }
      }
    }
  }

  /// `@unchecked Sendable` and `nonisolated(unsafe)` replace the compiler's argument: ours stands in a comment close
  /// by.
  @Test func uncheckedClaimsAreArgued() {
    for source in Self.sources("Sources") {
      for (number, line) in source.lines.enumerated() {
        let code = line.trimmingCharacters(in: .whitespaces)
        guard !code.hasPrefix("//"), line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") else {
          continue
        }
        let nearby = source.lines[max(0, number - 12)...number]
        #expect(nearby.contains { $0.contains("//") }, "\(source.path):\(number + 1): no argument beside it")
      }
    }
  }

  /// Each `unsafe` has its argument close by, or at the top of its file if it is the same everywhere in it.
  @Test func unsafeCodeIsArgued() throws {
    for source in Self.sources("Sources") {
      if source.lines.contains(where: { $0.contains("`unsafe` in this file:") || $0.contains("`unsafe` before a call") }
      ) {
        continue
      }
      for (number, line) in source.lines.enumerated() {
        let code = line.prefix(upTo: line.range(of: "//")?.lowerBound ?? line.endIndex)
        guard code.contains("unsafe ") else { continue }
        let nearby = source.lines[max(0, number - 14)...min(source.lines.count - 1, number + 4)]
        #expect(
          nearby.contains { $0.contains("//") && $0.lowercased().contains("safe:") || $0.contains("// Safe") },
          "\(source.path):\(number + 1): no argument beside it")
      }
    }
  }

  /// Lines end at 120 columns. A text that is longer than that is not broken for it.
  @Test func linesAreShort() {
    for folder in ["Sources", "Tests"] {
      for source in Self.sources(folder) {
        var isInText = false
        for (number, line) in source.lines.enumerated() {
          if line.components(separatedBy: "\"\"\"").count % 2 == 0 { isInText.toggle() }
          guard line.count > 120, !isInText else { continue }
          let comment = line.trimmingCharacters(in: .whitespaces).hasPrefix("//")
          #expect(line.contains("\"") && !comment, "\(source.path):\(number + 1): \(line.count) columns")
        }
      }
    }
  }

  /// No declaration that nothing uses, tests included. Names that the standard library calls stand here.
  @Test func nothingIsDeclaredForNobody() {
    let called: Set = ["enqueue", "checkIsolated", "isIsolatingCurrentContext", "metricsPort"]
    var uses: [Substring: Int] = [:]
    var declared: [Substring: String] = [:]
    for folder in ["Sources", "Tests"] {
      for source in Self.sources(folder) {
        for line in source.lines {
          let code = line.prefix(upTo: line.range(of: "//")?.lowerBound ?? line.endIndex)
          for word in code.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }) {
            uses[word, default: 0] += 1
          }
          guard folder == "Sources", let match = code.firstMatch(of: /\b(?:func|var|let)\s+([a-z]\w*)/) else {
            continue
          }
          declared[match.1] = source.path
        }
      }
    }
    #expect(declared.count > 2_000)
    for (name, path) in declared where uses[name] == 1 {
      #expect(called.contains(String(name)), "\(path): nothing uses \(name)")
    }
  }

  /// A function that other modules call with more than two arguments says what it is for.
  @Test func callsOfManyArgumentsAreExplained() {
    for source in Self.sources("Sources") {
      for (number, line) in source.lines.enumerated() {
        guard let match = line.firstMatch(of: /^  (?:package|public) (?:mutating |static )*func ([a-z]\w*)\(/) else {
          continue
        }
        var signature = ""
        for next in source.lines[number..<min(source.lines.count, number + 6)] {
          signature += next
          if next.hasSuffix("{") { break }
        }
        guard signature.split(separator: "{")[0].components(separatedBy: ": ").count > 4 else { continue }
        let before = source.lines[max(0, number - 4)..<number].map { $0.trimmingCharacters(in: .whitespaces) }
        let isExplained = before.reversed().first { !$0.hasPrefix("@") }?.hasPrefix("//") == true
        #expect(isExplained, "\(source.path):\(number + 1): what is \(match.1) for?")
      }
    }
  }

  /// How many `default:` each file has, all of them over bytes, numbers, texts and codes of others. A switch over an
  /// enum of ours names every case, so that the compiler finds the places that a new one needs.
  static let defaults: [String: Int] = [
    "AdminLink+Codec.swift": 3, "Airline.swift": 1, "Base64URL.swift": 1, "BlockingSocket.swift": 1,
    "BodyDecoder.swift": 2, "Characters.swift": 1,
    "CivilDate.swift": 1, "CommandKind.swift": 1, "CommandTemplate.swift": 1, "Connection+Input.swift": 1,
    "DirectoryStorage.swift": 1, "EtcdMessages.swift": 1, "EventDefinition+Codec.swift": 1, "EventDocument.swift": 3,
    "EventState.swift": 1, "HTTPClient.swift": 1, "HTTPDoor.swift": 1, "HTTPSession+QuickHold.swift": 1,
    "HeaderScanner.swift": 1, "Identifiers.swift": 1, "JSONPlace.swift": 1,
    "JSONReader+Number.swift": 1, "JSONReader+String.swift": 6, "JSONReader.swift": 3, "JSONValue.swift": 1,
    "JSONWriter.swift": 1, "Listener.swift": 1, "LogLine.swift": 1,
    "MapEntry.swift": 1, "MemoryStorage.swift": 1, "Names.swift": 1, "Outcome+Codec.swift": 1, "OwnEvent.swift": 1,
    "Pass.swift": 2,
    "PostgresDoor.swift": 1, "PretixPlan+Categories.swift": 1, "PretixPlan.swift": 4, "Problem.swift": 1,
    "RESPArgument.swift": 2, "RESPDoor.swift": 1, "RESPErrors.swift": 1, "RESPParser+Typed.swift": 3,
    "RESPReply.swift": 3, "RESPSession+Administration.swift": 1, "RequestBodies.swift": 4,
    "RequestParser.swift": 4, "ResponseParser.swift": 1, "ResponseWriter.swift": 3, "RouterProgram.swift": 1,
    "Scan.swift": 1, "ShardInput+Codec.swift": 3, "SimulatedClient.swift": 3, "Simulation.swift": 1,
    "SocketError.swift": 1, "SocketFile.swift": 1, "TLS.swift": 2, "TermsDocument.swift": 1,
    "Timestamp+Parse.swift": 1, "WaitingRoomDocument.swift": 1,
    "World+Faults.swift": 1,
  ]

  @Test func switchesOverOurEnumsNameEveryCase() {
    var found: [String: Int] = [:]
    for source in Self.sources("Sources") {
      let name = source.path.split(separator: "/").last.map(String.init) ?? ""
      let count = source.lines.count { $0.trimmingCharacters(in: .whitespaces).hasPrefix("default:") }
      if count > 0 { found[name, default: 0] += count }
    }
    for (name, count) in found {
      #expect(
        count <= Self.defaults[name] ?? 0,
        "\(name) has \(count) `default:`: over an enum of ours name the cases; over bytes or numbers count it here")
    }
    for (name, count) in Self.defaults { #expect(found[name] ?? 0 == count, "\(name) has fewer `default:` now") }
  }

  /// What a new command on an order costs outside the simulator and the load generator: the production files that name
  /// one of those there are. docs/architecture.md lists them.
  @Test(arguments: ["confirm", "cancel"]) func anOrderCommandIsNamedInSixFiles(command: String) throws {
    let asValue = try Regex("\\.\(command)\\b(?!\\()")
    let asCase = try Regex("\\bcase\\b.*\\b\(command)\\b")
    var files: [String] = []
    for source in Self.sources("Sources") where !["Simulation", "Load"].contains(source.module) {
      let names = source.lines.contains { line in
        let code = line.prefix(upTo: line.range(of: "//")?.lowerBound ?? line.endIndex)
        return code.contains(asValue) || code.contains(asCase)
      }
      if names { files.append(source.path) }
    }
    #expect(files.count <= 6, "\(command) is named in \(files.sorted())")
    #expect(files.count >= 4, "nothing was found: is the command called otherwise now?")
  }

  /// Who may ask for an operation is decided in one place, and both doors ask there.
  @Test func accessIsCheckedAtBothDoors() {
    let router = Self.sources("Sources/Router")
    func files(with text: String) -> [String] {
      router.filter { $0.lines.contains { $0.contains(text) } }.map(\.path).sorted()
    }
    #expect(files(with: "row.access") == ["Sources/Router/Operations/Access.swift"])
    #expect(
      files(with: ".verdict {")
        == ["Sources/Router/HTTPDoor/HTTPSession.swift", "Sources/Router/RESP/RESPSession+Commands.swift"])
  }

  /// Every file belongs to a target of the manifest.
  @Test func everyFileHasATarget() throws {
    let manifest = try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
    for module in Set(Self.sources("Sources").map(\.module)) {
      #expect(manifest.contains("\"\(module)\""), "Sources/\(module) is no target of Package.swift")
    }
    for module in Set(Self.sources("Tests").map(\.module)) {
      let name = module.hasSuffix("Tests") ? String(module.dropLast(5)) : module
      #expect(manifest.contains("\"\(name)\""), "Tests/\(module) is no target of Package.swift")
    }
  }

  @Test func documentsHaveTitles() throws {
    let docs = Self.root.appending(path: "docs")
    let files = try FileManager.default.contentsOfDirectory(at: docs, includingPropertiesForKeys: nil)
    for file in files where file.pathExtension == "md" {
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text.hasPrefix("# "), "\(file.lastPathComponent) has no title")
    }
  }
}
