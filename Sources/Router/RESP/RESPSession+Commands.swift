import EventLoop
import JSON
import Octets
import Plan
import Proto
import RESP
import RouterCore
import Time

/// What the words of a command mean.
extension RESPSession {
  /// Executes the command that the parser found, which is all of `input`.
  func execute(_ input: RawSpan) {
    let named = RESPCommand(parser.argument(0, in: input))
    if transaction != nil, queue(named, input) { return }
    loop.metrics.respCommands &+= 1
    guard let command = named else { return unknown(input) }
    let count = parser.argumentCount
    let arity = Int(command.arity)
    guard arity >= 0 ? count == arity : count >= -arity else { return wrongCount(command) }
    if let operation = command.word.operation {
      switch operation.verdict {
      case .allowed: break
      }
      if let absence = loop.absence { return fail(command, absence) }
    }
    switch command {
    case .hold: hold(command, input)
    case .holdArea: holdArea(command, input)
    case .holdBest: holdBest(command, input)
    case .eventCreate: createEvent(command, input)
    case .eventSet: setEvent(command, input)
    case .eventDelete: deleteEvent(command, input)
    case .eventBlock: block(command, input, isBlocked: true)
    case .eventUnblock: block(command, input, isBlocked: false)
    case .eventInfo: withEventID(input) { start(command, .event($0)) }
    case .seats:
      withEventID(input) { start(command, .seats($0)) }
      // A large map for each of a thousand commands would wait here.
      takeNothingUntilReplied()
    case .seat: withEventID(input) { start(command, .seat($0, label: Bytes(parser.argument(2, in: input)))) }
    case .queueJoin: joinQueue(command, input)
    case .queueInfo: lookUp(command, input, .place) { (id: PlaceID) in .place(id) }
    case .holdInfo: lookUp(command, input, .hold) { (id: HoldID) in .hold(id) }
    case .orderInfo: lookUp(command, input, .order) { (id: OrderID) in .order(id) }
    case .extend: extend(command, input)
    case .release: keyed(command, input, .hold) { (id: HoldID) in .onHold(id, .release) }
    case .checkout: checkout(command, input)
    case .confirm: keyed(command, input, .order) { (id: OrderID) in .onOrder(id, .confirm) }
    case .cancel: keyed(command, input, .order) { (id: OrderID) in .onOrder(id, .cancel) }
    case .ping: ping(input)
    case .echo: echo(input)
    case .hello: hello(input)
    case .auth: auth(input)
    case .select: select(input)
    case .reset: reset()
    case .quit: quit()
    case .command: describe(input)
    case .client: client(input)
    case .config: config(input)
    case .info: info(input)
    case .cluster, .readonly, .readwrite: fail("This instance has cluster support disabled")
    case .multi: multi()
    case .exec: exec()
    case .discard: discard()
    case .watch: watch()
    case .unwatch: unwatch()
    }
  }

  // MARK: Refusals without a shard

  func fail(_ text: StaticString) { reply(takeNumber()) { $0.putError("ERR", text) } }
  func fail(_ refusal: CallRefusal) { reply(takeNumber()) { $0.putRefusal(refusal) } }
  func fail(_ wanted: BadID, _ sent: RawSpan) {
    let sentence = wanted.sentence(Bytes(sent))
    reply(takeNumber()) { out in
      switch wanted {
      case .event: out.putError("NOEVENT", sentence.rawSpan)
      case .hold: out.putError("NOHOLD", sentence.rawSpan)
      case .order: out.putError("NOORDER", sentence.rawSpan)
      case .place: out.putError("NOPLACE", sentence.rawSpan)
      }
    }
  }
  /// As every refusal that goes away by itself.
  private func fail(_ command: RESPCommand, _ absence: ClusterAbsence) {
    loop.metrics.countRESP(command, isError: true, since: engine.nowNanoseconds, now: engine.nowNanoseconds)
    let why = absence.detail
    reply(takeNumber()) { $0.putError("TRYAGAIN", why.rawSpan) }
  }
  func wrongCount(_ command: RESPCommand) { reply(takeNumber()) { $0.putWrongCount(command) } }

