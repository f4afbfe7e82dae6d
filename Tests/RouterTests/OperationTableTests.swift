import Foundation
import Router
import TestKit
import Testing

/// Whatever follows from the table of operations but is written elsewhere is held against it here, and the missing
/// place is named.
@Suite struct OperationTableTests {
  private let protocolPage: String

  init() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    protocolPage = try String(contentsOf: root.appending(path: "docs/protocol.md"), encoding: .utf8)
  }

  @Test func everyCommandHasItsWord() {
    #expect(OperationTable.commandsWithoutWord.isEmpty, "their operations' rows lack a RESPWord")
  }

  @Test func everyOperationCanBeAskedFor() {
    for row in OperationTable.all { #expect(row.path != nil || !row.commands.isEmpty, "\(row.name) has neither door") }
  }

  @Test func theProtocolsPageNamesEveryCallAndCommand() {
    for row in OperationTable.all {
      if let path = row.path, let method = row.method {
        #expect(protocolPage.contains("`\(method) \(path)"), "docs/protocol.md lacks `\(method) \(path)`")
      }
      for command in row.commands {
        #expect(
          protocolPage.contains("`\(command)`")
            || protocolPage.contains("`\(command.replacing(" [KEY k]", with: ""))`"),
          "docs/protocol.md lacks `\(command)`")
      }
    }
  }

  /// Reads change nothing, so no read has a key and every write may have one.
  @Test func writesAreWhatCommandsChange() {
    for row in OperationTable.all where row.method == "POST" || row.method == "DELETE" {
      #expect(row.writes, "\(row.name)")
    }
    for row in OperationTable.all where row.method == "GET" { #expect(!row.writes, "\(row.name)") }
  }
}
