import Octets
package import Proto

/// What a directory says of its starts: the file `starts`, one line that people can read.
///
/// `holdfast-starts 1 <cluster> <shards> <confirmed> <intended> <presence> <place> <stale> <CRC32C of what stands
/// before>`; cluster and place are 16 hexadecimal digits, `stale` is `-` or shard numbers with commas, the checksum has
/// 8 digits.
package struct StartRecord: Equatable, Sendable {
  /// The cluster that this directory belongs to, and its number of shards.
  package var cluster: UInt64
  package var shardCount: Int
  /// The newest start of which this directory knows that the coordinator took it; 0: none yet.
  package var confirmed: UInt64
  /// The start that was asked for last, at least `confirmed`.
  package var intended: UInt64
  /// Grows while a process of the confirmed start writes to its log: a copy that was taken before has a lower one.
  package var presence: UInt64
  /// `Storage.place` when this was written by the process that uses the directory: a copy has another.
  package var place: UInt64
  /// Shards whose replica was found to be older than what it once had, and has not been brought up since.
  package var stale: Set<ShardID>

  package init(
    cluster: UInt64, shardCount: Int, confirmed: UInt64 = 0, intended: UInt64 = 0, presence: UInt64 = 0,
    place: UInt64 = 0, stale: Set<ShardID> = []
  ) {
    (self.cluster, self.shardCount, self.confirmed, self.intended) = (cluster, shardCount, confirmed, intended)
    (self.presence, self.place, self.stale) = (presence, place, stale)
  }

  static let path = "starts"
  private static let temporary = "starts.tmp"
  private static let bytesMax = 16 << 10

  func encode() -> [UInt8] {
    let shards = stale.sorted().map { String($0.rawValue) }.joined(separator: ",")
    let text =
      "holdfast-starts 1 \(hexadecimal(cluster, digits: 16)) \(shardCount) \(confirmed) \(intended) \(presence) "
      + "\(hexadecimal(place, digits: 16)) \(shards.isEmpty ? "-" : shards) "
    let crc = crc32c(Array(text.utf8).rawSpan)
    return Array((text + hexadecimal(UInt64(crc), digits: 8) + "\n").utf8)
  }

  static func decode(_ bytes: [UInt8]) -> StartRecord? {
    let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
    guard fields.count == 10, let cluster = UInt64(fields[2], radix: 16), let shardCount = Int(fields[3]),
      let confirmed = UInt64(fields[4]), let intended = UInt64(fields[5]), let presence = UInt64(fields[6]),
      let place = UInt64(fields[7], radix: 16)
    else { return nil }
    var stale: Set<ShardID> = []
    if fields[8] != "-" {
      for number in fields[8].split(separator: ",") {
        guard let shard = UInt16(number) else { return nil }
        stale.insert(ShardID(shard))
      }
    }
    let record = StartRecord(
      cluster: cluster, shardCount: shardCount, confirmed: confirmed, intended: intended, presence: presence,
      place: place, stale: stale)
    return record.encode() == bytes ? record : nil
  }

  /// nil: there is none, as in a new directory, or one that an older version wrote.
  package static func read(_ storage: any Storage) throws(JournalError) -> StartRecord? {
    var bytes: [UInt8] = []
    do {
      _ = try storage.open(path).read(bytesMax, at: 0, into: &bytes)
    } catch .missing(_) {
      return nil
    } catch {
      throw .storage(error)
    }
    guard let record = decode(bytes) else { throw .damaged(path: path, offset: 0) }
    return record
  }

  /// Durable when this returns; after a crash the old record or this one is there.
  package func write(to storage: any Storage) throws(JournalError) {
    do {
      let file = try storage.create(Self.temporary)
      try file.write(encode().rawSpan, at: 0)
      try file.syncAll()
      try storage.rename(Self.temporary, to: Self.path)
      try storage.syncDirectory("")
    } catch {
      throw .storage(error)
    }
  }
}

func hexadecimal(_ value: UInt64, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
