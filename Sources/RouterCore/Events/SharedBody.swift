package import Budgets
import Proto

/// A body that many clients are sent at the same time, in pieces of about 64 KiB: connections keep references to the
/// pieces, and a change of one piece leaves those that are being sent as they were.
package struct SharedBody: Sendable {
  static let pieceBytes = 64 << 10
  package private(set) var pieces: [SharedBytes] = []
  package private(set) var byteCount = 0

  package init() {}
  init(_ bytes: [UInt8]) { add(bytes) }

  mutating func add(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    byteCount += bytes.count
    pieces.append(SharedBytes(bytes))
  }

  /// Adds what was collected if it is a piece.
  mutating func addIfWhole(_ bytes: inout [UInt8]) {
    guard bytes.count >= Self.pieceBytes else { return }
    var piece: [UInt8] = []
    piece.reserveCapacity(Self.pieceBytes)
    swap(&piece, &bytes)
    add(piece)
  }

  /// Changes one byte.
  ///
  /// - Parameter budget: counts what is left behind because it is being sent.
  mutating func set(_ byte: UInt8, inPiece piece: Int, at offset: Int, _ budget: MemoryBudget?) {
    SharedBytes.withUniqueBytes(of: &pieces[piece], retireTo: budget) { $0[offset] = byte }
  }

  /// Its owner lets go of it: what is being sent of it counts in `budget` from now on.
  func retire(to budget: MemoryBudget?) {
    guard let budget else { return }
    for piece in pieces { piece.retire(to: budget) }
  }

  /// All of it, copied.
  package var joined: [UInt8] { pieces.flatMap(\.bytes) }
}
