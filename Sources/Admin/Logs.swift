internal import ClusterMap
internal import Flags
internal import Glibc
internal import Journal
internal import Octets
internal import Proto
import Time

/// `holdfast log verify` and `log dump`.
let logCommands: [AdminCommand] = [
  AdminCommand(
    CommandSpec(
      name: "holdfast log verify", summary: "Reads a stopped node's whole log and snapshots and says what is wrong.",
      arguments: ["DIR"], flags: [.json],
      notes: """
        DIR is a node's directory, such as var/n1. Nothing is changed. Ends with 0 if nothing is missing that the node needs, with \
        1 if something is damaged. No damage: what a crash tore (torn), what was damaged and was made up for since (repaired), and \
        what the node itself took out of a shard's log (cut, rebuilt).
        """)
  ) { run async throws(AdminError) in try verify(run) },
  AdminCommand(
    CommandSpec(
      name: "holdfast log dump", summary: "Shows a node's log, frame by frame or record by record.", arguments: ["DIR"],
      flags: [
        FlagSpec("shard", "N", "this shard only"),
        FlagSpec("from", "INDEX", default: "0", "frames that end at this index or later"),
        FlagSpec("limit", "N", "at most so many frames"), FlagSpec(switch: "records", "each frame's records too"),
        FlagSpec(switch: "json", "one JSON object a line"),
      ])
  ) { run async throws(AdminError) in try dump(run) },
]

/// A node's directory that is there.
private func storage(_ run: Invocation) throws(AdminError) -> DirectoryStorage {
  let directory = run.flags.arguments[0]
  guard readFile(directory + "/identity") != nil else {
    throw .refused("\(directory) is no node's directory: it has no file named identity")
  }
  do throws(StorageError) { return try DirectoryStorage(directory) } catch { throw .refused(error.description) }
}

private func inspect(_ storage: DirectoryStorage, _ console: Console) throws(AdminError) -> LogInspection {
  var progress = Progress("Reading", console)
  defer { progress.finish() }
  do throws(JournalError) {
    return try LogInspection(storage) { done in
      progress.update(Double(done.bytesDone) / Double(max(1, done.bytesTotal)), "\(done.recordsDone) records")
    }
  } catch {
    throw .refused(error.description)
  }
}

// MARK: verify

private func verify(_ run: Invocation) throws(AdminError) {
  let storage = try storage(run)
  do throws(StorageError) { try storage.lock() } catch {
    guard case .locked = error else { throw .refused(error.description) }
    throw .refused("a node runs on \(run.flags.arguments[0]): stop it, or verify a copy")
  }
  let log = try inspect(storage, run.console)
  storage.unlock()
  let damage = log.recovery.unreadable.filter { $0.kind == .damage && !$0.isSettled }
  let lost = log.snapshots.filter { !$0.isReadable }
  let suspect = log.recovery.shards.filter { if case .suspectByDamage = $0.state { true } else { false } }
  // A segment's header that cannot be read is a stretch as well.
  let isGood = damage.isEmpty && lost.isEmpty && suspect.isEmpty
  run.console.out(run.wantsJSON ? verifyJSON(log, isGood).compact + "\n" : verifyText(log))
  guard isGood else {
    throw .refused("damaged: \(damage.count) stretches, \(lost.count) snapshots, \(suspect.count) shards")
  }
}

private func state(_ shard: ShardRecovery) -> String {
  switch shard.state {
  case .clean: "clean"
  case .suspectByTear: "torn: what the last write held may be missing"
  case .suspectByDamage(.stretch): "damaged: an unreadable stretch may have held its last frames"
  case .suspectByDamage(.gap): "damaged: frames are missing in the middle"
  case .suspectByDamage(.unreachable(let index)): "damaged: does not reach index \(index), where a snapshot stood"
  }
}

private let cutsShown = 20

/// What an unreadable stretch is called, and what that means.
private func standing(of stretch: UnreadableStretch) -> (word: String, meaning: String) {
  switch (stretch.kind, stretch.isSettled) {
  case (.tear, false): ("torn", ": a crash left it, and the next start goes on behind it")
  case (.tear, true): ("torn", ": a crash left it, and the node has gone on behind it")
  case (.damage, false): ("DAMAGED", "")
  case (.damage, true): ("repaired", ": cannot be read, and every shard has gone on behind it")
  }
}

private func verifyText(_ log: LogInspection) -> String {
  let recovery = log.recovery
  var out =
    "node \(log.replica.node), disk \(hex(log.replica.disk)): \(log.segments.count) segments, \(recovery.frameCount) frames, "
  out += "\(recovery.recordCount) records, \(log.snapshots.count) snapshots\n\n"
  out += table(
    [["SHARD", "INDEX", "COMMITTED", "EPOCH", "SNAPSHOT", "STATE"]]
      + recovery.shards.map { shard in
        [
          String(shard.shard.rawValue), String(shard.end.index), String(shard.committed), String(shard.end.epoch),
          shard.snapshot.map { String($0.end.index) } ?? "-", state(shard),
        ]
      })
  for stretch in recovery.unreadable {
    let (word, meaning) = standing(of: stretch)
    let header = log.segments.first { !$0.isReadable && $0.first == stretch.range.lowerBound }
    let place = header.map { ", the header of \($0.path)" } ?? ""
    out += "\(word): positions \(stretch.range.lowerBound) to \(stretch.range.upperBound)\(place)\(meaning)\n"
  }
  // The newest: a log that is kept for long may have many.
  let earlier = log.cuts.count - cutsShown
  if earlier > 0 { out += "cut or rebuilt \(earlier) times before; --json lists all\n" }
  for cut in log.cuts.suffix(cutsShown) {
    let what =
      cut.isRebuild
      ? "rebuilt: shard \(cut.shard.rawValue) from its peer's snapshot at index \(cut.index)"
      : "cut: shard \(cut.shard.rawValue) behind index \(cut.index)"
    out += "\(what), by this node, at position \(cut.position)\n"
  }
  for snapshot in log.snapshots where !snapshot.isReadable {
    out += "DAMAGED: the snapshot of shard \(snapshot.shard.rawValue) at \(snapshot.index)\n"
  }
  return out
}