  func fail(_ text: String) {
    let bytes = Bytes(text)
    reply(takeNumber()) { $0.putError("ERR", bytes.rawSpan) }
  }

  /// In Redis's words, which clients compare. What Redis has and this is not for is told why.
  func unknown(_ input: RawSpan) {
    let word = parser.argument(0, in: input)
    var text = Array("unknown command '".utf8)
    text.append(contentsOf: Bytes(word).array.prefix(128))
    text.append(contentsOf: "', with args beginning with: ".utf8)
    let start = text.count
    for place in 1..<max(1, parser.argumentCount) where text.count - start < 128 {
      let room = 128 - (text.count - start)
      text.append(UInt8(ascii: "'"))
      text.append(contentsOf: Bytes(parser.argument(place, in: input)).array.prefix(room))
      text.append(contentsOf: "' ".utf8)
    }
    if let why = RESPAbsence.reason(word) { text.append(contentsOf: why.description.utf8) }
    reply(takeNumber()) { $0.putError("ERR", text.rawSpan) }
  }

  // MARK: Arguments

  /// The idempotency key, if the last word but one is KEY; and how many words there are without it.
  ///
  /// - Returns: nil if there are too few or too many words, or the key is not 1 to 255 printable ASCII characters (a
  ///   reply was given).
  private func key(_ command: RESPCommand, _ input: RawSpan) -> (words: Int, key: Bytes)? {
    var words = parser.argumentCount
    var key = Bytes()
    if words >= 4, parser.argument(words - 2, in: input).isWord("KEY") {
      let word = parser.argument(words - 1, in: input)
      guard word.isIdempotencyKey else {
        fail("a KEY is 1 to 255 printable ASCII characters")
        return nil
      }
      (words, key) = (words - 2, Bytes(word))
    }
    guard command.takes(words: words) else {
      wrongCount(command)
      return nil
    }
    return (words, key)
  }

  /// The pass, if the last word but one is PASS, and how many words there are without it.
  private func pass(_ words: Int, least: Int, _ input: RawSpan) -> (words: Int, token: Bytes) {
    guard words >= least + 2, parser.argument(words - 2, in: input).isWord("PASS") else { return (words, Bytes()) }
    return (words - 2, Bytes(parser.argument(words - 1, in: input)))
  }

  private func seconds(_ word: RawSpan) -> UInt32? {
    guard let value = word.decimal, value >= 1 else {
      fail("seconds is a number from 1")
      return nil
    }
    // How long a hold may be is its event's to say.
    return UInt32(clamping: value)
  }

  private func count(_ word: RawSpan) -> UInt32? {
    guard let value = word.decimal, (1...Int64(HoldView.seatsMax)).contains(value) else {
      fail("count is a number from 1 to 65535")
      return nil
    }
    return UInt32(value)
  }

  private func isBuyer(_ word: RawSpan) -> Bool {
    if Names.isName(word) { return true }
    fail("a buyer is 1 to 128 bytes of printable UTF-8")
    return false
  }

  private func withEventID(_ input: RawSpan, _ body: (Bytes) -> Void) {
    let id = parser.argument(1, in: input)
    guard Names.isEventID(id) else { return fail(.event, id) }
    body(Bytes(id))
  }

  private func lookUp<ID: ShardedID>(
    _ command: RESPCommand, _ input: RawSpan, _ wanted: BadID, _ body: (ID) -> Operation
  ) {
    let text = parser.argument(1, in: input)
    guard let id = ID(text: text) else { return fail(wanted, text) }
    start(command, body(id))
  }

