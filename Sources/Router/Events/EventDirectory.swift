import Proto

/// The process's event definitions, so that its loops share one index of labels and one copy of the seats' states. A loop asks
/// here only when its own table does not know an event.
package final class EventDirectory: Sendable {
  private let entries = Lock<[Bytes: EventEntry]>([:])
  private let countMax: Int

  package init(countMax: Int = 65_536) { self.countMax = countMax }

  /// The entry for this life of the event, if a loop made one.
  func find(_ id: Bytes, _ ref: EventRef) -> EventEntry? {
    entries.withLock { entries in
      guard let entry = entries[id], entry.ref == ref else { return nil }
      return entry
    }
  }

  /// Keeps `entry`, unless another loop was faster. Returns the one that counts.
  package func insert(_ entry: EventEntry) -> EventEntry {
    entries.withLock { entries in
      if let other = entries[entry.id], other.ref == entry.ref { return other }
      if entries.count >= countMax { entries.removeAll() }
      entries[entry.id] = entry
      return entry
    }
  }
}
