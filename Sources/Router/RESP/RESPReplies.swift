import EventLoop
import JSON
import Octets
import Plan
import Proto
import RESP
import RouterCore
import Time

/// What operations answer at the RESP door.
extension [UInt8] {
  mutating func putReply(_ result: CallResult, _ form: RESPWord.Reply, _ version: RESPVersion) {
    switch result {
    case .created, .released, .deleted: putSimple("OK")
    case .blocked(_, _, let changed): putInteger(Int64(changed))
    case .held(let event, let held, _, let seats, _):
      switch form {
      case .ok, .brief: putHeldReply(held)
      case .full:
        putArray(5)
        putHeldFields(held)
        putSeatLabels(seats, event)
      }
    case .hold(let event, let info):
      switch form {
      case .ok: putSimple("OK")
      case .brief, .full: putHold(event, info, nil, version)
      }
    case .order(let event, let order):
      switch form {
      case .ok: putSimple("OK")
      case .brief:
        putBulkHeader(byteCount: OrderID.textBytes)
        order.order.write(into: &self)
        putLineEnd()
      case .full: putHold(event, order.hold, order, version)
      }
    case .event(let event, let eventVersion, let counts):
      switch form {
      case .ok: putSimple("OK")
      case .brief, .full: putEventInfo(event, eventVersion, counts, version)
      }
    case .seat(let state, _):
      switch state {
      case .free: putBulk("free")
      case .held: putBulk("held")
      case .sold: putBulk("sold")
      case .notForSale: putBulk("closed")
      }
    case .refused(let refusal): putRefusal(refusal)
    case .placeGivenUp: putSimple("OK")
    case .place(let info): putPlace(info, nil, version)
    case .seats, .copy, .plan, .availability, .events, .orders, .holds, .queue:
      putError("ERR", "this door has no such answer")
    }
  }

  mutating func putHeldReply(_ held: Outcome.Held) {
    putArray(4)
    putHeldFields(held)
  }

  /// The hold's id, deadline, total and version.
  private mutating func putHeldFields(_ held: Outcome.Held) {
    putPiece(bytesMax: 128) { out in
      out.put("$34\r\n")
      held.id.write(into: &out)
      out.put("\r\n:")
      out.putDecimal(held.expiresAt.rawValue)
      out.put("\r\n:")
      out.putDecimal(held.total)
      out.put("\r\n:")
      out.putDecimal(Int64(clamping: held.version))
      out.put("\r\n")
    }
  }

  private mutating func putSeatLabels(_ seats: [SeatIndex], _ event: EventEntry) {
    putArray(seats.count)
    var label: [UInt8] = []
    for seat in seats {
      label.removeAll(keepingCapacity: true)
      event.index.writeLabel(seat, into: &label)
      putBulk(label.rawSpan)
    }
  }

  /// A place with the fields of the HTTP API; what is null there is nil here.
  ///
  /// - Parameter pass: of a buyer who is inside.
  mutating func putPlace(_ info: PlaceInfo, _ pass: [UInt8]?, _ version: RESPVersion) {
    let outlook = PlaceOutlook(info, at: wallClock())
    putMap(9, version)
    putField("place", Bytes(info.place.description))
    putField("event", info.queue.eventID)
    putField("state", Bytes(outlook.state.description))
    putBulk("number")
    if let position = info.position { putInteger(Int64(position) + 1) } else { putNull(version) }
    putBulk("ahead")
    if let ahead = outlook.ahead { putInteger(Int64(ahead)) } else { putNull(version) }
    putBulk("eta_seconds")
    if let eta = outlook.eta {
      putArray(2)
      putInteger(eta.lowerBound)
      putInteger(eta.upperBound)
    } else {
      putNull(version)
    }
    putField("refresh_after", outlook.refreshAfter)
    putBulk("pass")
    if let pass { putBulk(pass.rawSpan) } else { putNull(version) }
    putBulk("pass_expires_at")
    if info.state == .inside, let until = info.until {
      var text: [UInt8] = []
      Timestamp.write(until, into: &text)
      putBulk(text.rawSpan)
    } else {
      putNull(version)
    }
  }

  private mutating func putEventInfo(
    _ event: EventEntry, _ eventVersion: UInt64, _ counts: Availability, _ version: RESPVersion
  ) {
    let sum = counts.sum
    putMap(9, version)
    putBulk("name")
    putBulk(bytes: event.current.definition.name)
    putField("seats", Int64(event.seatCount))
    putField("free", Int64(sum.free))
    putField("held", Int64(sum.held))
    putField("sold", Int64(sum.sold))
    putField("version", Int64(clamping: eventVersion))
    putField("shard", Int64(event.shard.rawValue))
    // `seats` are seats; what is free, held, sold and not for sale are places too, as `total` is.
    putField("not_for_sale", Int64(sum.notForSale))
    putField("total", Int64(clamping: sum.total))
  }

  private mutating func putField(_ name: StaticString, _ value: Int64) {
    putBulk(name)
    putInteger(value)
  }

  private mutating func putField(_ name: StaticString, _ value: Bytes) {
    putBulk(name)
    putBulk(bytes: value)
  }

  private mutating func putField(_ name: StaticString, time: Stamp) {
    var text: [UInt8] = []
    Timestamp.write(time, into: &text)
    putField(name, Bytes(text))
  }

  /// A hold or order with the fields of the HTTP API.
  private mutating func putHold(_ event: EventEntry, _ info: HoldInfo, _ order: OrderInfo?, _ version: RESPVersion) {
    putMap(order == nil ? 9 : order?.reference.isEmpty == true ? 13 : 14, version)
    putField("hold", Bytes(info.hold.description))
    if let order {
      putField("order", Bytes(order.order.description))
      putField("status", Bytes(order.status.name.description))
      putField("created_at", time: order.createdAt)
      putField("pay_by", time: order.payBy)
      if !order.reference.isEmpty { putField("reference", order.reference) }
    }
    putField("event", event.id)
    putField("buyer", info.buyer)
    putBulk("seats")
    putSeatLabels(info.seats, event)
    putBulk("areas")
    putMap(info.areas.count, version)
    for area in info.areas {
      putBulk(bytes: event.areaName(area.area) ?? Bytes())
      putInteger(Int64(area.count))
    }
    putField("total", info.total)
    putField("currency", event.definition.currency)
    putField("expires_at", time: info.expiresAt)
    putField("version", Int64(clamping: info.version))
  }
}
