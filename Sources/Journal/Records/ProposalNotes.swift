import Octets
package import Proto

/// What this directory's processes know of proposals, by shard.
///
/// Those that they made are noted before they leave. Whoever finds itself named in an epoch whose opening record its
/// log lacks may so tell that it won that epoch itself and ended too early (its log is whole) from a log that is older
/// than the map. Those that named this replica are noted soon after: a coordinator that forgot epochs gives their
/// numbers out again, and only the proposal tells two apart.
///
/// The file `proposals`: for each shard two slots of 32 bytes, in the order of `Kind`: `proposal: u64`, `epoch: u64`,
/// 12 bytes of zeros, CRC32C of those: u32. A slot that cannot be read notes nothing, which is the safe side.
package final class ProposalNotes: Sendable {
  package struct Note: Equatable, Sendable {
    package var proposal: UInt64
    package var epoch: UInt64
    package init(proposal: UInt64, epoch: UInt64) { (self.proposal, self.epoch) = (proposal, epoch) }
  }

  package enum Kind: Int, Sendable, CaseIterable {
    case made = 0
    case entered = 1
  }

  private static let path = "proposals"
  private static let slotBytes = 32
  private let file: any StorageFile

  /// Opens the file, or makes it. Its name is durable when this returns.
  package init(_ storage: any Storage, shardCount: Int) throws(JournalError) {
    do {
      do throws(StorageError) {
        file = try storage.open(Self.path)
      } catch .missing(_) {
        file = try storage.createZeroed(Self.path, byteCount: shardCount * Kind.allCases.count * Self.slotBytes)
        try storage.syncDirectory("")
      }
    } catch {
      throw .storage(error)
    }
  }

  package func note(_ kind: Kind, of shard: ShardID) throws(JournalError) -> Note? {
    var bytes: [UInt8] = []
    do throws(StorageError) {
      _ = try file.read(Self.slotBytes, at: Self.offset(kind, shard), into: &bytes)
    } catch {
      throw .storage(error)
    }
    var reader = ByteReader(bytes.rawSpan)
    do throws(DecodeError) {
      let note = Note(proposal: try reader.u64(), epoch: try reader.u64())
      guard note.epoch > 0, bytes == Self.slot(note) else { return nil }
      return note
    } catch {
      return nil
    }
  }

  /// Durable when this returns: one sync for all of them. A failure is final for the directory, as any failed sync.
  package func write(_ kind: Kind, _ notes: [(shard: ShardID, note: Note)]) throws(JournalError) {
    do throws(StorageError) {
      for (shard, note) in notes {
        try file.write(Self.slot(note).rawSpan, at: Self.offset(kind, shard))
      }
      try file.syncAll()
    } catch {
      throw .storage(error)
    }
  }

  private static func offset(_ kind: Kind, _ shard: ShardID) -> Int {
    (Int(shard.rawValue) * Kind.allCases.count + kind.rawValue) * slotBytes
  }

  private static func slot(_ note: Note) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.put(note.proposal)
    bytes.put(note.epoch)
    bytes.append(contentsOf: repeatElement(0, count: 12))
    bytes.put(crc32c(bytes.rawSpan))
    return bytes
  }
}
