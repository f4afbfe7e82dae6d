package import Proto

/// The digests of the last frame ends, for comparing two replicas at one index. A ring: 16 bytes an entry, 1,024
/// entries.
package struct DigestMemory: Sendable {
  package static let framesMax = 1_024
  private var ring: [ReplicaStatus.Digest] = []
  private var next = 0

  package init() {}

  /// Indexes grow; after a cut or a rebuild the memory is cleared first.
  package mutating func remember(_ digest: UInt64, at index: UInt64) {
    let entry = ReplicaStatus.Digest(index: index, value: digest)
    if ring.count < Self.framesMax {
      ring.append(entry)
    } else {
      ring[next] = entry
    }
    next = (next + 1) % Self.framesMax
  }

  package mutating func clear() {
    ring.removeAll(keepingCapacity: true)
    next = 0
  }

  /// The digest at the largest remembered index that is at most `index`.
  package func digest(atMost index: UInt64) -> ReplicaStatus.Digest? {
    var best: ReplicaStatus.Digest?
    for entry in ring where entry.index <= index && entry.index >= best?.index ?? 0 { best = entry }
    return best
  }
}