private func verifyJSON(_ log: LogInspection, _ isGood: Bool) -> JSONValue {
  let shards = log.recovery.shards.map { shard -> JSONValue in
    .object([
      .init("shard", .number(shard.shard.rawValue)), .init("index", .number(shard.end.index)),
      .init("committed", .number(shard.committed)), .init("epoch", .number(shard.end.epoch)),
      .init("snapshot", shard.snapshot.map { .number($0.end.index) } ?? .null), .init("state", .text(state(shard))),
    ])
  }
  let unreadable = log.recovery.unreadable.map { stretch -> JSONValue in
    .object([
      .init("kind", .text(stretch.kind == .tear ? "tear" : "damage")), .init("from", .number(stretch.range.lowerBound)),
      .init("to", .number(stretch.range.upperBound)), .init("settled", .bool(stretch.isSettled)),
    ])
  }
  let cuts = log.cuts.map { cut -> JSONValue in
    .object([
      .init("shard", .number(cut.shard.rawValue)), .init("kind", .text(cut.isRebuild ? "rebuilt" : "cut")),
      .init("index", .number(cut.index)), .init("position", .number(cut.position)),
    ])
  }
  return .object([
    .init("node", .text(log.replica.node.description)), .init("disk", .text(hex(log.replica.disk))),
    .init("good", .bool(isGood)),
    .init("segments", .number(log.segments.count)), .init("frames", .number(log.recovery.frameCount)),
    .init("records", .number(log.recovery.recordCount)), .init("shards", .array(shards)),
    .init("unreadable", .array(unreadable)), .init("cuts", .array(cuts)),
    .init(
      "snapshots",
      .array(
        log.snapshots.map {
          .object([
            .init("shard", .number($0.shard.rawValue)), .init("index", .number($0.index)),
            .init("readable", .bool($0.isReadable)),
          ])
        })),
  ])
}

// MARK: dump

private func dump(_ run: Invocation) throws(AdminError) {
  let shard = try checked { () throws(UsageError) in try run.flags.number("shard", in: 0...65_535) }
  let from = UInt64(try checked { () throws(UsageError) in try run.flags.number("from", in: 0...Int.max) } ?? 0)
  var left = try checked { () throws(UsageError) in try run.flags.number("limit", in: 1...Int.max) } ?? .max
  let withRecords = run.flags.has("records")
  let log = try inspect(storage(run), run.console)
  do throws(JournalError) {
    try log.forEachFrame { position, frame, records in
      guard frame.kind != .batch, shard.map({ $0 == Int(frame.shard.rawValue) }) ?? true, frame.lastIndex >= from else {
        return true
      }
      run.console.line(
        run.wantsJSON ? frameJSON(position, frame, withRecords ? records : nil).compact : frameText(position, frame))
      if withRecords, !run.wantsJSON {
        forEachRecord(frame, records) { index, kind, key, byteCount in
          run.console.line("    \(index)  \(kind)  \(byteCount) bytes" + (key.isEmpty ? "" : "  key \(key)"))
        }
      }
      left -= 1
      return left > 0
    }
  } catch {
    throw .refused(error.description)
  }
}

private func frameText(_ position: UInt64, _ frame: LogFrame) -> String {
  "\(position)  shard \(frame.shard.rawValue)  epoch \(frame.epoch)  \(frame.kind) \(frame.firstIndex)…\(frame.lastIndex)  "
    + "\(frame.rawBytes) bytes in \(frame.blockBytes)  stamp \(frame.stamp)  committed \(frame.committed)  chain \(hex(frame.chain))"
}

private func frameJSON(_ position: UInt64, _ frame: LogFrame, _ records: RawSpan?) -> JSONValue {
  var members: [JSONValue.Member] = [
    .init("position", .number(position)), .init("shard", .number(frame.shard.rawValue)),
    .init("kind", .text("\(frame.kind)")),
    .init("epoch", .number(frame.epoch)), .init("first_index", .number(frame.firstIndex)),
    .init("count", .number(frame.count)),
    .init("stamp", .number(frame.stamp.rawValue)), .init("committed", .number(frame.committed)),
    .init("raw_bytes", .number(frame.rawBytes)),
    .init("block_bytes", .number(frame.blockBytes)), .init("chain", .text(hex(frame.chain))),
  ]
  if let records {
    var list: [JSONValue] = []
    forEachRecord(frame, records) { index, kind, key, byteCount in
      list.append(
        .object([
          .init("index", .number(index)), .init("kind", .text("\(kind)")), .init("key", .text(key.description)),
          .init("bytes", .number(byteCount)),
        ]))
    }
    members.append(.init("records", .array(list)))
  }
  return .object(members)
}

private func forEachRecord(
  _ frame: LogFrame, _ records: RawSpan, _ body: (UInt64, CommandKind, Bytes, _ byteCount: Int) -> Void
) {
  var reader = ByteReader(records)
  var index = frame.firstIndex
  while reader.bytesLeft > 0, let record = try? CommandRecord(decoding: &reader) {
    body(index, record.kind, Bytes(record.key), record.bytes.byteCount)
    index += 1
  }
}
