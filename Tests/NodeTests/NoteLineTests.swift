import Logging
import Node
import Proto
import Replication
import ShardCore
import Testing

/// Goal: an operator reads sentences in the log, not the spelling of this program. Method: every note's line, looked at
/// for what only source text has.
@Suite struct NoteLineTests {
  private static let first = ReplicaID(node: NodeName("n1")!, disk: 0xA1)
  private static let second = ReplicaID(node: NodeName("n2")!, disk: 0xB2)

  /// One of each kind, and each reason of those that have reasons.
  private static let notes: [Note] =
    [
      .proposed(MapEntry(epoch: 4, primary: first, follower: second, proposal: 1)),
      .proposed(MapEntry(epoch: 4, primary: first, follower: nil, proposal: 1)),
      .proposalLost(epoch: 4), .becamePrimary(epoch: 4, follower: second), .becamePrimary(epoch: 4, follower: nil),
      .becameFollower(epoch: 4, primary: first), .joining(epoch: 4, primary: first), .epochOpened(4),
      .peerSilent(second, milliseconds: 512), .ownDiskSlow(milliseconds: 700), .ownDiskFull,
      .peerGaveUp(second, nil), .peerGaveUp(second, .damaged), .peerEnded(second), .peerDeclaredDead(second),
      .tailCut(from: 9, to: 7),
      .suspectCleared, .lossAccepted(behind: LogPosition(epoch: 3, index: 9, chain: 1)),
      .mapIsOlder(found: 3, known: 4), .mapIsOlder(found: nil, known: 4),
      .digestDiffers(index: 9, mine: 1, theirs: 2), .otherDisk(second),
      .lostAcknowledged(second, acknowledged: 9, end: 7), .drainStarted, .drainGivenUp,
    ] + Suspicion.allCases.map { .suspectWaits($0) } + HaltReason.allCases.map { .halted($0) }

  /// Another kind of note does not compile here: it belongs into `notes` too.
  private func kind(_ note: Note) -> Int {
    switch note {
    case .proposed: 0
    case .proposalLost: 1
    case .becamePrimary: 2
    case .becameFollower: 3
    case .joining: 4
    case .epochOpened: 5
    case .peerSilent: 6
    case .ownDiskSlow: 7
    case .tailCut: 8
    case .suspectCleared: 9
    case .suspectWaits: 10
    case .lossAccepted: 11
    case .mapIsOlder: 12
    case .digestDiffers: 13
    case .otherDisk: 14
    case .lostAcknowledged: 15
    case .drainStarted: 16
    case .drainGivenUp: 17
    case .halted: 18
    case .ownDiskFull: 19
    case .peerGaveUp: 20
    case .peerEnded: 21
    case .peerDeclaredDead: 22
    }
  }

  @Test func everyKindIsLookedAt() { #expect(Set(Self.notes.map(kind)) == Set(0...22)) }

  @Test(arguments: notes) func aLineIsASentence(note: Note) {
    let line = NoteLine(note) { $0.sentence }
    let sentence = line.sentence.description
    #expect(sentence.split(separator: " ").count >= 2, "\(sentence)")
    #expect(isPlain(sentence), "\(sentence)")
    for (name, value) in line.fields {
      #expect(!name.description.isEmpty && !name.description.contains(where: \.isUppercase), "\(name)")
      if case .text(let text) = value { #expect(isPlain(text), "\(name): \(text)") }
    }
  }

  @Test func twoKindsHaveTwoSentences() {
    let lines = Dictionary(grouping: Self.notes) { NoteLine($0) { _ in "" }.sentence.description }
    for (sentence, notes) in lines { #expect(Set(notes.map(kind)).count == 1, "\(sentence)") }
  }

  @Test func aLineNamesNodesAndNumbers() {
    let line = NoteLine(.peerSilent(Self.second, milliseconds: 512)) { _ in "" }
    let fields = line.fields.map { "\($0.name) \($0.value)" }
    #expect(fields == ["peer text(\"n2\")", "silent_ms number(512)"])
  }

  /// No call, no dotted or compound name, no optional.
  private func isPlain(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    for (this, next) in zip(bytes, bytes.dropFirst()) {
      let isLower = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(this)
      let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(next)
      if isLower && isUpper { return false }
    }
    return !text.contains(where: { "()[]{}_\"\\".contains($0) }) && !text.contains("Optional") && !text.contains(" .")
  }
}
