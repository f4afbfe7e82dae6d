import Octets
import Proto

let goldenLinks: [GoldenBytesTests.Golden] = [
  .init(
    "frame routerHello",
    "48460201030000000300000096bdf083010203"
  ) { WireFrame.encode(.routerHello, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame nodeHello",
    "484602020300000003000000c6c162d0010203"
  ) { WireFrame.encode(.nodeHello, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame requests",
    "484602030300000003000000f61513e1010203"
  ) { WireFrame.encode(.requests, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame replies",
    "48460204030000000300000066394677010203"
  ) { WireFrame.encode(.replies, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame feed",
    "48460205030000000300000056ed3746010203"
  ) { WireFrame.encode(.feed, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame peerHello",
    "4846020703000000030000003645d424010203"
  ) { WireFrame.encode(.peerHello, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame peerMessages",
    "484602080300000003000000d7bee33c010203"
  ) { WireFrame.encode(.peerMessages, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame adminRequest",
    "484602090300000003000000e76a920d010203"
  ) { WireFrame.encode(.adminRequest, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame adminReply",
    "4846020a0300000003000000b716005e010203"
  ) { WireFrame.encode(.adminReply, shard: ShardID(3), into: &$0) { $0.append(contentsOf: [1, 2, 3]) } },
  .init(
    "frame feedFresh",
    "484602060300000000000000203441b4"
  ) { WireFrame.encode(.feedFresh, shard: ShardID(3), into: &$0) { _ in } },
  .init(
    "router hello",
    "0100000000000000020000000000000003000000000000000400"
  ) { RouterHello(cluster: 1, router: 2, connection: 3, loop: 4).encode(into: &$0) },
  .init(
    "node hello",
    "026e3110000200"
  ) { NodeHello(node: "n1", shardCount: 16, loopCount: 2).encode(into: &$0) },
  .init(
    "request",
    "0700000001"
  ) { Request.encodeHeader(id: 7, what: .query, into: &$0) },
  .init(
    "reply, an outcome",
    "070000000009"
  ) { Reply.outcome(.noted).encode(id: 7, into: &$0) },
  .init(
    "reply, an outcome that a key got before",
    "070000000309"
  ) { Reply.repeated(.noted).encode(id: 7, into: &$0) },
  .init(
    "reply, an answer",
    "070000000109"
  ) { Reply.answer(.unsubscribed).encode(id: 7, into: &$0) },
  .init(
    "reply, a failure",
    "070000000201"
  ) { Reply.failed(.notPrimary).encode(id: 7, into: &$0) },
  .init(
    "feed update",
    "06000000080706050403020103000000000000000400000000000000010000000700000068000000000000000001000000010000000200000003000000040000000100000005000000060000000700000000000000"
  ) {
    FeedUpdate(
      event: sampleEvent, fromVersion: 3, version: 4, seats: [SeatChange(seat: SeatIndex(7), state: .held)],
      availability: sampleCounts
    ).encode(into: &$0)
  },
  .init(
    "log frame records",
    "484c4f47020103000100000000000000040000000000000002000000640000003c000000070000000068e5cf8b01000003000000000000000900000000000000e78ab5b5a753032900000000000000002200928e"
  ) { sampleFrame(.records).encode(into: &$0) },
  .init(
    "log frame batch",
    "484c4f47020203000100000000000000040000000000000002000000640000003c000000070000000068e5cf8b010000030000000000000009000000000000005f6699722e491ca100000000000000000657ab15"
  ) { sampleFrame(.batch).encode(into: &$0) },
  .init(
    "log frame cut",
    "484c4f47020303000100000000000000040000000000000002000000640000003c000000070000000068e5cf8b01000003000000000000000900000000000000771d13727da631c400000000000000001b527119"
  ) { sampleFrame(.cut).encode(into: &$0) },
  .init(
    "log frame rebuilt",
    "484c4f47020403000100000000000000040000000000000002000000640000003c000000070000000068e5cf8b0100000300000000000000090000000000000011a73c05622b612a000000000000000023183b66"
  ) { sampleFrame(.rebuilt).encode(into: &$0) },
  .init(
    "message envelope",
    "0300010138000000000000000100000000000000020000000000000003000000000000000400000000000000050000000000000006000000000000000700000000000000"
  ) {
    ReplicaMessage.envelope(
      Envelope(epoch: 1, number: 2, stamp: 3, committed: 4, previous: 5, checkpoint: Checkpoint(index: 6, digest: 7))
    ).encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message acknowledgement",
    "0300020620000000000000000100000000000000020000000000000003000000000000000400000000000000"
  ) {
    ReplicaMessage.acknowledgement(Acknowledgement(epoch: 1, durable: 2, number: 3, end: 4, missing: true, full: true))
      .encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message map",
    "030003012e00000000000000090000000000000001000000000000000800000000000000026e310100000000000000026e320200000000000000"
  ) {
    ReplicaMessage.map(
      MapRegister(
        revision: 9, entry: MapEntry(epoch: 1, primary: sampleReplica(1), follower: sampleReplica(2), proposal: 8))
    ).encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message compare",
    "030004002100000000000000010000000000000001000000000000000400000000000000050000000000000004"
  ) { ReplicaMessage.compare(sampleEnd).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message ends",
    "030005002100000000000000010000000000000001000000000000000400000000000000050000000000000004"
  ) { ReplicaMessage.ends(sampleEnd).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message cleared",
    "0300060008000000000000000100000000000000"
  ) { ReplicaMessage.cleared(epoch: 1).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message join",
    "030007002a00000000000000010000000000000001000100000000000000010000000000000004000000000000000500000000000000"
  ) {
    ReplicaMessage.join(
      JoinRequest(
        epoch: 1, table: [EpochEntry(epoch: 1, firstIndex: 1, lastIndex: 4, lastChain: 5)], wantsSnapshot: false)
    ).encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message joinAnswer",
    "03000800280000000000000001000000000000000200000000000000010000000000000004000000000000000500000000000000"
  ) {
    ReplicaMessage.joinAnswer(JoinAnswer(epoch: 1, number: 2, way: .cut(LogPosition(epoch: 1, index: 4, chain: 5))))
      .encode(shard: ShardID(3), into: &$0)
  },
  .init(
    "message goAlone",
    "0300090208000000000000000100000000000000"
  ) { ReplicaMessage.goAlone(epoch: 1, reason: .damaged).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message resign",
    "03000a0008000000000000000100000000000000"
  ) { ReplicaMessage.resign(epoch: 1).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message dispute",
    "03000b001800000000000000010000000000000006000000000000000700000000000000"
  ) { ReplicaMessage.dispute(epoch: 1, Checkpoint(index: 6, digest: 7)).encode(shard: ShardID(3), into: &$0) },
  .init(
    "message snapshotChunk",
    "03000c011c00000002000000010000000000000002000000000000000300000000000000020000000102"
  ) {
    ReplicaMessage.snapshotChunk(SnapshotChunk(epoch: 1, session: 2, offset: 3, byteCount: 2, isLast: true)).encode(
      shard: ShardID(3), into: &$0
    ) { $0.append(contentsOf: [1, 2]) }
  },
  .init(
    "message snapshotProgress",
    "03000d001800000000000000010000000000000002000000000000000300000000000000"
  ) {
    ReplicaMessage.snapshotProgress(SnapshotProgress(epoch: 1, session: 2, received: 3)).encode(
      shard: ShardID(3), into: &$0)
  },
  .init(
    "message ending",
    "03000e0108000000000000000100000000000000"
  ) { ReplicaMessage.ending(epoch: 1, isAnswer: true).encode(shard: ShardID(3), into: &$0) },
  .init(
    "admin request, status",
    "010100000003000400000000000000"
  ) { AdminRequest.status(digests: [.init(shard: ShardID(3), index: 4)]).encode(into: &$0) },
  .init(
    "admin request, drain",
    "0205000000010000000300"
  ) { AdminRequest.drain(shards: [ShardID(3)], deadline: 5).encode(into: &$0) },
  .init(
    "admin request, take over",
    "0305000000026e31010000000300"
  ) { AdminRequest.takeOver(dead: NodeName(Bytes("n1"))!, shards: [ShardID(3)], deadline: 5).encode(into: &$0) },
  .init(
    "admin request, accept loss",
    "0405000000010000000300"
  ) { AdminRequest.acceptLoss(shards: [ShardID(3)], deadline: 5).encode(into: &$0) },
  .init(
    "admin reply, status",
    "01026e31060000000000000001000000000000000200000002000100000003000301000000000000000200000000000000030000000000000004000000000000000104000000000000000500000000000000010172"
  ) { AdminReply.status(sampleStatus).encode(into: &$0) },
  .init(
    "admin reply, shards",
    "02010000000300030400000000000000026e6f"
  ) { AdminReply.shards([.init(shard: ShardID(3), result: .refused, epoch: 4, text: "no")]).encode(into: &$0) },
  .init(
    "admin reply, refused",
    "03026e6f"
  ) { AdminReply.refused("no").encode(into: &$0) },
]
