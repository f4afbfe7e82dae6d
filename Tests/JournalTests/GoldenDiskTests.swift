import Journal
import JournalTestKit
import Proto
import Testing

/// The bytes of a directory: identity, log, snapshot. A test that fails here says that a directory of the same
/// `Format.version` would be misread.
@Suite struct GoldenDiskTests {
  private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  @Test func aDirectorysFilesAreFrozen() throws {
    let storage = MemoryStorage()
    let log = try Log.open(storage)
    var maker = FrameMaker(seed: 1)
    try log.write([maker.frame(ShardID(3))])
    try takeSnapshot(log, SnapshotHeader(ShardID(3), maker.end(ShardID(3))))
    log.close()
    #expect(
      String(decoding: try #require(storage.content("identity")), as: UTF8.self)
        == "holdfast 2 n1 000000000000d15c c3504df8\n")
    let segments = try storage.list("log").filter { $0.hasSuffix(".seg") }
    #expect(segments == ["00000000000000000000.seg"])
    let segment = try #require(storage.content("log/" + (segments.first ?? "")))
    #expect(
      hexadecimal(segment[0..<64])
        == "485345470200000000000000000000005cd10000000000000040000000000000010000000000000000000000000000000000000000000000c0d3fa7500000000"
    )
    #expect(
      hexadecimal(segment[4_096..<(4_096 + 250)])
        == "484c4f4702020000000000000000000001000000000000000100000000000000000000000000000000100000000000009c000000000000005cd1000000000000189ace1638483386000000000000000042d60a27484c4f470201030001000000000000000100000000000000010000004800000048000000bcdfadb6e80300000000000000000000000000000000000000000000ae896065c37d90a50000000000000000a67ed339f21620001700290000006b65792d383139363938303735333832313738303233350100000007000100f00e58020000c15c0289ec2d0a910900010062757965722d353139de61010000000000000000000000"
    )
    let snapshots = try storage.list("snapshots")
    #expect(snapshots == ["shard-003-1.snap"])
    let snapshot = try #require(storage.content("snapshots/" + (snapshots.first ?? "")))
    #expect(
      hexadecimal(snapshot)
        == "48534e50020003000100000001000000000000000100000000000000ae896065c37d90a5e8030000000000000100000000000000f0100000000000000100000000000000010000000000000000000000000000006d9ae7c20a0000000b000000b75a89bca073746174652061742031ffffffff0100000000000000b75a89bcecbe000f"
    )
  }

  @Test func anotherFormatIsRefusedWithASentence() throws {
    let storage = MemoryStorage()
    try Log.open(storage).close()
    storage.change("identity") { bytes in
      bytes = Array(
        String(decoding: bytes, as: UTF8.self).replacing("holdfast \(Format.version) ", with: "holdfast 1 ").utf8)
    }
    #expect(throws: JournalError.otherFormat(found: 1)) { _ = try Log.open(storage) }
    #expect("\(JournalError.otherFormat(found: 1))".contains("format 1"))
  }
}
