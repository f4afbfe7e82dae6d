import Inventory
import Octets
import Proto
import Replication
import ShardCore
import Time

/// What a machine is made of.
struct MachineMaking {
  var shard: ShardID
  var me: ReplicaID
  var options: ShardMachine.Options
  var config: ReplicaConfig
  var seed: UInt64

  func machine() -> ShardMachine {
    ShardMachine(shard: shard, me: me, options: options, config: config, seed: seed)
  }

  /// Every setting, in the order of its declaration, but for the secret: in a simulation that follows from the seed.
  func encode(into out: inout [UInt8]) {
    precondition(
      Mirror(reflecting: options).children.count == 14 && options.secret == nil
        && Mirror(reflecting: config).children.count == 16,
      "a setting was added that recordings do not have: add it here, and raise their version")
    out.put(shard.rawValue)
    me.encode(into: &out)
    out.put(seed)
    for number in [
      Int64(options.snapshotBytes), options.requestDeadline.rawValue, Int64(options.largeAnswerBytes),
      Int64(options.seatsCopiedPerTurn), Int64(options.largeRecordBytes), Int64(options.deferredBytesMax),
      options.feedEvery.rawValue, Int64(options.recentBytesMax), Int64(options.frameBytesMax),
      Int64(options.recordsPerStampMax), Int64(options.ticksMax), Int64(options.keyLimits.clientBytes),
      options.keyLimits.clientWindow.rawValue, options.keyLimits.routerWindow.rawValue, options.tellsChanges ? 1 : 0,
    ] {
      out.put(number)
    }
    for number in [
      config.failureTimeout.rawValue, config.failureJitter.rawValue, config.heartbeat.rawValue,
      config.mapEvery.rawValue, config.proposalResend.rawValue, config.askAgain.rawValue,
      Int64(bitPattern: config.checkpointEvery), Int64(config.catchUpBytes), Int64(bitPattern: config.snapshotBehind),
      Int64(bitPattern: config.snapshotWindowBytes), config.readmissionWait.rawValue,
      config.readmissionWaitMax.rawValue, config.readmissionMemory.rawValue, config.drainTimeout.rawValue,
      config.joins ? 1 : 0, config.endGrace.rawValue,
    ] {
      out.put(number)
    }
  }

  init(shard: ShardID, me: ReplicaID, options: ShardMachine.Options, config: ReplicaConfig, seed: UInt64) {
    (self.shard, self.me, self.options, self.config, self.seed) = (shard, me, options, config, seed)
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    shard = ShardID(try reader.u16())
    me = try ReplicaID(decoding: &reader)
    seed = try reader.u64()
    options = ShardMachine.Options()
    options.snapshotBytes = try reader.size()
    options.requestDeadline = Milliseconds(try reader.i64())
    options.largeAnswerBytes = try reader.size()
    options.seatsCopiedPerTurn = try reader.size()
    options.largeRecordBytes = try reader.size()
    options.deferredBytesMax = try reader.size()
    options.feedEvery = Milliseconds(try reader.i64())
    options.recentBytesMax = try reader.size()
    options.frameBytesMax = try reader.size()
    options.recordsPerStampMax = try reader.size()
    options.ticksMax = try reader.size()
    options.keyLimits.clientBytes = try reader.size()
    options.keyLimits.clientWindow = Milliseconds(try reader.i64())
    options.keyLimits.routerWindow = Milliseconds(try reader.i64())
    options.tellsChanges = try reader.size() != 0
    config = ReplicaConfig()
    config.failureTimeout = Milliseconds(try reader.i64())
    config.failureJitter = Milliseconds(try reader.i64())
    config.heartbeat = Milliseconds(try reader.i64())
    config.mapEvery = Milliseconds(try reader.i64())
    config.proposalResend = Milliseconds(try reader.i64())
    config.askAgain = Milliseconds(try reader.i64())
    config.checkpointEvery = try reader.u64()
    config.catchUpBytes = try reader.size()
    config.snapshotBehind = try reader.u64()
    config.snapshotWindowBytes = try reader.u64()
    config.readmissionWait = Milliseconds(try reader.i64())
    config.readmissionWaitMax = Milliseconds(try reader.i64())
    config.readmissionMemory = Milliseconds(try reader.i64())
    config.drainTimeout = Milliseconds(try reader.i64())
    config.joins = try reader.size() != 0
    config.endGrace = Milliseconds(try reader.i64())
  }
}

extension ByteReader {
  /// A count or a size as a recording has it.
  mutating func size() throws(DecodeError) -> Int {
    let value = try i64()
    guard value >= 0, value <= 1 << 48 else { throw .invalid(field: "size") }
    return Int(value)
  }
}
