import Octets

/// PostgreSQL's own protocol, version 3, with prepared statements over the tables of `bench/lib/seats.sql`: for the
/// airline's transactions only. Each transaction is one statement and one round trip, and moves a reservation at once.
struct PostgresDoor: LoadDoor {
  let events: EventSet
  static var movesAtOnce: Bool { true }
  /// The server's own greeting, and the answer to the statements that are prepared.
  static var greetingReplies: Int { 2 }

  private static let statements: [(name: String, text: String)] = [
    // The letter tells this answer from an id.
    ("find", "select 'm' || coalesce(string_agg(seat::text, ','), '') from reservations where flight = $1::int"),
    (
      "new",
      """
      with made as (insert into reservations(flight, seat, customer) values ($1::int, $2::int, $3::bigint)
        on conflict (flight, seat) do nothing returning id),
      counted as (update flights set seats_left = seats_left - 1 where id = $1::int and exists (select 1 from made))
      select id from made
      """
    ),
    (
      "move",
      """
      update reservations r set seat = $2::int where r.id = $1::bigint
        and not exists (select 1 from reservations o where o.flight = r.flight and o.seat = $2::int) returning r.id
      """
    ),
    (
      "delete",
      """
      with gone as (delete from reservations where id = $1::bigint returning id, flight),
      counted as (update flights set seats_left = seats_left + 1 from gone where flights.id = gone.flight)
      select id from gone
      """
    ),
  ]

  func greet(into out: inout [UInt8]) {
    var body: [UInt8] = []
    body.add(UInt32(196_608))
    for word in ["user", "bench", "database", "postgres"] { body.addTerminated(word) }
    body.append(0)
    out.add(UInt32(body.count + 4))
    out.append(contentsOf: body)
    for statement in Self.statements {
      message(UInt8(ascii: "P"), &out) {
        $0.addTerminated(statement.name)
        $0.addTerminated(statement.text)
        $0.add(UInt16(0))
      }
    }
    message(UInt8(ascii: "S"), &out) { _ in }
  }

  mutating func write(_ action: Action, subject: [UInt8], into out: inout [UInt8]) {
    switch action {
    case .browse(let event): execute("find", [Array("\(event)".utf8)], &out)
    case .hold(let event, let seats, let buyer):
      execute("new", [Array("\(event)".utf8), Array("\(seats[0])".utf8), Array("\(buyer)".utf8)], &out)
    case .move(let seat): execute("move", [subject, Array("\(seat)".utf8)], &out)
    case .release: execute("delete", [subject], &out)
    case .createEvent, .checkout, .confirm:
      preconditionFailure("the airline's transactions ask for nothing of this kind")
    }
  }

  /// Bind, execute, sync: parameters and results as text.
  private func execute(_ statement: String, _ parameters: [[UInt8]], _ out: inout [UInt8]) {
    message(UInt8(ascii: "B"), &out) {
      $0.append(0)
      $0.addTerminated(statement)
      $0.add(UInt16(0))
      $0.add(UInt16(parameters.count))
      for parameter in parameters {
        $0.add(UInt32(parameter.count))
        $0.append(contentsOf: parameter)
      }
      $0.add(UInt16(0))
    }
    message(UInt8(ascii: "E"), &out) {
      $0.append(0)
      $0.add(UInt32(0))
    }
    message(UInt8(ascii: "S"), &out) { _ in }
  }

  private func message(_ kind: UInt8, _ out: inout [UInt8], _ write: (inout [UInt8]) -> Void) {
    out.append(kind)
    let start = out.count
    out.add(UInt32(0))
    write(&out)
    let length = UInt32(out.count - start)
    for offset in 0..<4 { out[start + offset] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * offset)) }
  }

  /// A reply is everything up to the next "ready for query".
  mutating func read(_ input: RawSpan) throws -> (reply: LoadReply, byteCount: Int)? {
    guard try Self.isWhole(input) else { return nil }
    var reply = LoadReply(kind: .refused, word: "TAKEN", subject: [])
    var at = 0
    while true {
      let kind = input.byte(at)
      let end = at + 1 + Int(input.bigEndian32(at + 1))
      let body = input.extracting((at + 5)..<end)
      at = end
      switch kind {
      case UInt8(ascii: "D") where body.byteCount > 6:
        // One column: the columns' count (2 bytes), its length (4), its text.
        let column = body.extracting(6..<body.byteCount)
        reply = LoadReply(kind: .ok, word: "", subject: [])
        if column.byte(0) == UInt8(ascii: "m") {
          reply.seatMap = seatMap(taken: column.extracting(1..<column.byteCount))
        } else {
          reply.subject = Bytes(column).array
        }
      case UInt8(ascii: "E"):
        let code = Self.code(body)
        // 23505: somebody else's transaction took the seat at the same moment.
        reply = LoadReply(kind: code == "23505" ? .refused : .error, word: code, subject: [])
      case UInt8(ascii: "Z"):
        return (reply, at)
      default: break
      }
    }
  }

  /// From the numbers of the seats that are taken, with commas.
  private func seatMap(taken: RawSpan) -> [UInt8] {
    var map = [UInt8](repeating: UInt8(ascii: "."), count: events.rows * events.seatsPerRow)
    var seat = 0
    for at in 0..<taken.byteCount {
      let byte = taken.byte(at)
      if byte >= 0x30, byte <= 0x39 { seat = min(seat * 10 + Int(byte - 0x30), map.count) }
      if byte == UInt8(ascii: ",") || at + 1 == taken.byteCount {
        if seat < map.count { map[seat] = UInt8(ascii: "h") }
        seat = 0
      }
    }
    return map
  }

  private static func isWhole(_ input: RawSpan) throws -> Bool {
    var at = 0
    while at + 5 <= input.byteCount {
      let length = Int(input.bigEndian32(at + 1))
      guard length >= 4, length <= 1 << 20 else { throw DecodeError.invalid(field: "message length") }
      let kind = input.byte(at)
      at += 1 + length
      if kind == UInt8(ascii: "Z") { return at <= input.byteCount }
    }
    return false
  }

  /// The SQLSTATE of an error: the field that begins with `C`.
  private static func code(_ body: RawSpan) -> String {
    var at = 0
    while at < body.byteCount, body.byte(at) != 0 {
      let start = at + 1
      var end = start
      while end < body.byteCount, body.byte(end) != 0 { end += 1 }
      if body.byte(at) == UInt8(ascii: "C") { return Bytes(body.extracting(start..<end)).description }
      at = end + 1
    }
    return "unknown"
  }
}

extension RawSpan {
  fileprivate func bigEndian32(_ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 << 8 | UInt32(byte(offset + $1)) }
  }
}

extension [UInt8] {
  fileprivate mutating func add<Number: FixedWidthInteger>(_ number: Number) {
    for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  fileprivate mutating func addTerminated(_ text: String) {
    append(contentsOf: text.utf8)
    append(0)
  }
}
