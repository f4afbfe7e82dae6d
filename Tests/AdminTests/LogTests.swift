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

  /// What a crash tore is no damage, before the next start and after it.
  @Test func aTornEndIsToldFromDamage() async throws {
    let path = try directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try change(path) { bytes in bytes[bytes.lastIndex { $0 != 0 }!] ^= 1 }
    let torn = await holdfast("log", "verify", path)
    #expect(torn.code == 0 && torn.out.contains("the next start goes on behind it"), "\(torn.out)\(torn.error)")

    try goOn(path) { log in
      for shard in [ShardID(0), ShardID(1)] {
        let end = log.end(of: shard)
        try log.append([.cut(shard: shard, keeping: end.index, chain: end.chain)])
        _ = try log.sync()
      }
    }
    let settled = await holdfast("log", "verify", path)
    #expect(settled.code == 0 && settled.out.contains("the node has gone on behind it"), "\(settled.out)")
    #expect(settled.out.contains("cut: shard 1 behind index 12, by this node"), "\(settled.out)")
    let json = try #require(await holdfast("log", "verify", path, "--json").json)
    #expect(json["unreadable"]?.items?.map { $0["settled"]?.bool } == [true])
    #expect(json["cuts"]?.items?.map { $0["kind"]?.text } == ["cut", "cut"])
  }

  /// A stretch that is damaged is damage until each shard has gone on behind it.
  @Test func whatWasMadeUpForIsToldFromDamage() async throws {
    let path = try directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    // In the last frame of shard 0, with that of shard 1 behind it.
    try change(path) { bytes in
      let last = bytes.lastIndex { $0 != 0 }!
      let frames = (4_096..<last).filter { bytes[$0..<($0 + 4)] == bytes[4_096..<4_100] }
      bytes[frames[frames.count - 3] + LogFrame.headerBytes + 5] ^= 1
    }
    let damaged = await holdfast("log", "verify", path)
    #expect(damaged.code == 1 && damaged.out.contains("DAMAGED: positions"), "\(damaged.out)\(damaged.error)")

    try goOn(path) { log in
      #expect(log.end(of: ShardID(0)).index == 12)
      try log.append([.cut(shard: ShardID(0), keeping: 12, chain: log.end(of: ShardID(0)).chain)])
      _ = try log.sync()
    }
    let repaired = await holdfast("log", "verify", path)
    #expect(repaired.code == 0 && repaired.out.contains("repaired: positions"), "\(repaired.out)\(repaired.error)")
    #expect(await holdfast("log", "verify", path, "--json").json?["good"]?.bool == true)
  }

  private func change(_ path: String, _ body: (inout [UInt8]) -> Void) throws {
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: path + "/log").first { $0.hasSuffix(".seg") })
    let file = URL(filePath: path + "/log/" + name)
    var bytes = [UInt8](try Data(contentsOf: file))
    body(&bytes)
    try Data(bytes).write(to: file)
  }

  /// What the next process of the node writes.
  private func goOn(_ path: String, _ body: (Log) throws -> Void) throws {
    let log = try Log.open(
      try DirectoryStorage(path), node: NodeName("n1")!, newDisk: 0xABCD, options: LogOptions(segmentBytes: 1 << 20))
    try log.prepareSegment()
    try body(log)
    log.close()
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
