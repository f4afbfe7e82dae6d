public import ClusterMap
public import Time

/// The keys of a cluster's passes as a router last saw them. The newest whose time has come signs; all that have not
/// ended are believed. So a new key is known to all routers before any of them signs with it, and no pass is refused
/// because keys change.
public struct PassKeys: Sendable {
  private struct Entry: Sendable {
    var record: PassKeyRecord
    var key: SigningKey
  }

  /// By the time from which they sign, the newest last.
  private var entries: [Entry] = []

  public init() {}

  /// - Parameter known: keys that were read before are not read again.
  public init(_ records: [PassKeyRecord], known: PassKeys = PassKeys()) {
    entries = records.sorted { ($0.signsFrom, $0.id) < ($1.signsFrom, $1.id) }.compactMap { record in
      if let entry = known.entries.first(where: { $0.record == record }) { return entry }
      return SigningKey(pem: record.pem).map { Entry(record: record, key: $0) }
    }
  }

  /// The key to sign with; nil: none may.
  public func signing(at now: Stamp) -> (key: SigningKey, id: String)? {
    entries.last { $0.record.signsFrom <= now && now < $0.record.endsAt }.map { ($0.key, $0.record.id) }
  }

  public func key(_ id: String, at now: Stamp) -> SigningKey? {
    entries.first { $0.record.id == id && now < $0.record.endsAt }?.key
  }

  /// A JSON Web Key Set (RFC 7517) of all public keys.
  public func keySet(at now: Stamp) -> String {
    let keys = entries.filter { now < $0.record.endsAt }.map { $0.key.jwk($0.record.id) }
    return "{\"keys\":[\(keys.joined(separator: ","))]}"
  }
}
