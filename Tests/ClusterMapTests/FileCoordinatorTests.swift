import ClusterMap
import Foundation
import Proto
import Testing

@Suite struct FileCoordinatorTests {
  @Test(arguments: Conformance.Check.allCases) func conforms(check: Conformance.Check) async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await Conformance { try FileCoordinator(directory: directory + "/deep/down") }.run(check)
  }

  /// A process that is killed between write and link leaves a file that nobody believes, and the next one clears away.
  @Test func whatWasNotLinkedDoesNotCount() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let one = try FileCoordinator(directory: directory)
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    // Pid 4,194,305 is above the kernel's limit: nobody has it.
    let leftover = directory + "/tmp/4194305.1.0123456789abcdef"
    try Data("{\"epoch\":1".utf8).write(to: URL(filePath: leftover))
    let two = try FileCoordinator(directory: directory)
    #expect(try await two.read(ShardID(0)) == nil)
    #expect(!FileManager.default.fileExists(atPath: leftover))
    guard case .won = await two.propose(Conformance.entry(1, "n1", proposal: 1), for: ShardID(0), expecting: 0) else {
      Issue.record("must win")
      return
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/tmp").isEmpty)
  }

  @Test func revisionsAreKept() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let one = try FileCoordinator(directory: directory)
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    for revision in 0..<50 as Range<UInt64> {
      let result = await one.propose(
        Conformance.entry(revision, "n1", proposal: revision + 1), for: ShardID(0), expecting: revision)
      guard case .won(let register) = result else {
        Issue.record("\(result)")
        return
      }
      #expect(register.revision == revision + 1)
    }
    // One that knows nothing counts up to the same.
    #expect(try await FileCoordinator(directory: directory).read(ShardID(0))?.revision == 50)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/map").count == 50)
  }

  @Test func rubbishIsAnErrorAndNoCrash() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let one = try FileCoordinator(directory: directory)
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    try Data("{\"epoch\":-1}".utf8).write(to: URL(filePath: directory + "/map/0.1"))
    await #expect(throws: CoordinatorError.self) { try await one.read(ShardID(0)) }
  }
}

func temporaryDirectory() -> String {
  let path = NSTemporaryDirectory() + "/holdfast-map-\(getpid())-\(UInt64.random(in: 0 ... .max))"
  try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}
