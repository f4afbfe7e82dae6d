import Octets
import Proto
import Time

/// Keys without regard to the event that they belong to: for commands on a hold or order that is no more, whose event
/// nobody knows.
///
/// Of each key only the newest entry is found in this way, whatever its event. More is not needed, because a key counts
/// here only for its time, and the newest is the last whose time passes. And so one key that is used for a thousand
/// events makes no list of a thousand.
extension KeyTable {
  /// The newest entry of this key.
  func findAnywhere(_ key: RawSpan) -> UInt64? {
    var probe = index.probe(anywhereHash(key))
    while let value = index.next(&probe) {
      let position = position(of: value)
      let entry = entry(at: position)
      guard entry.keyBytes == key.byteCount else { continue }
      let isSame = (0..<key.wordCount).allSatisfy {
        log[position + KeyEntry.fixedWords + UInt64($0)] == key.word($0)
      }
      if isSame { return position }
    }
    return nil
  }

  /// Makes the newest entry, at `position`, the one that is found.
  mutating func indexAnywhere(_ position: UInt64) {
    let entry = entry(at: position)
    let hash = anywhereHash(at: position, entry)
    var probe = index.probe(hash)
    while let value = index.next(&probe) {
      let other = self.position(of: value)
      guard self.entry(at: other).keyBytes == entry.keyBytes else { continue }
      let keyAt = KeyEntry.fixedWords
      guard (0..<entry.keyWords).allSatisfy({ log[position + keyAt + $0] == log[other + keyAt + $0] }) else { continue }
      index.remove(hash, value)
      break
    }
    index.insert(hash, UInt32(truncatingIfNeeded: position))
  }

  /// The entry at `position` goes: it is found no more, if it was.
  mutating func unlinkAnywhere(_ position: UInt64) {
    index.remove(anywhereHash(at: position, entry(at: position)), UInt32(truncatingIfNeeded: position))
  }

  private func anywhereHash(_ key: RawSpan) -> UInt64 { hash(key, event: KeyEntry.anyEvent) }

  private func anywhereHash(at position: UInt64, _ entry: KeyEntry) -> UInt64 {
    hash(at: position, entry, scope: scope(event: KeyEntry.anyEvent, keyBytes: entry.keyBytes))
  }
}
