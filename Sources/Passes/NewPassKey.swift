public import ClusterMap
public import Time

/// A new key of passes, with a random id; nil: libcrypto cannot make one. Takes some tenths of a second.
public func newPassKey(signsFrom: Stamp) -> PassKeyRecord? {
  guard let key = SigningKey.generate() else { return nil }
  let id = hex(UInt64.random(in: 0 ... .max))
  return PassKeyRecord(id: id, pem: key.pem, signsFrom: signsFrom, endsAt: signsFrom + PassKeyRecord.life)
}

extension PassKeyRecord {
  /// How long a key is believed after it began to sign: it signs for half of the time at least if keys change once a
  /// year, and no pass is good for longer than a day.
  static let life = Milliseconds(400 * 86_400_000)
}
