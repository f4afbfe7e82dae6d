import Octets
import Proto
import TestKit
import Testing

extension ShardedID {
  fileprivate init?(_ text: [UInt8]) { self.init(text: text.rawSpan) }
}

@Suite struct IdentifierTests {
  /// The written form by long division, as a person would do it.
  private func slowText(_ bytes: [UInt8], _ letter: String) -> String {
    let digits = Array("0123456789abcdefghjkmnpqrstvwxyz")
    var bits: [Bool] = []
    for byte in bytes { for bit in (0..<8).reversed() { bits.append(byte >> bit & 1 == 1) } }
    var text = letter + "_"
    for start in stride(from: 0, to: 160, by: 5) {
      text.append(digits[bits[start..<(start + 5)].reduce(0) { $0 * 2 + ($1 ? 1 : 0) }])
    }
    return text
  }

  @Test func idsComeBackFromText() {
    var random = SeededRandom(seed: 9)
    for _ in 0..<20_000 {
      let hold = random.hold()
      let text = Array(hold.description.utf8)
      #expect(text.count == HoldID.textBytes && HoldID(text) == hold && OrderID(text) == nil)
      #expect(HoldID([UInt8(ascii: "h")] + Array(hold.description.uppercased().utf8).dropFirst()) == hold)
      let order = random.order()
      #expect(OrderID(Array(order.description.utf8)) == order && HoldID(Array(order.description.utf8)) == nil)
      // Big-endian: shard, slot, sequence, secret.
      var bytes: [UInt8] = []
      for shift in [8, 0] { bytes.append(UInt8(truncatingIfNeeded: hold.shard.rawValue >> shift)) }
      for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: hold.slot >> shift)) }
      for shift in [40, 32, 24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: hold.sequence >> shift)) }
      for shift in [56, 48, 40, 32, 24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: hold.secret >> shift)) }
      #expect(hold.description == slowText(bytes, "h"))
    }
  }

  @Test func otherTextsAreNoIds() {
    let good = Array(HoldID(shard: ShardID(3), slot: 77, sequence: 1 << 40, secret: .max).description.utf8)
    #expect(HoldID(good) != nil)
    for length in 0..<good.count { #expect(HoldID(Array(good[..<length])) == nil) }
    #expect(HoldID(good + [0x30]) == nil && HoldID([]) == nil)
    for place in good.indices {
      for byte in 0...UInt8.max where byte != good[place] {
        var text = good
        text[place] = byte
        // Either another id, or none: never the same one, but for the case of a letter.
        if let id = HoldID(text), byte | 0x20 != good[place] | 0x20 {
          #expect(id != HoldID(good), "\(place) \(byte)")
          #expect(place >= 2)
        }
      }
    }
    for bad in "ilouILOU-_ \u{0}!" {
      #expect(HoldID(Array("h_".utf8) + [UInt8](repeating: bad.asciiValue!, count: 32)) == nil)
    }
  }

  @Test func nodeNames() {
    #expect(NodeName("n1") != nil && NodeName(Bytes([UInt8](repeating: 0x61, count: 64))) != nil)
    for bad in ["", "a b", "a/b", "\u{E9}", "a\u{0}", String(repeating: "a", count: 65)] {
      #expect(NodeName(Bytes(bad)) == nil)
    }
  }

  @Test func shardsFollowFromTheId() {
    let arena = Array("arena".utf8)
    #expect(ShardID.owning(event: arena.rawSpan, shardCount: 16).rawValue == UInt16(slowCRC32C(arena) % 16))
    #expect(ShardID.owning(event: arena.rawSpan, shardCount: 1).rawValue == 0)
  }
}

/// CRC32C bit by bit.
func slowCRC32C(_ bytes: some Sequence<UInt8>) -> UInt32 {
  var crc = UInt32.max
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
  }
  return ~crc
}

@Suite struct ChecksumTests {
  private func crc(_ bytes: [UInt8]) -> UInt32 { crc32c(bytes.rawSpan) }

  /// RFC 3720, appendix B.4, and the usual check value.
  @Test func knownVectors() {
    #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
    #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(crc([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(crc((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(crc((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
    #expect(crc([]) == 0)
  }

  @Test func everyLengthAndSplitAgreesWithThePlainModel() {
    var random = SeededRandom(seed: 4)
    for length in 0..<200 {
      let bytes = random.bytes(length...length).array
      #expect(crc(bytes) == slowCRC32C(bytes))
      let cut = Int.random(in: 0...length, using: &random)
      let whole = bytes.rawSpan
      let joined = crc32c(whole.extracting(cut..<length), from: crc32c(whole.extracting(0..<cut)))
      #expect(joined == slowCRC32C(bytes))
    }
  }

  /// A hash that replicas must agree on for ever: these values may never change.
  /// Long inputs are hashed in lanes: each byte counts all the same, and so does its place.
  @Test func everyByteOfALongHashCounts() {
    var random = SeededRandom(seed: 5)
    var bytes = (0..<(64 << 10) + 37).map { _ in UInt8.random(in: 0...255, using: &random) }
    var seen = [stableHash(bytes.rawSpan), stableHash(bytes.rawSpan, seed: 1)]
    for round in 0..<300 {
      let place = round < 64 ? bytes.count - 1 - round : Int.random(in: 0..<bytes.count, using: &random)
      bytes[place] ^= 1 << UInt8(round % 8)
      seen.append(stableHash(bytes.rawSpan))
    }
    bytes.swapAt(0, 8)
    seen.append(stableHash(bytes.rawSpan))
    bytes.swapAt(100, 132)
    seen.append(stableHash(bytes.rawSpan))
    #expect(Set(seen).count == seen.count)
  }

  @Test func stableHashesAreStable() {
    func hash(_ text: String, seed: UInt64 = 0) -> UInt64 { stableHash(Array(text.utf8).rawSpan, seed: seed) }
    #expect(mix64(0) == 0xE220_A839_7B1D_CDAF)
    var seen: Set<UInt64> = []
    for number in 0..<10_000 { seen.insert(hash("k\(number)")) }
    #expect(seen.count == 10_000)
    #expect(hash("a") != hash("a\u{0}") && hash("a") != hash("a", seed: 1) && hash("") != 0)
  }
}
