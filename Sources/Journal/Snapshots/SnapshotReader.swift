internal import Octets
import Threads

/// Reads a snapshot's chunks and verifies each: checksum, order, and at the end that none is missing.
package final class SnapshotReader: Sendable {
  package let header: SnapshotHeader
  private let file: any StorageFile
  private let place: Monitor<Place>

  private struct Place {
    var offset: Int
    var chunks: UInt64 = 0
    var crc: UInt32 = 0
    var isDone = false
    let headerCRC: UInt32
  }

  /// Opens a snapshot and verifies its header.
  init(_ path: String, in storage: any Storage) throws(JournalError) {
    var bytes: [UInt8] = []
    do {
      file = try storage.open(path)
      _ = try file.read(SnapshotFile.headerBytesMax, at: 0, into: &bytes)
    } catch {
      throw .storage(error)
    }
    do {
      var reader = ByteReader(bytes.rawSpan)
      header = try SnapshotHeader(decoding: &reader)
      place = Monitor(Place(offset: reader.offset, headerCRC: crc32c(bytes.rawSpan.extracting(0..<reader.offset))))
    } catch {
      throw .damaged(path: path, offset: 0)
    }
  }

  /// The next chunk, at most 64 KiB; nil after the last, when the whole was verified.
  ///
  /// - Throws: `damaged`: nothing of the snapshot may be used.
  package func nextChunk() throws(JournalError) -> [UInt8]? {
    try place.withLock { place throws(JournalError) in try next(&place) }
  }

  private func next(_ place: inout Place) throws(JournalError) -> [UInt8]? {
    guard !place.isDone else { return nil }
    let damaged = JournalError.damaged(path: file.path, offset: place.offset)
    var bytes: [UInt8] = []
    do {
      let most = SnapshotFile.chunkHeaderBytes + SnapshotFile.chunkBytesMax + SnapshotFile.chunkBytesMax / 255 + 16
      _ = try file.read(most, at: place.offset, into: &bytes)
    } catch {
      throw .storage(error)
    }
    do {
      var reader = ByteReader(bytes.rawSpan)
      let rawBytes = try reader.u32()
      if rawBytes == SnapshotFile.trailerMark {
        try finish(&reader, &place, bytes)
        return nil
      }
      guard (1...UInt32(SnapshotFile.chunkBytesMax)).contains(rawBytes) else { throw damaged }
      let blockBytes = Int(try reader.u32())
      let crc = try reader.u32()
      let block = try reader.bytes(blockBytes)
      var raw = [UInt8](repeating: 0, count: Int(rawBytes))
      guard decompressLZ4(block, into: &raw, rawBytes: Int(rawBytes)), crc32c(raw.rawSpan, from: place.crc) == crc
      else {
        throw damaged
      }
      place.offset += reader.offset
      place.crc = crc
      place.chunks += 1
      return raw
    } catch {
      throw damaged
    }
  }

  private func finish(_ reader: inout ByteReader, _ place: inout Place, _ bytes: [UInt8]) throws(DecodeError) {
    let chunks = try reader.u64()
    let last = try reader.u32()
    let expected = crc32c(bytes.rawSpan.extracting(0..<reader.offset), from: place.headerCRC)
    guard chunks == place.chunks, last == place.crc, try reader.u32() == expected else {
      throw .corrupt(field: "snapshot trailer")
    }
    try reader.finish()
    place.isDone = true
  }

  /// Reads all of it, for nothing but to know that it can be read.
  func verify() throws(JournalError) {
    while try nextChunk() != nil {}
  }
}
