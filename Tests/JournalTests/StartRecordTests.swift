import Journal
import MemoryDisk
import Proto
import Testing

/// What a directory says of its starts and proposals.
@Suite struct StartRecordTests {
  private let record = StartRecord(
    cluster: 0xC1, shardCount: 16, confirmed: 4, intended: 5, presence: 6, place: .max, stale: [ShardID(3), ShardID(0)])

  @Test func itComesBack() throws {
    let storage = MemoryStorage()
    #expect(try StartRecord.read(storage) == nil)
    try record.write(to: storage)
    #expect(try StartRecord.read(storage) == record)
    let text = storage.content("starts").map { String(decoding: $0, as: UTF8.self) }
    #expect(text?.hasPrefix("holdfast-starts 1 00000000000000c1 16 4 5 6 ffffffffffffffff 0,3 ") == true)
    var clean = record
    clean.stale = []
    try clean.write(to: storage)
    #expect(try StartRecord.read(storage) == clean)
  }

  @Test func whatWasChangedIsNotBelieved() throws {
    let storage = MemoryStorage()
    try record.write(to: storage)
    let bytes = storage.content("starts")!
    for offset in bytes.indices {
      storage.flipBit("starts", offset: offset, bit: 1)
      #expect(throws: JournalError.self) { try StartRecord.read(storage) }
      storage.flipBit("starts", offset: offset, bit: 1)
    }
    for length in 0..<bytes.count {
      storage.change("starts") { $0 = Array(bytes[..<length]) }
      #expect(throws: JournalError.self) { try StartRecord.read(storage) }
    }
  }

  @Test(arguments: 0..<40) func aCrashLeavesTheOldOneOrTheNew(operation: Int) throws {
    let storage = MemoryStorage()
    var old = record
    old.confirmed = 3
    try old.write(to: storage)
    storage.plan(.crash, at: operation % 5)
    do throws(JournalError) {
      try record.write(to: storage)
    } catch {
      #expect(storage.hasCrashed)
    }
    let found = try StartRecord.read(storage.afterPowerLoss(seed: UInt64(operation)))
    #expect(found == old || found == record)
  }

  @Test func proposalsAreNotedByShard() throws {
    let storage = MemoryStorage()
    let notes = try ProposalNotes(storage, shardCount: 4)
    #expect(try notes.note(.made, of: ShardID(2)) == nil)
    let one = ProposalNotes.Note(proposal: 11, epoch: 3)
    let two = ProposalNotes.Note(proposal: 12, epoch: 9)
    try notes.write(.made, [(ShardID(2), one), (ShardID(3), two)])
    try notes.write(.entered, [(ShardID(2), two)])
    let again = try ProposalNotes(storage.afterPowerLoss(seed: 1), shardCount: 4)
    #expect(try again.note(.made, of: ShardID(2)) == one && again.note(.made, of: ShardID(3)) == two)
    #expect(try again.note(.entered, of: ShardID(2)) == two && again.note(.entered, of: ShardID(3)) == nil)
    #expect(try again.note(.made, of: ShardID(0)) == nil)
    storage.flipBit("proposals", offset: 4 * 32 + 3, bit: 4)
    #expect(try ProposalNotes(storage, shardCount: 4).note(.made, of: ShardID(2)) == nil, "a torn slot notes nothing")
  }

  @Test func aCopyHasAnotherPlace() throws {
    let storage = MemoryStorage(seed: 3)
    try record.write(to: storage)
    let place = try storage.place(of: "starts")
    #expect(try storage.afterPowerLoss(seed: 1).place(of: "starts") == place)
    #expect(try storage.copy().place(of: "starts") == place, "an image")
    #expect(try storage.copy(place: 9).place(of: "starts") == 9)
  }
}
