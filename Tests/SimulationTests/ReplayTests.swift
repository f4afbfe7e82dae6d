import Octets
import Proto
import Simulation
import Testing

/// Goal: what a shard's machine does follows from what it is told. Method: all that one replica was told in a run with
/// crashes and other faults is written down, and told to fresh machines.
@Suite struct ReplayTests {
  static let seeds: [UInt64] = Array(1...24)

  @Test func aReplayDoesTheSame() throws {
    var (lives, disks, turns, filled) = (0, 0, 0, 0)
    for seed in Self.seeds {
      let node = Int(seed % 2)
      let (result, found) = Simulation.record(seed: seed, steps: 1_500, node: node, shard: 0)
      #expect(result.violation == nil, "seed \(seed)")
      let recording = try #require(found)
      var inputs: [String] = []
      do throws(ReplayError) {
        let replayed = try Simulation.replay(recording) { inputs.append($0) }
        #expect(replayed.turns > 0 && replayed.inputs > replayed.turns, "seed \(seed)")
        // A replica that lost its disk and is being taken in has nothing yet.
        if replayed.digest != 0 { filled += 1 }
        lives += replayed.lives
        turns += replayed.turns
      } catch {
        Issue.record("seed \(seed), node \(node): \(error); the last lines: \(inputs.suffix(4))")
      }
      disks += inputs.count { $0.contains("bytes published") || $0.contains("loaded LogEnd") }
    }
    #expect(lives > Self.seeds.count, "no node was started twice: the recordings begin with empty disks only")
    #expect(filled > Self.seeds.count * 3 / 4, "most replicas have nothing at the end: nothing was compared")
    #expect(disks > 0, "no snapshot was taken and no memory loaded: the recordings are too tame")
    print("\(Self.seeds.count) recordings: \(lives) processes, \(turns) turns, \(disks) snapshots and loads")
  }

  /// A recording changes nothing in its run.
  @Test func recordingIsNotNoticed() {
    for seed in Self.seeds.prefix(4) {
      let plain = Simulation.run(seed: seed, steps: 800)
      let recorded = Simulation.record(seed: seed, steps: 800, node: 0, shard: 0).result
      #expect(plain.hash == recorded.hash && plain.steps == recorded.steps)
    }
  }

  private func record() throws -> [UInt8] {
    try #require(Simulation.record(seed: 3, steps: 600, node: 0, shard: 0).recording)
  }

  @Test func aDamagedFileIsRefused() throws {
    let whole = try record()
    for place in stride(from: 0, to: whole.count, by: whole.count / 150 + 1) {
      var damaged = whole
      damaged[place] ^= 0x04
      #expect(throws: ReplayError.self, "byte \(place) of \(whole.count)") { try Simulation.replay(damaged) }
      if case .unreadable(let offset, _) = failure(damaged) {
        #expect(offset <= place, "the place that is named is the entry's")
      } else {
        Issue.record("byte \(place): \(String(describing: failure(damaged)))")
      }
    }
    for length in [0, 4, 5, 40, whole.count / 2, whole.count - 1] {
      #expect(throws: ReplayError.self, "\(length) bytes") { try Simulation.replay(Array(whole[..<length])) }
    }
    #expect(throws: ReplayError.self) { try Simulation.replay(whole + [0]) }
    // Without its last entry it is readable up to there, and refused.
    #expect(throws: ReplayError.self) { try Simulation.replay(Array(whole[..<entries(of: whole).last!.start])) }
  }

  /// Whoever changes an input, checksum and all, gets something else.
  @Test func aChangedInputDiffers() throws {
    let whole = try record()
    let requests = entries(of: whole).filter { $0.kind == 3 }
    #expect(requests.count > 10)
    var differing = 0
    for entry in requests.prefix(60) {
      var changed = whole
      // The end of a body: a part of the last request's command or query.
      changed[entry.end - 1] ^= 0x01
      seal(&changed, entry)
      if case .differs(let offset, _, _) = failure(changed) {
        #expect(offset > entry.start)
        differing += 1
      }
    }
    #expect(differing > 0)
    // Another machine, told the same.
    let life = try #require(entries(of: whole).first)
    var changed = whole
    // The seed stands behind the shard and the replica, whose node's name has two bytes.
    changed[life.start + 11 + 2 + 3 + 8] ^= 0x01
    seal(&changed, life)
    #expect(throws: ReplayError.self) { try Simulation.replay(changed) }
  }

  // MARK: The file

  private struct Entry {
    var kind: UInt8
    var start: Int
    var end: Int
  }

  private func entries(of file: [UInt8]) -> [Entry] {
    var entries: [Entry] = []
    var start = 5
    while start + 11 <= file.count {
      let length = (0..<4).reduce(0) { $0 | Int(file[start + 3 + $1]) << (8 * $1) }
      entries.append(Entry(kind: file[start], start: start, end: start + 11 + length))
      start += 11 + length
    }
    return entries
  }

  private func seal(_ file: inout [UInt8], _ entry: Entry) {
    var head: [UInt8] = []
    head.put(crc32c(Array(file[(entry.start + 11)..<entry.end]).rawSpan))
    head += file[entry.start..<(entry.start + 7)]
    file.patch(crc32c(head.rawSpan), at: entry.start + 7)
  }

  private func failure(_ file: [UInt8]) -> ReplayError? {
    do throws(ReplayError) {
      _ = try Simulation.replay(file)
      return nil
    } catch {
      return error
    }
  }
}
