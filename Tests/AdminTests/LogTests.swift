import Admin
import ClusterMap
import Foundation
import Journal
import JournalTestKit
import Proto
import Testing

/// `log verify` and `log dump` on a real directory.
@Suite struct LogTests {
  /// A node's directory with frames of two shards.
  private func directory(seed: UInt64 = 1) throws -> String {
    let path = temporaryDirectory()
    let storage = try DirectoryStorage(path)
    let log = try Log.open(storage, node: NodeName("n1")!, newDisk: 0xABCD, options: LogOptions(segmentBytes: 1 << 20))
    var maker = FrameMaker(seed: seed)
    for step in 0..<10 {
      try log.prepareSegment()
      try log.append([.frame(maker.frame(ShardID(UInt16(step % 2)), records: 3))])
      _ = try log.sync()
    }
    log.close()
    return path
  }

  @Test func aGoodLogIsGood() async throws {
    let path = try directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let ran = await holdfast("log", "verify", path, "--json")
    #expect(ran.code == 0, "\(ran.error)")
    #expect(ran.json?["good"]?.bool == true)
    #expect(ran.json?["records"]?.integer(Int.self) == 30)
    #expect(ran.json?["shards"]?.items?.map { $0["index"]?.integer(Int.self) } == [15, 15])
    #expect(await holdfast("log", "verify", path).out.contains("clean"))
  }

  @Test func aFlippedBitIsFound() async throws {
    let path = try directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: path + "/log").first { $0.hasSuffix(".seg") })
    let file = URL(filePath: path + "/log/" + name)
    var bytes = try Data(contentsOf: file)
    // In the first frame's block, with nine synced groups behind it.
    bytes[4_096 + 84 + 84 + 20] ^= 1
    try bytes.write(to: file)
    let ran = await holdfast("log", "verify", path)
    #expect(ran.code == 1)
    #expect(
      ran.out.contains("DAMAGED: positions") && ran.error.contains("damaged: 1 stretches"), "\(ran.out)\(ran.error)")
  }

  @Test func aRunningNodesDirectoryIsRefused() async throws {
    let path = try directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let storage = try DirectoryStorage(path)
    try storage.lock()
    let ran = await holdfast("log", "verify", path)
    #expect(ran.code == 1 && ran.error.contains("a node runs on"), "\(ran.error)")
    storage.unlock()
  }

  @Test func framesAndRecordsAreShown() async throws {
    let path = try directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let ran = await holdfast("log", "dump", path, "--shard", "1", "--from", "4", "--limit", "2", "--records", "--json")
    #expect(ran.code == 0, "\(ran.error)")
    let lines = ran.out.split(separator: "\n").compactMap { JSONValue(parsing: String($0)) }
    #expect(lines.map { $0["first_index"]?.integer(Int.self) } == [4, 7])
    #expect(lines.allSatisfy { $0["shard"]?.integer(Int.self) == 1 })
    #expect(lines.first?["records"]?.items?.map { $0["kind"]?.text } == ["hold", "hold", "hold"])
    #expect(await holdfast("log", "dump", path).out.split(separator: "\n").count == 10)
  }

  @Test func anotherDirectoryIsRefused() async throws {
    let path = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(await holdfast("log", "verify", path).code == 1)
    #expect(await holdfast("log", "dump", path + "/nonexistent").code == 1)
    // Nothing was made by looking.
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
  }
}
