import Octets
import Proto
import TestKit

/// One kind of message: how to make one, and how to read it and write it again.
struct Codec: Sendable {
  var name: String
  var make: @Sendable (inout SeededRandom) -> [UInt8]
  /// Reads all of the bytes and writes what it read; throws what the decoder throws.
  var read: @Sendable (RawSpan) throws -> [UInt8]
}

/// Reads a value that must take up all bytes.
private func whole<T>(_ span: RawSpan, _ read: (inout ByteReader) throws -> T) throws -> T {
  var reader = ByteReader(span)
  let value = try read(&reader)
  try reader.finish()
  return value
}

private func written(_ write: (inout [UInt8]) -> Void) -> [UInt8] {
  var out: [UInt8] = []
  write(&out)
  return out
}

let codecs: [Codec] = [
  Codec(
    name: "command",
    make: { random in
      written { random.command().encode(key: random.bytes(0...20), keyIsFromRouter: random.chance(50), into: &$0) }
    },
    read: { span in
      var reader = ByteReader(span)
      let record = try CommandRecord(decoding: &reader)
      try reader.finish()
      _ = record.argumentsHash
      if record.kind == .hold {
        let view = try HoldView(decoding: record.body)
        for place in 0..<view.seatCount { _ = view.seat(place) }
        for place in 0..<view.areaCount { _ = view.area(place) }
      }
      let command = try Command(decoding: record)
      return written { command.encode(key: Bytes(record.key), keyIsFromRouter: record.keyIsFromRouter, into: &$0) }
    }),
  Codec(
    name: "definition", make: { random in written { random.definition().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try EventDefinition(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "outcome", make: { random in written { random.outcome().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try Outcome(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "query", make: { random in written { random.query().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try Query(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "answer", make: { random in written { random.answer().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try Answer(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "feed", make: { random in written { random.feed().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try FeedUpdate(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "reply", make: { random in written { random.reply().encode(id: random.half(), into: &$0) } },
    read: { span in
      let value = try whole(span) { try Reply.decode(&$0) }
      return written { value.reply.encode(id: value.id, into: &$0) }
    }),
  Codec(
    name: "request",
    make: { random in
      written {
        if random.chance(50) {
          Request.encodeHeader(id: random.half(), what: .command, into: &$0)
          random.command().encode(key: random.bytes(0...9), into: &$0)
        } else {
          Request.encodeHeader(id: random.half(), what: .query, into: &$0)
          random.query().encode(into: &$0)
        }
      }
    },
    read: { span in
      var reader = ByteReader(span)
      let request = try Request(decoding: &reader)
      var out: [UInt8] = []
      Request.encodeHeader(id: request.id, what: request.what, into: &out)
      switch request.what {
      case .command:
        let record = try CommandRecord(decoding: &reader)
        out.put(record.bytes)
      case .query: try Query(decoding: &reader).encode(into: &out)
      }
      try reader.finish()
      return out
    }),
  Codec(
    name: "router hello",
    make: { random in
      written {
        RouterHello(
          cluster: random.word(), router: random.word(), connection: random.word(), loop: random.quarter()
        ).encode(into: &$0)
      }
    },
    read: { span in
      let value = try whole(span) { try RouterHello(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "node hello",
    make: { random in
      written {
        NodeHello(
          node: random.bytes(0...9), shardCount: random.quarter(), loopCount: .random(in: 1...256, using: &random)
        ).encode(
          into: &$0)
      }
    },
    read: { span in
      let value = try whole(span) { try NodeHello(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "wire frame",
    make: { random in
      written { out in
        let kinds = WireFrame.Kind.allCases
        let kind = kinds[Int(random.next() % UInt64(kinds.count))]
        let body = random.bytes(0...min(40, kind.bodyBytesMax))
        WireFrame.encode(kind, shard: ShardID(random.quarter()), into: &out) {
          $0.append(contentsOf: body.array)
        }
      }
    },
    read: { span in
      let frame = try WireFrame(header: span)
      let body = try frame.body(of: span)
      guard span.byteCount == WireFrame.headerBytes + body.byteCount else {
        throw DecodeError.trailing(byteCount: span.byteCount)
      }
      return written { out in WireFrame.encode(frame.kind, shard: frame.shard, into: &out) { $0.put(body) } }
    }),
  Codec(
    name: "log frame", make: { random in written { random.logFrame().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try LogFrame(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "replica id", make: { random in written { random.replica().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try ReplicaID(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "peer message",
    make: { random in
      let (message, payload) = random.replicaMessage()
      return written { out in
        message.encode(shard: ShardID(random.quarter()), into: &out) { $0.append(contentsOf: payload) }
      }
    },
    read: { span in
      var reader = ByteReader(span)
      let item = try PeerItem(decoding: &reader)
      try reader.finish()
      let payload = item.payload
      return written { out in item.message.encode(shard: item.shard, into: &out) { $0.put(payload) } }
    }),
  Codec(
    name: "admin request", make: { random in written { random.adminRequest().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try AdminRequest(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "admin reply", make: { random in written { random.adminReply().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try AdminReply(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "epoch start",
    make: { random in
      written {
        EpochStart(epoch: random.word(), firstIndex: random.word(), chainBefore: random.word()).encode(into: &$0)
      }
    },
    read: { span in
      let value = try whole(span) { try EpochStart(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "log end",
    make: { random in
      written {
        LogEnd(index: random.word(), epoch: random.word(), chain: random.word(), stamp: random.time()).encode(into: &$0)
      }
    },
    read: { span in
      let value = try whole(span) { try LogEnd(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
  Codec(
    name: "hold id", make: { random in written { random.hold().encode(into: &$0) } },
    read: { span in
      let value = try whole(span) { try HoldID(decoding: &$0) }
      return written { value.encode(into: &$0) }
    }),
]