  private func keyed<ID: ShardedID>(
    _ command: RESPCommand, _ input: RawSpan, _ wanted: BadID, _ body: (ID) -> Operation
  ) {
    guard let (_, key) = key(command, input) else { return }
    let text = parser.argument(1, in: input)
    guard let id = ID(text: text) else { return fail(wanted, text) }
    start(command, body(id), key: key)
  }

  // MARK: Commands

  private func hold(_ command: RESPCommand, _ input: RawSpan) {
    guard let (allWords, key) = key(command, input) else { return }
    let (words, token) = pass(allWords, least: 5, input)
    guard let ttl = seconds(parser.argument(3, in: input)) else { return }
    let buyer = parser.argument(2, in: input)
    let eventID = parser.argument(1, in: input)
    if words == 5, token.isEmpty,
      let plain = engine.plainHold(of: eventID, buyer: buyer, seat: parser.argument(4, in: input))
    {
      let hold = QuickHold(plain, owner: self, number: takeNumber(), startedAt: engine.nowNanoseconds)
      return engine.start(hold, buyer: buyer, ttl: ttl, key: key.rawSpan)
    }
    guard isBuyer(buyer) else { return }
    var labels: [Bytes] = []
    for word in 4..<words { labels.append(Bytes(parser.argument(word, in: input))) }
    reserve(command, eventID, buyer, ttl, .named(seats: labels, areas: []), token, key)
  }

  private func reserve(
    _ command: RESPCommand, _ eventID: RawSpan, _ buyer: RawSpan, _ ttl: UInt32, _ choice: Reservation.Choice,
    _ token: Bytes, _ key: Bytes
  ) {
    guard Names.isEventID(eventID) else { return fail(.event, eventID) }
    var reservation = Reservation(event: Bytes(eventID), buyer: Bytes(buyer), ttl: ttl, choice: choice)
    if !token.isEmpty {
      do throws(PassBook.Fault) {
        reservation.pass = try loop.passes.place(
          of: token, event: reservation.event, buyer: reservation.buyer, context.passKeys, at: wallClock())
      } catch {
        switch error {
        case .foreign: return fail(.passForeign)
        case .expired: return fail(.passExpired)
        }
      }
    }
    start(command, .reserve(reservation), key: key)
  }

  private func joinQueue(_ command: RESPCommand, _ input: RawSpan) {
    guard let (_, key) = key(command, input) else { return }
    let buyer = Bytes(parser.argument(2, in: input))
    guard isBuyer(buyer.rawSpan) else { return }
    withEventID(input) { start(command, .onQueue($0, .join(buyer: buyer)), key: key) }
  }

  private func holdBest(_ command: RESPCommand, _ input: RawSpan) {
    guard let (allWords, key) = key(command, input) else { return }
    let (words, token) = pass(allWords, least: 5, input)
    var category: Bytes?
    if words == 7, parser.argument(5, in: input).isWord("CATEGORY") {
      category = Bytes(parser.argument(6, in: input))
    } else if words != 5 {
      return wrongCount(command)
    }
    guard let ttl = seconds(parser.argument(3, in: input)), isBuyer(parser.argument(2, in: input)),
      let count = count(parser.argument(4, in: input))
    else { return }
    reserve(
      command, parser.argument(1, in: input), parser.argument(2, in: input), ttl,
      .best(count: count, category: category), token, key)
  }

  private func holdArea(_ command: RESPCommand, _ input: RawSpan) {
    guard let (allWords, key) = key(command, input) else { return }
    let (words, token) = pass(allWords, least: 6, input)
    guard words == 6 else { return wrongCount(command) }
    let buyer = parser.argument(2, in: input)
    guard let ttl = seconds(parser.argument(3, in: input)), isBuyer(buyer) else { return }
    guard let count = parser.argument(5, in: input).decimal, (1...Int64(UInt32.max)).contains(count) else {
      return fail("count is a number from 1")
    }
    let plain = engine.plainHold(
      of: parser.argument(1, in: input), buyer: buyer, area: parser.argument(4, in: input), count: UInt32(count))
    if token.isEmpty, let plain {
      let hold = QuickHold(plain, owner: self, number: takeNumber(), startedAt: engine.nowNanoseconds)
      return engine.start(hold, buyer: buyer, ttl: ttl, key: key.rawSpan)
    }
    let area = Reservation.NamedCount(area: Bytes(parser.argument(4, in: input)), count: UInt32(count))
    reserve(
      command, parser.argument(1, in: input), parser.argument(2, in: input), ttl, .named(seats: [], areas: [area]),
      token, key)
  }

