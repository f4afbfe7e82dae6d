import Octets
import Plan
import Proto
import RESP
import RouterCore
import Time

/// Refusals as the RESP door says them: an error whose first word is for programs.
extension [UInt8] {
  mutating func putRefusal(_ refusal: CallRefusal) {
    switch refusal {
    case .noSuchEvent: putError("NOEVENT", "no such event")
    case .noSuchHold: putError("NOHOLD", "no such hold")
    case .noSuchOrder: putError("NOORDER", "no such order")
    case .eventExists: putError("EXISTS", "the event exists")
    case .eventInUse(let holds, let orders):
      var text: [UInt8] = []
      text.putDecimal(Int64(holds))
      text.append(contentsOf: " holds ".utf8)
      text.putDecimal(Int64(orders))
      text.append(contentsOf: " orders".utf8)
      putError("INUSE", text.rawSpan)
    case .noSuchSeats(let labels): putLabels("NOSEAT", labels)
    case .repeatedSeat(let label): putError("ERR A seat is named more than once:", label.rawSpan)
    case .noSuchArea(let area): putError("ERR no such area:", area.rawSpan)
    case .noSuchCategory(let category): putError("ERR no such category:", category.rawSpan)
    case .noSuchPrice(let name, hint: _): putError("ERR no such category or area:", name.rawSpan)
    case .invalid(_, let detail): putError("ERR", Bytes(detail.description).rawSpan)
    case .notOnSale(nil): putError("NOTONSALE", "sales of the event are paused")
    case .notOnSale(let at?):
      var text = Array("the event is on sale from ".utf8)
      text.putDecimal(at.rawValue)
      putError("NOTONSALE", text.rawSpan)
    case .limitExceeded(let name, let limit):
      var text = Array(name.name.description.utf8)
      text.append(UInt8(ascii: " "))
      text.putDecimal(limit)
      putError("LIMIT", text.rawSpan)
    case .tooMany(let limit):
      var text = Array(limit.name.description.utf8)
      text.append(UInt8(ascii: " "))
      text.putDecimal(Int64(limit.value))
      putError("LIMIT", text.rawSpan)
    case .seatsTaken(let taken): putLabels("TAKEN", taken.map(\.label))
    case .soldOut(let area, let category):
      if let name = area ?? category { putError("SOLDOUT", name.rawSpan) } else { putError("SOLDOUT") }
    case .holdExpired: putError("EXPIRED", "the hold has ended")
    case .orderExpired: putError("EXPIRED", "the order has expired")
    case .checkedOut(let order):
      var text = Array("checked_out ".utf8)
      order.write(into: &text)
      putError("STATE", text.rawSpan)
    case .orderState(let status): putError("STATE", Bytes(status.name.description).rawSpan)
    case .keyReused: putError("KEYREUSED", "the key was used with another command")
    case .noWaitingRoom: putError("NOQUEUE", "the event has no waiting room")
    case .queueClosed(nil): putError("CLOSED", "nobody may join the queue any more")
    case .queueClosed(let at?):
      var text = Array("the queue opens at ".utf8)
      text.putDecimal(at.rawValue)
      putError("CLOSED", text.rawSpan)
    case .noSuchPlace: putError("NOPLACE", "no such place")
    case .placeLeft: putError("LEFT", "the place was given up, or its pass has ended")
    case .passRequired: putError("PASSREQUIRED", "the event has a waiting room")
    case .passExpired: putError("PASSEXPIRED", "the pass is not good any more")
    case .passForeign: putError("PASSFOREIGN", "this is no pass of this buyer for this event")
    case .unavailable: putError("TRYAGAIN", "nothing happened")
    case .diskFull: putError("TRYAGAIN", "nothing happened: the disk is full")
    case .unknown: putError("UNKNOWN", "it may have happened: ask again with the same KEY")
    }
  }

  /// `-TAKEN Stalls-A-1 Stalls-A-2`: spaces in a label are percent-encoded, and percent signs so that it can be undone.
  mutating func putLabels(_ code: StaticString, _ labels: [Bytes]) {
    append(UInt8(ascii: "-"))
    putText(code)
    for label in labels {
      append(UInt8(ascii: " "))
      for byte in label.array {
        switch byte {
        case UInt8(ascii: " "): putText("%20")
        case UInt8(ascii: "%"): putText("%25")
        case 0..<0x20, 0x7F: append(UInt8(ascii: "?"))
        default: append(byte)
        }
      }
    }
    putLineEnd()
  }
}

extension Refusal.LimitName {
  /// As the API writes it.
  var name: StaticName {
    switch self {
    case .maxPerOrder: "max_per_order"
    case .maxPerBuyer: "max_per_buyer"
    case .holdLength: "hold_length"
    case .shardCapacity: "shard_capacity"
    case .maxHoldTTL: "max_hold_ttl"
    case .priceChanges: "price_changes"
    case .blockedPlaces: "blocked_places"
    }
  }
}
