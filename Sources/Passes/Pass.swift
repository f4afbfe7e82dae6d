internal import JSON
public import Octets
public import Proto
public import Time

/// What a pass says: this buyer, from this place in the event's queue, may hold its seats from then to then. As a JSON
/// Web Token (RFC 7519): `aud` the event, `sub` the buyer, `jti` the place, `nbf` and `exp` in seconds.
public struct Pass: Equatable, Sendable {
  public var event: Bytes
  public var buyer: Bytes
  public var place: PlaceID
  public var from: Stamp
  /// Rounded up to a second in the token: who is in time by the shard's own clock is not refused before.
  public var until: Stamp

  public init(event: Bytes, buyer: Bytes, place: PlaceID, from: Stamp, until: Stamp) {
    (self.event, self.buyer, self.place, self.from, self.until) = (event, buyer, place, from, until)
  }

  /// Bytes of a token, at most: names of 128 bytes may take six each.
  public static let bytesMax = 4_096

  private static let fields = JSONFields("iss", "aud", "sub", "jti", "iat", "nbf", "exp")

  /// The token, signed; empty: it cannot be signed. The same words and key give the same token.
  public func token(_ key: SigningKey, id: String) -> [UInt8] {
    var payload: [UInt8] = []
    payload.putJSON("{\"iss\":\"holdfast\",\"aud\":")
    payload.putJSONString(event.rawSpan)
    payload.putJSON(",\"sub\":")
    payload.putJSONString(buyer.rawSpan)
    payload.putJSON(",\"jti\":\"")
    place.write(into: &payload)
    payload.putJSON("\",\"iat\":")
    payload.putJSON(from.rawValue / 1_000)
    payload.putJSON(",\"nbf\":")
    payload.putJSON(from.rawValue / 1_000)
    payload.putJSON(",\"exp\":")
    payload.putJSON((until.rawValue + 999) / 1_000)
    payload.putJSON("}")
    var token = Array("\(base64URL("{\"alg\":\"RS256\",\"kid\":\"\(id)\",\"typ\":\"JWT\"}".utf8)).".utf8)
    token.append(contentsOf: base64URL(payload).utf8)
    let signature = key.sign(token)
    guard !signature.isEmpty else { return [] }
    token.append(UInt8(ascii: "."))
    token.append(contentsOf: base64URL(signature).utf8)
    return token
  }

  /// Reads a token and checks its signature, but not its times.
  ///
  /// - Parameter key: the key of that id; nil: there is none.
  /// - Returns: nil: it is no pass of these keys.
  public init?(token: [UInt8], key: (String) -> SigningKey?) {
    guard token.count <= Self.bytesMax, let end = token.lastIndex(of: UInt8(ascii: ".")),
      let middle = token[..<end].lastIndex(of: UInt8(ascii: ".")),
      let header = fromBase64URL(token[..<middle]), let id = Self.keyID(header),
      let payload = fromBase64URL(token[(middle + 1)..<end]), let signature = fromBase64URL(token[(end + 1)...]),
      let key = key(id), key.isSignature(signature, of: token[..<end]), let pass = try? Self.read(payload)
    else { return nil }
    self = pass
  }

  private static let headerFields = JSONFields("alg", "kid", "typ")

  /// nil: it is signed otherwise.
  private static func keyID(_ header: [UInt8]) -> String? {
    var (algorithm, id) = ("", "")
    do throws(JSONError) {
      var reader = JSONReader(header.rawSpan)
      var object = try reader.beginObject()
      while let field = try reader.nextField(headerFields, &object) {
        let value = Bytes(try reader.string()).description
        switch field {
        case 0: algorithm = value
        case 1: id = value
        default: break
        }
      }
      try reader.finish()
    } catch {
      return nil
    }
    return algorithm == "RS256" && !id.isEmpty ? id : nil
  }

  private static func read(_ payload: [UInt8]) throws(JSONError) -> Pass? {
    var (event, buyer, place) = (Bytes(), Bytes(), PlaceID?.none)
    var (from, until) = (Int64(0), Int64(0))
    var reader = JSONReader(payload.rawSpan)
    var object = try reader.beginObject()
    while let field = try reader.nextField(fields, &object) {
      switch field {
      case 1: event = Bytes(try reader.string())
      case 2: buyer = Bytes(try reader.string())
      case 3: place = PlaceID(text: Bytes(try reader.string()).rawSpan)
      case 5: from = try reader.integer(in: 0...Int64(1) << 40)
      case 6: until = try reader.integer(in: 0...Int64(1) << 40)
      default: try reader.skip()
      }
    }
    try reader.finish()
    guard let place else { return nil }
    return Pass(
      event: event, buyer: buyer, place: place, from: Stamp(from * 1_000), until: Stamp(until * 1_000))
  }
}
