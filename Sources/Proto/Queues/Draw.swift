public import Digests

/// The draw of those who came before the start: a permutation of `0..<count`, keyed by a seed, in which no table is
/// needed and any one position costs the same.
///
/// A Feistel network (Luby, Rackoff 1988) of ten rounds, as NIST's FF1 has, over the smallest number of bits that can
/// say `count - 1`, at least two; what falls outside is walked on until it falls inside (Black, Rogaway 2002). The
/// round function is the first 32 bits, little-endian, of SHA-256 over the seed's 32 bytes, the round as `u32` and the
/// half as `u32`, both little-endian. Anyone can recompute it: see docs/waiting-room.md.
public struct Draw: Equatable, Sendable {
  public let seed: Digest256
  public let count: UInt32
  private let leftBits: UInt32
  private let rightBits: UInt32

  static let rounds: UInt32 = 10

  public init(seed: Digest256, count: UInt32) {
    (self.seed, self.count) = (seed, count)
    let bits = max(2, UInt32(32 - (max(count, 1) - 1).leadingZeroBitCount))
    leftBits = bits / 2
    rightBits = bits - bits / 2
  }

  /// What a round hashes: forty bytes without a gap.
  private struct Block: BitwiseCopyable {
    var seed: Digest256
    var round: UInt32
    var half: UInt32
  }

  @inline(__always) private func mix(_ round: UInt32, _ half: UInt32) -> UInt32 {
    let block = Block(seed: seed, round: round.littleEndian, half: half.littleEndian)
    return UInt32(truncatingIfNeeded: UInt64(littleEndian: sha256(of: block).a))
  }

  @inline(__always) private func mask(_ bits: UInt32) -> UInt32 { bits >= 32 ? .max : 1 << bits - 1 }

  /// Where the `join`-th of the drawn stands, from 0.
  public func position(of join: UInt32) -> UInt32 {
    precondition(join < count, "only the drawn have a place in the draw")
    var value = join
    repeat {
      var (left, right) = (value >> rightBits, value & mask(rightBits))
      // Even rounds change the left half, odd ones the right: the halves need not be equally long.
      for round in 0..<Self.rounds {
        if round & 1 == 0 {
          left = left ^ mix(round, right) & mask(leftBits)
        } else {
          right = right ^ mix(round, left) & mask(rightBits)
        }
      }
      value = left << rightBits | right
    } while value >= count
    return value
  }

  /// Who stands there: the inverse.
  public func join(at position: UInt32) -> UInt32 {
    precondition(position < count, "only the drawn have a place in the draw")
    var value = position
    repeat {
      var (left, right) = (value >> rightBits, value & mask(rightBits))
      for round in (0..<Self.rounds).reversed() {
        if round & 1 == 0 {
          left = left ^ mix(round, right) & mask(leftBits)
        } else {
          right = right ^ mix(round, left) & mask(rightBits)
        }
      }
      value = left << rightBits | right
    } while value >= count
    return value
  }
}
