import JSON
import Octets
import Proto

/// `waiting_room` of an event, as it is created or changed, and as it is said.
enum WaitingRoomDocument {
  static let fields = JSONFields(
    "opens_at", "starts_at", "order", "admit_per_minute", "max_inside", "pass_ttl", "claim_ttl", "leave_after")

  /// What is null is as if the room had been made without it.
  static func read(_ reader: inout JSONReader) throws(JSONError) -> WaitingRoomChange {
    var change = WaitingRoomChange()
    let made = WaitingRoom()
    var object = try reader.beginObject()
    while let field = try reader.nextField(fields, &object) {
      let isNull = try reader.nullIfNext()
      switch field {
      case 0: change.opensAt = isNull ? .remove : .set(try reader.time())
      case 1: change.startsAt = isNull ? .remove : .set(try reader.time())
      case 2: change.order = isNull ? made.order : try order(&reader)
      case 3:
        change.admitPerMinute =
          isNull ? made.admitPerMinute : UInt32(try reader.integer(in: 0...Int64(WaitingRoom.admitPerMinuteMax)))
      case 4: change.maxInside = isNull ? .remove : .set(UInt32(try reader.integer(in: 1...Int64(UInt32.max))))
      case 5: change.passTTL = isNull ? made.passTTL : UInt32(try reader.integer(in: 10...86_400))
      case 6: change.claimTTL = isNull ? made.claimTTL : UInt32(try reader.integer(in: 5...86_400))
      default: change.leaveAfter = isNull ? made.leaveAfter : UInt32(try reader.integer(in: 5...86_400))
      }
    }
    return change
  }

  private static func order(_ reader: inout JSONReader) throws(JSONError) -> WaitingRoom.Order {
    let name = Bytes(try reader.string())
    guard let order = WaitingRoom.Order.allCases.first(where: { Self.name($0).utf8.elementsEqual(name.array) }) else {
      throw .refused("an order is shuffle or fifo", at: reader.valueStart)
    }
    return order
  }

  private static func name(_ order: WaitingRoom.Order) -> String {
    switch order {
    case .shuffle: "shuffle"
    case .fifo: "fifo"
    }
  }

  static func write(_ room: WaitingRoom, into out: inout [UInt8]) {
    out.putJSON("{\"opens_at\":")
    out.put(room.opensAt) { $0.putJSONTime($1) }
    out.putJSON(",\"starts_at\":")
    out.put(room.startsAt) { $0.putJSONTime($1) }
    out.putJSON(",\"order\":\"")
    out.append(contentsOf: name(room.order).utf8)
    out.putJSON("\",\"admit_per_minute\":")
    out.putJSON(room.admitPerMinute)
    out.putJSON(",\"max_inside\":")
    out.put(room.maxInside) { $0.putJSON($1) }
    out.putJSON(",\"pass_ttl\":")
    out.putJSON(room.passTTL)
    out.putJSON(",\"claim_ttl\":")
    out.putJSON(room.claimTTL)
    out.putJSON(",\"leave_after\":")
    out.putJSON(room.leaveAfter)
    out.append(0x7D)
  }
}
