import Octets
import Proto
import TestKit
import Testing

/// Goal: what the hot paths write and read in one piece is what the ordinary codecs write and read.
@Suite struct HotPathTests {
  @Test func decimalsAreThoseOfTheStandardLibrary() {
    var random = SeededRandom(seed: 3)
    var values: [Int64] = [0, 9, 10, 99, 100, 101, .max, .min, .min + 1]
    var power: Int64 = 1
    for _ in 0..<18 {
      power *= 10
      values += [power - 1, power, power + 1, -power]
    }
    for _ in 0..<20_000 {
      values.append(Int64(truncatingIfNeeded: random.next() >> UInt64.random(in: 0..<64, using: &random)))
    }
    for value in values {
      var out: [UInt8] = [1]
      out.putPiece(bytesMax: 20) { $0.putDecimal(value) }
      out.append(2)
      #expect(out == [1] + Array(String(value).utf8) + [2])
      var text: [UInt8] = []
      text.putDecimal(value)
      #expect(text == Array(String(value).utf8))
    }
  }

  @Test func aPieceIsWhatWasPut() {
    var random = SeededRandom(seed: 4)
    for _ in 0..<1_000 {
      var wanted = random.bytes(0...20).array
      var out = wanted
      let (word, half, span) = (random.word(), random.half(), random.bytes(0...100))
      wanted.put(word)
      wanted.put(half)
      wanted.put(span.rawSpan)
      wanted.append(contentsOf: "text".utf8)
      out.putPiece(bytesMax: 256) {
        $0.put(word)
        $0.put(half)
        $0.put(span.rawSpan)
        $0.put("text")
      }
      #expect(out == wanted)
    }
  }

  @Test func aPieceIsNeverOverfilled() async {
    await #expect(processExitsWith: .failure) {
      var out: [UInt8] = []
      out.putPiece(bytesMax: 11) {
        $0.put(UInt64(0))
        $0.put(UInt32(0))
      }
    }
  }

  @Test func smallHoldsAreCommands() {
    var random = SeededRandom(seed: 5)
    for _ in 0..<5_000 {
      let buyer = random.bytes(0...128)
      let hold = Command.Hold(
        event: random.ref(), ttl: random.half(), secret: random.word(), buyer: buyer, seats: [], areas: [])
      let seat = SeatIndex(random.half())
      let area = AreaCount(area: AreaIndex(random.quarter()), count: random.half())
      let isSeat = random.chance(50)
      var command = hold
      if isSeat { command.seats = [seat] } else { command.areas = [area] }
      let small = SmallHold(
        event: hold.event, ttl: hold.ttl, secret: hold.secret, choice: isSeat ? .seat(seat) : .area(area))
      var wanted: [UInt8] = []
      var out: [UInt8] = []
      if random.chance(50) {
        let key = random.bytes(0...255)
        Command.hold(command).encode(key: key, into: &wanted)
        small.encode(buyer: buyer.rawSpan, key: key.rawSpan, into: &out)
      } else {
        let words = (random.word(), random.word())
        var key: [UInt8] = []
        key.put(words.0)
        key.put(words.1)
        Command.hold(command).encode(key: Bytes(key), keyIsFromRouter: true, into: &wanted)
        small.encode(buyer: buyer.rawSpan, routerKey: words, into: &out)
      }
      #expect(out == wanted)
    }
  }

  @Test func heldRepliesAreReplies() throws {
    var random = SeededRandom(seed: 6)
    for _ in 0..<5_000 {
      let replies = (0..<random.next() % 4).map { _ in (id: random.half(), reply: random.reply()) }
      var frame: [UInt8] = []
      for (id, reply) in replies { reply.encode(id: id, into: &frame) }
      var reader = ByteReader(frame.rawSpan)
      for (wantedID, wanted) in replies {
        if let (id, held) = reader.heldReply() {
          #expect(id == wantedID && .outcome(.held(held)) == wanted)
        } else {
          if case .outcome(.held) = wanted { Issue.record("a held reply was not seen") }
          let (id, reply) = try Reply.decode(&reader)
          #expect(id == wantedID && reply == wanted)
        }
      }
      #expect(reader.bytesLeft == 0)
      // Of half a frame nothing is read that is not there.
      if frame.count > 1 {
        var cut = ByteReader(frame.rawSpan.extracting(0..<(frame.count - 1)))
        while cut.heldReply() != nil {}
        #expect(cut.bytesLeft >= 0)
      }
    }
  }
}