  private func extend(_ command: RESPCommand, _ input: RawSpan) {
    guard let (_, key) = key(command, input) else { return }
    let id = parser.argument(1, in: input)
    guard let hold = HoldID(text: id) else { return fail(.hold, id) }
    guard let ttl = seconds(parser.argument(2, in: input)) else { return }
    start(command, .onHold(hold, .extend(ttl: ttl)), key: key)
  }

  private func checkout(_ command: RESPCommand, _ input: RawSpan) {
    guard let (words, key) = key(command, input) else { return }
    var reference = Bytes()
    if words == 4, parser.argument(2, in: input).isWord("REFERENCE") {
      reference = Bytes(parser.argument(3, in: input))
      guard Names.isName(reference.rawSpan) else { return fail("a reference is 1 to 128 bytes of printable UTF-8") }
    } else if words != 2 {
      return wrongCount(command)
    }
    let id = parser.argument(1, in: input)
    guard let hold = HoldID(text: id) else { return fail(.hold, id) }
    start(command, .onHold(hold, .checkout(secret: 0, reference: reference)), key: key)
  }

  private func deleteEvent(_ command: RESPCommand, _ input: RawSpan) {
    guard let (words, key) = key(command, input) else { return }
    let isForced = words == 3 && parser.argument(2, in: input).isWord("FORCE")
    guard words == 2 || isForced else { return wrongCount(command) }
    withEventID(input) { start(command, .deleteEvent($0, isForced: isForced), key: key) }
  }

  private func block(_ command: RESPCommand, _ input: RawSpan, isBlocked: Bool) {
    guard let (words, key) = key(command, input) else { return }
    withEventID(input) { id in
      let seats = (2..<words).map { Bytes(parser.argument($0, in: input)) }
      start(command, .blockSeats(id, seats: seats, areas: [], isBlocked: isBlocked), key: key)
    }
  }

  /// Fields and values become the body of the HTTP call, whose reader knows the rules.
  private func setEvent(_ command: RESPCommand, _ input: RawSpan) {
    guard let (words, key) = key(command, input) else { return }
    guard words % 2 == 0 else { return wrongCount(command) }
    let id = parser.argument(1, in: input)
    guard Names.isEventID(id) else { return fail(.event, id) }
    let pairs = stride(from: 2, to: words, by: 2).map {
      (Bytes(parser.argument($0, in: input)), Bytes(parser.argument($0 + 1, in: input)))
    }
    for (field, value) in pairs where !isUTF8(field.rawSpan) || !isUTF8(value.rawSpan) {
      let name: [UInt8] = isUTF8(field.rawSpan) ? field.array + Array(": ".utf8) : []
      return reply(takeNumber()) { $0.putError("ERR", (name + Array("text is UTF-8, this is not".utf8)).rawSpan) }
    }
    let body = Self.termsBody(pairs)
    do throws(PlanError) {
      start(command, .setEvent(Bytes(id), try TermsDocument.parse(body.rawSpan)), key: key)
    } catch {
      let detail = Array(error.detail.utf8)
      let text = error.field.isEmpty ? detail : error.field.array + Array(": ".utf8) + detail
      reply(takeNumber()) { $0.putError("ERR", text.rawSpan) }
    }
  }

