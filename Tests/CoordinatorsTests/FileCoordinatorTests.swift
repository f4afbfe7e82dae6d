import ClusterMap
import Coordinators
import Foundation
import Proto
import TestKit
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

  /// Records had other files' names before a router's machine was part of its key, and before colons were left out.
  @Test(arguments: [
    ("127.0.0.1:8080", "at_127.0.0.1:8080"), ("unix:/h", "at_unix:_h_m1_fb798f64402712de"),
  ]) func aRoutersFormerRecordGoes(http: String, formerName: String) async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let one = try FileCoordinator(directory: directory)
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    let (old, new) = (
      RouterRecord(http: [http], tcp: [], host: "m1", pid: 1, startedAt: 1),
      RouterRecord(http: [http], tcp: [], host: "m1", pid: 2, startedAt: 2)
    )
    let former = URL(filePath: directory + "/routers/" + formerName)
    try Data(old.text.utf8).write(to: former)
    #expect(try await one.routers() == [old])
    try await one.register(new)
    #expect(try await one.routers() == [new])
    // Forgotten, as the nodes do it, without a newer one.
    try await one.unregister(new)
    try Data(old.text.utf8).write(to: former)
    try await one.unregister(old)
    #expect(try await one.routers().isEmpty)
    // Another machine's, which the version before kept there, stays.
    var other = old
    other.host = "m2"
    try Data(other.text.utf8).write(to: former)
    try await one.register(new)
    #expect(try await one.routers().count == 2)
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

  /// The directory may go, or be replaced by an older copy, under processes that know better.
  @Test func aDirectoryThatWentBackIsSeenAndTold() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let (place, copy) = (directory + "/map-of-today", directory + "/map-of-yesterday")
    let one = try FileCoordinator(directory: place)
    let birth = BirthRecord(cluster: 1, shardCount: 1)
    _ = try await one.birth(proposing: birth)
    one.bind(to: birth)
    var revisions: [MapRegister] = []
    func propose(_ epoch: UInt64, expecting revision: UInt64) async {
      let entry = Conformance.entry(epoch, "n1", proposal: epoch)
      let result = await one.propose(entry, for: ShardID(0), expecting: revision)
      guard case .won(let register) = result else {
        Issue.record("epoch \(epoch): \(result)")
        return
      }
      revisions.append(register)
    }
    await propose(1, expecting: 0)
    try FileManager.default.copyItem(atPath: place, toPath: copy)
    await propose(2, expecting: 1)
    await propose(3, expecting: 2)
    let seen = Seen()
    let watch = one.watch { seen.append($0) }
    await waitUntil("the present is told") { seen.changes == [.entry(ShardID(0), revisions[2])] }
    try FileManager.default.removeItem(atPath: place)
    try FileManager.default.moveItem(atPath: copy, toPath: place)
    #expect(try await one.read(ShardID(0)) == revisions[0])
    await waitUntil("what is there now is told") { seen.changes.last == .entry(ShardID(0), revisions[0]) }
    await propose(4, expecting: 1)
    await waitUntil("and what follows, too") { seen.changes.last == .entry(ShardID(0), revisions[3]) }
    try FileManager.default.removeItem(atPath: place)
    await #expect(throws: CoordinatorError.otherCluster(found: nil)) { try await one.read(ShardID(0)) }
    #expect(try await one.birth(proposing: birth) == birth, "the directory is made anew")
    #expect(try await one.read(ShardID(0)) == nil)
    await propose(5, expecting: 0)
    watch.cancel()
  }

  /// Somebody copies a directory into place: what is half written now is whole in a moment.
  @Test func aHalfWrittenRecordIsReadAgain() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let one = try FileCoordinator(directory: directory)
    _ = try await one.birth(proposing: BirthRecord(cluster: 1, shardCount: 1))
    guard case .won = await one.propose(Conformance.entry(1, "n1", proposal: 1), for: ShardID(0), expecting: 0) else {
      Issue.record("must win")
      return
    }
    let path = URL(filePath: directory + "/map/0.1")
    let whole = try Data(contentsOf: path)
    for half in [Data(), whole.prefix(9)] {
      try half.write(to: path)
      let two = try FileCoordinator(directory: directory)
      await #expect(throws: CoordinatorError.self) { try await two.read(ShardID(0)) }
      try whole.write(to: path)
      #expect(try await two.read(ShardID(0))?.revision == 1)
    }
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
