import Inventory
import Proto
import Time

/// Queries whose answers are large, in the order they came: apart from commands and small queries, which do not wait
/// for them.
///
/// Such an answer is made at the end of a later turn, of the state then. A router must not let a client's later
/// commands pass a large read of the same connection; it knows how large an answer will be (`Query.largeAnswerBytes`).
struct LargeReads {
  struct Read {
    var connection: ConnectionID
    var readAt: MonotonicTime
    var id: UInt32
    var query: Query
    var byteCount: Int
  }

  private(set) var waiting: [Read] = []
  /// Reads that may wait in one shard: a router keeps but a few under way.
  static let countMax = 2_048

  var isEmpty: Bool { waiting.isEmpty }
  var isFull: Bool { waiting.count >= Self.countMax }
  var first: Read? { waiting.first }

  mutating func append(_ read: Read) { waiting.append(read) }

  /// The oldest read whose connection is not in `crowded`; it stays.
  func next(without crowded: Set<ConnectionID>) -> Int? {
    crowded.isEmpty
      ? (waiting.isEmpty ? nil : 0) : waiting.firstIndex { !crowded.contains($0.connection) }
  }

  subscript(place: Int) -> Read { waiting[place] }
  mutating func remove(at place: Int) { waiting.remove(at: place) }

  /// Takes out those that `isWanted` names, in order.
  mutating func take(where isWanted: (Read) -> Bool) -> [Read] {
    guard waiting.contains(where: isWanted) else { return [] }
    let taken = waiting.filter(isWanted)
    waiting.removeAll(where: isWanted)
    return taken
  }
}
