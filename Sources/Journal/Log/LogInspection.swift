package import Proto

/// A node's log, looked at and left as it is: what `holdfast log verify` and `log dump` show.
package struct LogInspection: Sendable {
  package struct Segment: Sendable {
    package var path: String
    /// Position of its first byte in the log.
    package var first: UInt64
    /// Of the file.
    package var byteCount: Int
    package var frameCount: Int
    package var recordCount: Int
    /// Its header can be read.
    package var isReadable: Bool
  }

  package struct Snapshot: Sendable {
    package var shard: ShardID
    package var index: UInt64
    /// Every byte of it was verified.
    package var isReadable: Bool
  }

  /// What the node itself took out of a shard's log, with a marker.
  package struct Cut: Sendable {
    package var shard: ShardID
    /// Position of the marker.
    package var position: UInt64
    /// The last index that was kept, or that the peer's snapshot stands at.
    package var index: UInt64
    /// All that came before was replaced by the peer's snapshot.
    package var isRebuild: Bool
  }

  /// Whose directory it is.
  package let replica: ReplicaID
  package let segments: [Segment]
  package let snapshots: [Snapshot]
  package let recovery: Recovery
  /// In the log's order.
  package let cuts: [Cut]
  private let view: LogView

  /// Reads and verifies everything. Nothing is written. Of a log that a node writes to meanwhile the end may look torn:
  /// lock the storage before if that matters.
  package init(_ storage: any Storage, progress: ((RecoveryProgress) -> Void)? = nil) throws(JournalError) {
    guard let replica = try Identity.read(storage) else { throw .noIdentity }
    var image: LogImage
    do throws(StorageError) {
      image = try LogImage(storage, disk: replica.disk, settling: false, progress: progress)
    } catch {
      throw .storage(error)
    }
    self.replica = replica
    recovery = try image.resolve()
    segments = image.segments.map { found in
      Segment(
        path: found.segment.file.path, first: found.segment.first, byteCount: found.fileBytes,
        frameCount: found.frameCount,
        recordCount: found.recordCount, isReadable: found.header != nil)
    }
    snapshots = image.snapshots.map { Snapshot(shard: $0.shard, index: $0.index, isReadable: $0.header != nil) }
    cuts = image.shards.enumerated().flatMap { place, shard in
      shard.cuts.map { cut in
        Cut(
          shard: ShardID(UInt16(place)), position: cut.position, index: cut.rebuiltAt?.index ?? cut.firstIndex - 1,
          isRebuild: cut.rebuiltAt != nil)
      }
    }.sorted { $0.position < $1.position }
    view = image.view
  }

  /// Gives every frame and marker in the log's order, with its position and its records (none unless its kind is
  /// `records`), until `body` returns false.
  package func forEachFrame(_ body: (_ position: UInt64, LogFrame, _ records: RawSpan) -> Bool) throws(JournalError) {
    guard let oldest = view.segments.first else { return }
    var cursor = LogCursor(view, from: oldest.first)
    var decoder = FrameDecoder()
    while let frame = try cursor.next() {
      try cursor.verify(&decoder)
      guard body(cursor.framePosition, frame, decoder.records) else { return }
    }
  }
}