  /// Numbers, `true`, `false` and `null` stand as they are, texts are quoted; `price.NAME` is a member of `prices`.
  static func termsBody(_ pairs: [(field: Bytes, value: Bytes)]) -> [UInt8] {
    var (terms, prices): ([UInt8], [UInt8]) = ([], [])
    for (field, value) in pairs {
      let isPrice = field.array.starts(with: "price.".utf8)
      let name = isPrice ? Bytes(Array(field.array.dropFirst(6))) : field
      var member: [UInt8] = []
      member.putJSONString(name.rawSpan)
      member.append(UInt8(ascii: ":"))
      let isText = !isPrice && (name == "name" || name == "venue")
      let isWord = ["true", "false"].contains { value.array.elementsEqual($0.utf8) }
      if value == "null" || !isText && (isWord || value.rawSpan.decimal != nil) {
        member.append(contentsOf: value.array)
      } else {
        member.putJSONString(value.rawSpan)
      }
      if isPrice {
        prices += (prices.isEmpty ? [] : [UInt8(ascii: ",")]) + member
      } else {
        terms += (terms.isEmpty ? [] : [UInt8(ascii: ",")]) + member
      }
    }
    if !prices.isEmpty {
      terms += Array((terms.isEmpty ? "" : ",").utf8) + Array("\"prices\":{".utf8) + prices + [0x7D]
    }
    return [0x7B] + terms + [0x7D]
  }

  private func createEvent(_ command: RESPCommand, _ input: RawSpan) {
    let id = parser.argument(1, in: input)
    guard Names.isEventID(id) else { return fail("an event id has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -") }
    let section = parser.argument(2, in: input)
    guard Names.isName(section), !section.beginsWithNumberSign else {
      return fail("a section is 1 to 128 bytes of printable UTF-8 and does not begin with #")
    }
    guard let rows = parser.argument(3, in: input).decimal, let perRow = parser.argument(4, in: input).decimal,
      rows > 0, perRow > 0
    else { return fail("rows and seats-per-row are numbers from 1") }
    guard rows <= Int64(EventLimit.rows.value) else { return fail(.tooMany(.rows)) }
    guard perRow <= Int64(EventLimit.seats.value) / rows else { return fail(.tooMany(.seats)) }
    guard let price = parser.argument(5, in: input).decimal, (0...maxPrice).contains(price) else {
      return fail("a price is a number from 0 to 100000000000")
    }
    let definition = EventDefinition(
      id: Bytes(id), name: Bytes(id),
      categories: [EventDefinition.Category(name: Bytes(section), price: price)],
      sections: [
        EventDefinition.Section(
          name: Bytes(section),
          rows: .grid(rows: UInt32(rows), seatsPerRow: UInt32(perRow), category: CategoryIndex(0)))
      ])
    let last = PlanIndex(definition).label(SeatIndex(UInt32(rows * perRow - 1)))
    guard last.count <= Names.labelBytesMax else { return fail("the last seat's label would be over 64 bytes") }
    start(command, .createEvent(NewEvent(definition)))
  }
}

extension RawSpan {
  /// 1 to 255 printable ASCII characters.
  var isIdempotencyKey: Bool {
    guard (1...255).contains(byteCount) else { return false }
    for offset in 0..<byteCount {
      // Safe: the offset is below the count.
      let byte = unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if byte < 0x20 || byte > 0x7E { return false }
    }
    return true
  }
}

extension [UInt8] {
  mutating func putWrongCount(_ command: RESPCommand) {
    var text = Array("wrong number of arguments for '".utf8)
    text.append(contentsOf: command.name.description.lowercased().utf8)
    text.append(contentsOf: "' command".utf8)
    // Of its own commands Redis says no more, and some clients compare the whole text.
    if command.word.group == .holdfast {
      text.append(contentsOf: ": ".utf8)
      text.append(contentsOf: command.name.description.utf8)
      text.append(UInt8(ascii: " "))
      text.append(contentsOf: command.usage.utf8)
    }
    putError("ERR", text.rawSpan)
  }
}
