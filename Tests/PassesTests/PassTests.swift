import ClusterMap
import Octets
import Passes
import Proto
import Testing
import Time

@Suite struct PassTests {
  private static let place = PlaceID(shard: ShardID(3), slot: 6, round: 1, join: 9, secret: 0x5152_5354_5556_5758)
  private let pass = Pass(
    event: "gala", buyer: "Änn \"the\" buyer", place: place, from: 1_700_000_001_500, until: 1_700_000_060_001)

  private func key() throws -> PassKeyRecord { try #require(newPassKey(signsFrom: 1_000)) }

  @Test func aTokenSaysWhatThePassSays() throws {
    let keys = PassKeys([try key()])
    let (key, id) = try #require(keys.signing(at: 2_000))
    let token = pass.token(key, id: id)
    #expect(pass.token(key, id: id) == token, "the same words, the same token")
    let read = try #require(Pass(token: token, key: { keys.key($0, at: 2_000) }))
    #expect((read.event, read.buyer, read.place) == (pass.event, pass.buyer, pass.place))
    // Whole seconds: the beginning down, the end up.
    #expect((read.from, read.until) == (1_700_000_001_000, 1_700_000_061_000))
  }

  @Test func noOtherTokenIsBelieved() throws {
    let keys = PassKeys([try key()])
    let (key, id) = try #require(keys.signing(at: 2_000))
    let token = pass.token(key, id: id)
    func isBelieved(_ token: [UInt8]) -> Bool { Pass(token: token, key: { keys.key($0, at: 2_000) }) != nil }
    #expect(isBelieved(token))
    // One letter anywhere; the last of the signature has bits that count for nothing.
    for place in stride(from: 0, to: token.count - 1, by: 7) {
      var other = token
      other[place] = other[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      #expect(!isBelieved(other), "\(place)")
      #expect(!isBelieved(Array(token[..<place])))
    }
    for text in ["", ".", "..", "...", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] { #expect(!isBelieved(Array(text.utf8))) }
    // Another cluster's key of the same name.
    let stranger = PassKeys([PassKeyRecord(id: id, pem: try self.key().pem, signsFrom: 0, endsAt: 9_999_999)])
    #expect(Pass(token: token, key: { stranger.key($0, at: 2_000) }) == nil)
  }

  @Test func keysFollowEachOtherWithoutARefusedPass() throws {
    var (old, new) = (try key(), try key())
    (old.signsFrom, old.endsAt) = (1_000, 50_000)
    (new.signsFrom, new.endsAt) = (20_000, 90_000)
    let keys = PassKeys([new, old])
    #expect(keys.signing(at: 999) == nil)
    #expect(keys.signing(at: 19_999)?.id == old.id && keys.signing(at: 20_000)?.id == new.id)
    // Known before it signs, believed after it signed.
    #expect(keys.key(new.id, at: 5_000) != nil && keys.key(old.id, at: 49_999) != nil)
    #expect(keys.key(old.id, at: 50_000) == nil && keys.signing(at: 90_000) == nil)
    #expect(keys.keySet(at: 5_000).contains("\"kid\":\"\(new.id)\"") && !keys.keySet(at: 60_000).contains(old.id))
    #expect(!keys.keySet(at: 5_000).contains("PRIVATE"))
    // A record that is no key is left out.
    #expect(PassKeys([PassKeyRecord(id: "x", pem: "?", signsFrom: 0, endsAt: 9)]).signing(at: 1) == nil)
  }
}
