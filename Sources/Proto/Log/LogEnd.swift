public import Octets
public import Time

/// Where an epoch begins in a shard's log. A replica's table of these tells two replicas apart where their logs part.
public struct EpochStart: Equatable, Sendable {
  public var epoch: UInt64
  /// Index of the epoch's first record.
  public var firstIndex: UInt64
  /// The chain hash of the frame before it: the hash at the end of the epoch before. 0 at the log's beginning.
  public var chainBefore: UInt64
  public init(epoch: UInt64, firstIndex: UInt64, chainBefore: UInt64) {
    (self.epoch, self.firstIndex, self.chainBefore) = (epoch, firstIndex, chainBefore)
  }
}

/// The last frame of a shard's log, as far as one replica has it. All zero: nothing was ever logged.
public struct LogEnd: Equatable, Sendable {
  /// Index of the last record.
  public var index: UInt64
  public var epoch: UInt64
  /// The last frame's chain hash: equal hashes at equal indexes mean equal logs up to there.
  public var chain: UInt64
  public var stamp: Stamp
  public init(index: UInt64 = 0, epoch: UInt64 = 0, chain: UInt64 = 0, stamp: Stamp = .zero) {
    (self.index, self.epoch, self.chain, self.stamp) = (index, epoch, chain, stamp)
  }
}

extension EpochStart {
  public static let encodedBytes = 24

  public func encode(into out: inout [UInt8]) {
    out.put(epoch)
    out.put(firstIndex)
    out.put(chainBefore)
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    epoch = try reader.u64()
    firstIndex = try reader.u64()
    chainBefore = try reader.u64()
  }
}

extension LogEnd {
  public func encode(into out: inout [UInt8]) {
    out.put(index)
    out.put(epoch)
    out.put(chain)
    out.put(stamp)
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    index = try reader.u64()
    epoch = try reader.u64()
    chain = try reader.u64()
    stamp = try reader.stamp()
  }
}
