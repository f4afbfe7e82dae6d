import Octets
import Proto
import RESP

/// The TCP door, or a Redis server given a command of one's own.
struct RESPDoor: LoadDoor {
  let events: EventSet
  /// What a hold is: `HOLD` with its seats, or a command of one's own for one seat.
  private let holds: CommandTemplate
  private let isOwnCommand: Bool
  /// The events' ids.
  private let names: [[UInt8]]

  /// - Parameter template: words of a command to send instead of `HOLD`; none: `HOLD`.
  init(events: EventSet, template: [String] = []) {
    self.events = events
    isOwnCommand = !template.isEmpty
    holds = CommandTemplate(template.isEmpty ? ["HOLD", "{event}", "{buyer}", "600", "#{seat}"] : template)
    names = (0..<events.count).map { Array(events.name($0).utf8) }
  }

  mutating func write(_ action: Action, subject: [UInt8], into out: inout [UInt8]) {
    let id = String(decoding: subject, as: UTF8.self)
    switch action {
    case .createEvent(let index):
      command(["EVENT.CREATE", events.name(index), "Main", "\(events.rows)", "\(events.seatsPerRow)", "4500"], &out)
    case .browse(let event): command(["SEATS", events.name(event)], &out)
    case .hold(let event, let seats, let buyer):
      holds.write(event: names[event], seats: seats, buyer: buyer, repeatsLastWord: !isOwnCommand, into: &out)
    case .checkout: command(["CHECKOUT", id], &out)
    case .confirm: command(["CONFIRM", id], &out)
    case .move: preconditionFailure("a move is a hold and a release at this door")
    case .release: command(["RELEASE", id], &out)
    }
  }

  private func command(_ words: [String], _ out: inout [UInt8]) {
    out.add("*\(words.count)\r\n")
    for word in words { bulk(word, &out) }
  }

  private func bulk(_ word: String, _ out: inout [UInt8]) {
    out.add("$\(word.utf8.count)\r\n")
    out.add(word)
    out.add("\r\n")
  }

  mutating func read(_ input: RawSpan) throws -> (reply: LoadReply, byteCount: Int)? {
    guard let length = try RESPReply.length(input) else { return nil }
    switch input.byte(0) {
    case UInt8(ascii: "-"):
      var word = ""
      var at = 1
      while at < length, input.byte(at) > 0x20 {
        word.unicodeScalars.append(Unicode.Scalar(input.byte(at)))
        at += 1
      }
      return (LoadReply(kind: Self.refusals.contains(word) ? .refused : .error, word: word, subject: []), length)
    default:
      let whole = input.extracting(0..<length)
      var reply = LoadReply(kind: .ok, word: "", subject: subject(in: whole))
      if events.keepsMaps, reply.subject.isEmpty { reply.seatMap = seatMap(in: whole) }
      return (reply, length)
    }
  }

  /// The seats in the reply to `SEATS`: of each section, row and seats, the last.
  private func seatMap(in reply: RawSpan) -> [UInt8] {
    var map: [UInt8] = []
    var words = 0
    var at = 0
    while at < reply.byteCount {
      let kind = reply.byte(at)
      at += 1
      var number = 0
      while at < reply.byteCount, reply.byte(at) != 0x0D {
        number = number &* 10 &+ Int(reply.byte(at) &- 0x30)
        at += 1
      }
      at += 2
      guard kind == UInt8(ascii: "$") else { continue }
      guard number >= 0, at + number <= reply.byteCount else { break }
      words += 1
      if words % 3 == 0 { map += Bytes(reply.extracting(at..<(at + number))).array }
      at += number + 2
    }
    return map
  }

  /// The first `h_…` or `o_…` in a reply.
  private func subject(in reply: RawSpan) -> [UInt8] {
    var at = 0
    while at + HoldID.textBytes <= reply.byteCount, at < 24 {
      let letter = reply.byte(at)
      if letter == HoldID.letter || letter == OrderID.letter, reply.byte(at + 1) == UInt8(ascii: "_") {
        return Bytes(reply.extracting(at..<(at + HoldID.textBytes))).array
      }
      at += 1
    }
    return []
  }

  static let refusals: Set<String> = [
    "TAKEN", "SOLDOUT", "NOEVENT", "NOSEAT", "NOHOLD", "NOORDER", "EXPIRED", "STATE", "EXISTS", "NOTONSALE", "LIMIT",
    "KEYREUSED",
  ]
}
