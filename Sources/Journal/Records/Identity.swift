internal import Octets
internal import Proto

/// Whose directory this is: the file `identity`, one line that people can read.
///
/// `holdfast <format> <node> <disk, 16 hexadecimal digits> <CRC32C of what stands before, 8 digits>`
enum Identity {
  static let path = "identity"
  private static let temporary = "identity.tmp"

  static func encode(_ replica: ReplicaID) -> [UInt8] {
    let text = "holdfast \(Format.version) \(replica.node) \(hexadecimal(replica.disk, digits: 16)) "
    let crc = crc32c(Array(text.utf8).rawSpan)
    return Array((text + hexadecimal(UInt64(crc), digits: 8) + "\n").utf8)
  }

  static func decode(_ bytes: [UInt8]) -> ReplicaID? {
    let fields = bytes.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard fields.count == 5, let node = NodeName(Bytes(Array(fields[2]))),
      let disk = UInt64(String(decoding: fields[3], as: UTF8.self), radix: 16)
    else { return nil }
    let replica = ReplicaID(node: node, disk: disk)
    return encode(replica) == bytes ? replica : nil
  }

  /// nil: there is none.
  static func read(_ storage: any Storage) throws(JournalError) -> ReplicaID? {
    var bytes: [UInt8] = []
    do {
      _ = try storage.open(path).read(1_024, at: 0, into: &bytes)
    } catch .missing(_) {
      return nil
    } catch {
      throw .storage(error)
    }
    if let replica = decode(bytes) { return replica }
    let fields = bytes.split(separator: UInt8(ascii: " "))
    if fields.count == 5, fields[0].elementsEqual("holdfast".utf8),
      let found = UInt8(String(decoding: fields[1], as: UTF8.self)), found != Format.version
    {
      throw .otherFormat(found: found)
    }
    throw .noIdentity
  }

  /// Makes the directory's identity, durable under its name or not there at all.
  static func create(_ replica: ReplicaID, in storage: any Storage) throws(StorageError) {
    let file = try storage.create(temporary)
    try file.write(encode(replica).rawSpan, at: 0)
    try file.syncAll()
    try storage.rename(temporary, to: path)
    try storage.syncDirectory("")
  }
}
