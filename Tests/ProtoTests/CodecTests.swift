import Octets
import TestKit
import Testing

/// How often each codec is tried; optimised builds try over a million inputs in all.
#if DEBUG
private let rounds = 1_500
#else
private let rounds = 20_000
#endif

@Suite struct CodecTests {
  /// What is written is read, and written the same.
  @Test(arguments: codecs.indices) func valuesComeBack(_ number: Int) throws {
    let codec = codecs[number]
    for seed in 0..<UInt64(rounds / 10) {
      var random = SeededRandom(seed: seed)
      let bytes = codec.make(&random)
      let again = try codec.read(bytes.rawSpan)
      #expect(again == bytes, "\(codec.name), seed \(seed)")
    }
  }

  /// Every prefix of every message is refused: none is a message by itself, none traps.
  @Test(arguments: codecs.indices) func truncationsAreRefused(_ number: Int) {
    let codec = codecs[number]
    for seed in 0..<UInt64(rounds / 25) {
      var random = SeededRandom(seed: seed)
      let bytes = codec.make(&random)
      for length in 0..<bytes.count {
        let refused: Bool
        do {
          _ = try codec.read(bytes.rawSpan.extracting(0..<length))
          refused = false
        } catch { refused = error is DecodeError }
        #expect(refused, "\(codec.name), seed \(seed), cut at \(length)")
      }
    }
  }

  /// Mutated messages and noise: nothing traps, nothing is read beyond the end, and what is accepted means one thing.
  @Test(arguments: codecs.indices) func mutationsNeverTrap(_ number: Int) {
    let codec = codecs[number]
    var random = SeededRandom(seed: UInt64(number) + 1_000)
    for round in 0..<(rounds * 3) {
      var bytes = codec.make(&random)
      if round % 3 == 0 {
        bytes = random.bytes(0...60).array
      } else {
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
          let place = Int.random(in: 0..<bytes.count, using: &random)
          switch Int.random(in: 0..<6, using: &random) {
          case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
          case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
          case 2: bytes[place] = 0xFF
          case 3: bytes.remove(at: place)
          case 4: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
          default: bytes.removeLast(Int.random(in: 0...min(bytes.count, 9), using: &random))
          }
        }
      }
      // The same message with other bytes behind it must read the same: else something looked beyond its end.
      let count = bytes.count
      let first = read(codec, bytes + [UInt8](repeating: 0x00, count: 16), count)
      let second = read(codec, bytes + [UInt8](repeating: 0xFF, count: 16), count)
      #expect(first == second, "\(codec.name), round \(round)")
      if let first {
        #expect(read(codec, first, first.count) == first, "\(codec.name), round \(round)")
      }
    }
  }

  private func read(_ codec: Codec, _ bytes: [UInt8], _ count: Int) -> [UInt8]? {
    try? codec.read(bytes.rawSpan.extracting(0..<count))
  }

  /// Sizes that a sender can write in a few bytes and no reader may believe.
  @Test func hugeCountsAllocateNothing() {
    for codec in codecs {
      for place in 0..<60 {
        var random = SeededRandom(seed: UInt64(place))
        var bytes = codec.make(&random)
        guard place + 4 <= bytes.count else { continue }
        bytes.replaceSubrange(place..<(place + 4), with: [0xFF, 0xFF, 0xFF, 0x7F])
        _ = read(codec, bytes, bytes.count)
        bytes.replaceSubrange(place..<(place + 4), with: [0x80, 0x96, 0x98, 0x00])
        _ = read(codec, bytes, bytes.count)
      }
    }
  }

  @Test func aFlippedBitInAWireFrameIsFound() throws {
    var random = SeededRandom(seed: 1)
    let codec = try #require(codecs.first { $0.name == "wire frame" })
    for _ in 0..<50 {
      let bytes = codec.make(&random)
      for bit in 0..<(bytes.count * 8) {
        var flipped = bytes
        flipped[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(read(codec, flipped, flipped.count) == nil)
      }
    }
  }

  @Test func aFlippedBitInALogFrameIsFound() throws {
    var random = SeededRandom(seed: 2)
    let codec = try #require(codecs.first { $0.name == "log frame" })
    for _ in 0..<20 {
      let bytes = codec.make(&random)
      for bit in 0..<(bytes.count * 8) {
        var flipped = bytes
        flipped[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(read(codec, flipped, flipped.count) == nil)
      }
    }
  }
}
