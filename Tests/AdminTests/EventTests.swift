import Admin
import ClusterMap
import Foundation
import Octets
import Plan
import Testing

@Suite struct EventTests {
  @Test func createWritesWhatTheAPITakes() async throws {
    let router = PretendRouter { _ in (201, #"{"id":"gala"}"#) }
    let ran = await holdfast(
      "event", "create", "gala", "--name", "Gala \"Night\"", "--section", "Stalls=20x30:4500", "--area",
      "Floor=5000:3500",
      "--hold-ttl", "60", "--max-per-buyer", "4", "--http", router.address)
    #expect(ran.code == 0, "\(ran.error)")
    #expect(ran.out == "created gala\n")
    #expect(router.calls.first?.line == "POST /v1/events")
    #expect(
      router.calls.first?.body == """
        {"id":"gala","name":"Gala \\"Night\\"","hold_ttl":60,"max_per_buyer":4,\
        "areas":[{"name":"Floor","capacity":5000,"price":3500}],\
        "sections":[{"name":"Stalls","rows":20,"seats_per_row":30,"price":4500}]}
        """)
    // And the API's own reader takes it.
    let body = Bytes(router.calls.first?.body ?? "")
    #expect(throws: Never.self) { _ = try EventDocument.parse(body.rawSpan) }
  }

  @Test func refusalsAreTheirs() async throws {
    let router = PretendRouter { _ in
      (409, #"{"type":"x","title":"Taken","status":409,"code":"seats_taken","detail":"gone","seats":["A-1","A-2"]}"#)
    }
    let ran = await holdfast("hold", "arena", "A-1", "A-2", "A-3", "--key", "k1", "--http", router.address)
    #expect(ran.code == 1)
    #expect(ran.error == "holdfast: seats_taken: gone (A-1, A-2)\n")
    #expect(router.calls.first?.head.contains("Idempotency-Key: k1") ?? false)
    let away = PretendRouter { _ in (503, #"{"code":"unavailable","detail":"no primary"}"#) }
    #expect(await holdfast("release", "h_1", "--http", away.address).code == 3)
  }

  @Test func holdsAreShown() async throws {
    let router = PretendRouter { line in
      line.hasPrefix("DELETE")
        ? (204, "")
        : (
          200, #"{"hold":"h_1","seats":["A-1"],"areas":{"Floor":2},"total":11500,"currency":"EUR","expires_at":"soon"}"#
        )
    }
    let ran = await holdfast("hold", "arena", "A-1", "--area", "Floor=2", "--buyer", "ann", "--http", router.address)
    #expect(ran.out == "h_1  A-1 Floor=2\ntotal 11500 EUR, until soon\n", "\(ran.error)")
    #expect(router.calls.first?.body == #"{"event":"arena","buyer":"ann","seats":["A-1"],"areas":{"Floor":2}}"#)
    let best = await holdfast(
      "hold", "arena", "--best", "2", "--category", "VIP", "--ttl", "9", "--http", router.address)
    #expect(best.code == 0)
    #expect(
      router.calls.last?.body == #"{"event":"arena","buyer":"cli","best":{"count":2,"category":"VIP"},"ttl":9}"#)
    #expect(await holdfast("release", "h_1", "--http", router.address).out == "released\n")
    #expect(router.calls.last?.line == "DELETE /v1/holds/h_1")
  }

  @Test func listsGoOnAtTheCursor() async throws {
    let router = PretendRouter { line in
      line.contains("cursor=b%26c")
        ? (200, #"{"events":[{"id":"c"}],"next_cursor":null}"#)
        : (200, #"{"events":[{"id":"a"},{"id":"b"}],"next_cursor":"b&c"}"#)
    }
    let ran = await holdfast("event", "list", "--json", "--http", router.address)
    #expect(ran.json?["events"]?.items?.compactMap { $0["id"]?.text } == ["a", "b", "c"], "\(ran.error)")
  }

  /// STARTS and VENUE are what the API says of each event.
  @Test func theListSaysWhenAndWhere() async throws {
    let router = PretendRouter { _ in
      (
        200,
        #"{"events":[{"id":"a","name":"A","venue":"Opera","starts_at":"2030-05-01T17:30:00.000Z"},{"id":"b","name":"B","venue":null,"starts_at":null}],"next_cursor":null}"#
      )
    }
    let ran = await holdfast("event", "list", "--http", router.address)
    #expect(
      ran.out == "EVENT  NAME  VENUE  STARTS\na      A     Opera  2030-05-01T17:30:00.000Z\nb      B            \n")
  }

  /// Nobody wrote a line of JSON, so none is named; of a file its lines are.
  @Test func refusalsSpeakOfWhatWasTyped() async throws {
    let router = PretendRouter { _ in
      (
        422,
        #"{"code":"invalid_event","detail":"the time zone is missing (line 1, column 53).","field":"starts_at"}"#
      )
    }
    let flags = await holdfast(
      "event", "create", "gala", "--section", "S=1x1:1", "--starts-at", "2030-05-01T19:30:00", "--http", router.address)
    #expect(flags.error == "holdfast: invalid_event: the time zone is missing. (--starts-at)\n")
    let terms = await holdfast("event", "set", "gala", "--starts-at", "2030-05-01T19:30:00", "--http", router.address)
    #expect(terms.error == "holdfast: invalid_event: the time zone is missing. (--starts-at)\n")
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let file = directory + "/event.json"
    try #"{"name":"x"}"#.write(toFile: file, atomically: true, encoding: .utf8)
    let whole = await holdfast("event", "create", "--file", file, "--http", router.address)
    #expect(
      whole.error
        == "holdfast: invalid_event: \(file): the time zone is missing (line 1, column 53). (field starts_at)\n")
    let section = PretendRouter { _ in
      (422, #"{"code":"too_many","detail":"too many rows (line 1, column 9).","field":"sections[0].rows"}"#)
    }
    let many = await holdfast("event", "create", "gala", "--section", "S=1x1:1", "--http", section.address)
    #expect(many.error == "holdfast: too_many: too many rows. (--section)\n")
    let several = PretendRouter { _ in
      (
        422,
        #"{"code":"invalid_event","detail":"2 problems: prices.A: no (line 1, column 9); x: two; the other is y (line 1) (line 1, column 70).","field":"prices.A"}"#
      )
    }
    let both = await holdfast("event", "create", "gala", "--section", "S=1x1:1", "--http", several.address)
    #expect(
      both.error
        == "holdfast: invalid_event: 2 problems: prices.A: no; x: two; the other is y. (field prices.A)\n")
  }

  @Test func warningsOfACreationAreShown() async throws {
    let router = PretendRouter { _ in (201, #"{"id":"gala","warnings":["Nothing can be sold."]}"#) }
    let ran = await holdfast("event", "create", "gala", "--section", "S=1x1:1", "--http", router.address)
    #expect(ran.code == 0 && ran.out == "created gala\n" && ran.error == "warning: Nothing can be sold.\n")
  }

  @Test func aPlanThatIsWrongIsRefusedWithItsPlace() async throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let file = directory + "/plan.json"
    try #"""
    {"name":"x","categories":[{"name":"A"}],
     "zones":[{"name":"z","position":{"x":0,"y":0},"rows":[
       {"row_number":"1","seats":[{"seat_guid":"1","seat_number":"1","position":{"x":0,"y":0},"category":7}]}]}]}
    """#.write(toFile: file, atomically: true, encoding: .utf8)
    let ran = await holdfast("event", "import", file, "--id", "x", "--http", "127.0.0.1:1")
    #expect(ran.code == 1)
    #expect(ran.error.contains("plan.json:3:"), "\(ran.error)")
    #expect(ran.error.contains("zones[0].rows[0].seats[0].category"), "\(ran.error)")
  }

  /// Runs the import of a plan against a router that takes everything.
  private func importing(_ plan: [UInt8], _ flags: String...) async throws -> (ran: Ran, body: String?) {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let file = directory + "/plan.json"
    try Data(plan).write(to: URL(filePath: file))
    let router = PretendRouter { _ in (201, #"{"id":"x","warnings":["not for sale: a"]}"#) }
    let ran = await holdfast(["event", "import", file, "--id", "x", "--http", router.address] + flags)
    return (ran, router.calls.first?.body)
  }

  private func plan(_ guids: [String]) -> [UInt8] {
    let seats = guids.map { "{\"seat_guid\":\"\($0)\",\"seat_number\":\"1\",\"category\":\"VIP\"}" }
    return Array(
      "{\"categories\":[{\"name\":\"VIP\"},{\"name\":\"Gold\"}],\"zones\":[{\"rows\":[{\"seats\":[\n\(seats.joined(separator: ",\n"))]}]}]}"
        .utf8)
  }

  @Test func allThatIsWrongWithAPlanIsListed() async throws {
    let (ran, body) = try await importing(plan(["a", "b", "a", "b"]), "--price", "VPI=5", "--price", "VIP=7")
    #expect(ran.code == 1 && body == nil)
    let lines = ran.error.split(separator: "\n").map(String.init)
    #expect(lines.count == 4, "\(ran.error)")
    #expect(lines.first == "holdfast: 3 problems:")
    #expect(
      lines[1].hasSuffix(
        "plan.json:4:14: zones[0].rows[0].seats[2].seat_guid: two seats are called `a`; the other is "
          + "zones[0].rows[0].seats[0].seat_guid (line 2)"), "\(lines[1])")
    #expect(lines[2].contains("plan.json:5:14: zones[0].rows[0].seats[3].seat_guid: "), "\(lines[2])")
    #expect(lines[3] == "--price: no category 'VPI'; did you mean 'VIP'? There are: VIP, Gold")
    let guids = (0..<41).map { "s\($0)" }
    let many = try await importing(plan(guids + guids)).ran.error
    #expect(many.hasPrefix("holdfast: 41 problems:\n") && many.hasSuffix("plan.json: and 21 more\n"), "\(many)")
  }

  @Test func aMistypedPriceIsAnsweredWithTheNearestName() async throws {
    let (ran, body) = try await importing(plan(["a"]), "--price", "VPI=5")
    #expect(ran.code == 1 && body == nil)
    #expect(ran.error == "holdfast: --price: no category 'VPI'; did you mean 'VIP'? There are: VIP, Gold\n")
  }

  @Test func aByteOrderMarkIsNotSent() async throws {
    let (ran, body) = try await importing([0xEF, 0xBB, 0xBF] + plan(["a"]), "--price", "VIP=5")
    #expect(ran.code == 0, "\(ran.error)")
    #expect(ran.error == "warning: not for sale: a\n")
    let sent = Bytes(try #require(body))
    #expect(try EventDocument.parse(sent.rawSpan).event.seatCount == 1)
  }

  @Test func aPlanInUTF16IsRefusedByItsName() async throws {
    let text: [UInt8] = [0xFF, 0xFE] + plan(["a"]).flatMap { [$0, 0] as [UInt8] }
    let (ran, body) = try await importing(text)
    #expect(ran.code == 1 && body == nil)
    #expect(
      ran.error.contains("plan.json:1:1: the text is UTF-16LE, and JSON is UTF-8: save it as UTF-8"), "\(ran.error)")
  }

  /// The demo event is what the contract says: at least 12,000 seats, several categories, all of them for sale, and the
  /// API takes it.
  @Test func theDemoEventFits() async throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = root.appending(path: "cluster/demo/arena.json").path
    let text = Bytes(Array(try Data(contentsOf: URL(filePath: file))))
    let (plan, wrong) = PretixPlan.read(text.rawSpan)
    #expect(wrong == nil)
    #expect(plan.seatCount >= 12_000)
    #expect(plan.categories.count >= 3)
    #expect(plan.categories.allSatisfy { !$0.color.isEmpty })
    let router = PretendRouter { _ in (201, #"{"id":"arena"}"#) }
    let ran = await holdfast(
      "event", "import", file, "--id", "arena", "--price", "VIP=14900", "--area", "Floor=3000:5900", "--http",
      router.address)
    #expect(ran.code == 0, "\(ran.error)")
    let body = Bytes(router.calls.first?.body ?? "")
    let event = try EventDocument.parse(body.rawSpan).event
    #expect(event.seatCount == plan.seatCount)
    #expect(event.categories.first { $0.name == "VIP" }?.price == 14_900)
  }
}
