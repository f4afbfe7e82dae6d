internal import ClusterMap
internal import Glibc
internal import Proto

/// The registers of the file coordinator: blocking, confined to one thread.
///
/// Layout below the directory:
/// - `map/<shard>.<revision>`: one register's content at one revision, in text. Complete and synced before it gets this
///   name by `Files.link`, which fails if the name is taken: that is the compare-and-set. Never removed, so that
///   revisions have no gaps and the present one is found by counting up.
/// - `birth`: the birth record, made in the same way.
/// - `nodes/<name>@<start>`: a node's record for one of its starts, made in the same way, so that one process has the
///   name; the highest start counts. Its owner replaces it by `rename`.
/// - `routers/<key>`: records, replaced by `rename`.
/// - `pass-keys/<id>`: the private keys of passes, for their owner's eyes only.
/// - `tmp/`: files that have no other name yet; what a killed process left here is removed by the next one.
///
/// There is no lock, so no stopped process can keep one.
///
/// The directory may be deleted, or replaced by an older copy, while processes use it: what was known is looked for
/// again each time, and is forgotten with the directory that it was in.
struct FileMap {
  let root: String
  private let mayCreate: Bool
  /// The newest register of each shard that this process has read; safe on disk.
  private var known: [ShardID: MapRegister] = [:]
  /// The newest revision of each shard of which this process knows that its name is safe on disk, read or not.
  private var safe: [ShardID: UInt64] = [:]
  /// As the birth record says, once it was read.
  private var shardCount = 0
  /// A sync failed: what this process believes to be safe may not be. Nothing is answered any more.
  private var broken: String?
  private var temporaryCount = 0
  /// The birth record as it was read last, whose name is safe on disk.
  private var knownBirth: BirthRecord?
  /// The only cluster that registers are read and written for.
  private var boundTo: BirthRecord?

  init(root: String, create: Bool) throws(CoordinatorError) {
    (self.root, mayCreate) = (root, create)
    do throws(FileError) {
      let isThere = try Files.exists(root + "/map")
      guard create || isThere else { throw FileError(call: "open", path: root, code: ENOENT) }
      try makeDirectories()
      try removeLeftovers()
      if create { try tryLink() }
    } catch {
      throw .unreachable(error.description)
    }
  }

  private func makeDirectories() throws(FileError) {
    for part in ["map", "nodes", "routers", Self.passKeys, "tmp"] { try Files.makeDirectory(root + "/" + part) }
    try Files.sync(directory: root)
  }

  static let passKeys = "pass-keys"

  mutating func bind(to birth: BirthRecord) { boundTo = birth }

  /// Throws `otherCluster` if the directory holds another cluster than the one it is bound to, or none.
  mutating func checkCluster() throws(CoordinatorError) {
    guard let boundTo else { return }
    let found = try birth()
    guard found?.cluster == boundTo.cluster else { throw .otherCluster(found: found) }
  }

  /// A process that is killed between write and link leaves a file in `tmp`. A stopped one that wakes up after its file
  /// was removed finds that it cannot link it, and writes another.
  private func removeLeftovers() throws(FileError) {
    for name in try Files.names(in: root + "/tmp") {
      guard let owner = name.split(separator: ".").first.flatMap({ pid_t($0) }) else { continue }
      if kill(owner, 0) != 0, errno == ESRCH { try Files.remove(root + "/tmp/" + name) }
    }
  }

  /// Whether names can be given as the registers need it is found out now, and not when a role must change.
  private mutating func tryLink() throws(FileError) {
    let (file, name) = (temporaryName(), temporaryName())
    try Files.create(file)
    let linked = Result { () throws(FileError) in try Files.link(file, as: name) }
    for path in [file, name] { try Files.remove(path) }
    _ = try linked.get()
  }

  // MARK: Registers

  func path(_ shard: ShardID, _ revision: UInt64) -> String { "\(root)/map/\(shard.rawValue).\(revision)" }

  /// The register as it is now. Syncs the directory before it believes in a name that it did not know: another process
  /// may have been killed, or the machine may lose power, between link and sync.
  mutating func latest(_ shard: ShardID) throws(CoordinatorError) -> MapRegister? {
    try guarded { map throws(FileError) in
      let newest = try map.newest(shard)
      guard newest > map.known[shard]?.revision ?? 0 else { return map.known[shard] }
      if newest > map.safe[shard] ?? 0 { try map.makeSafe(shard, newest) }
      map.known[shard] = try map.register(shard, newest)
      return map.known[shard]
    }
  }

  /// The shard's highest revision that has a name now.
  private mutating func newest(_ shard: ShardID) throws(FileError) -> UInt64 {
    var revision = max(known[shard]?.revision ?? 0, safe[shard] ?? 0)
    if revision > 0, !(try Files.exists(path(shard, revision))) {
      // Never removed, so this is another directory: an older copy, or a new one.
      (known, safe, revision) = ([:], [:], 0)
    }
    while try Files.exists(path(shard, revision + 1)) { revision += 1 }
    return revision
  }

  /// Syncs the directory. That makes every name safe that stood there before, so that is looked up for all shards
  /// first: a process that starts, or sees a whole node's roles change, syncs once and not once a shard.
  private mutating func makeSafe(_ shard: ShardID, _ revision: UInt64) throws(FileError) {
    var seen = safe
    seen[shard] = revision
    for other in 0..<UInt16(clamping: shardCount) where other != shard.rawValue {
      seen[ShardID(other)] = try newest(ShardID(other))
    }
    try Files.sync(directory: root + "/map")
    safe = seen
  }

  /// One revision that is known to exist.
  func register(_ shard: ShardID, _ revision: UInt64) throws(FileError) -> MapRegister {
    guard let text = try Files.read(path(shard, revision)), let entry = MapEntry(text: text) else {
      throw FileError(call: "understand", path: path(shard, revision), code: EILSEQ)
    }
    return MapRegister(revision: revision, entry: entry)
  }

  /// The revisions after `revision` up to the newest, oldest first.
  mutating func registers(_ shard: ShardID, after revision: UInt64) throws(CoordinatorError) -> [MapRegister] {
    guard let latest = try latest(shard), latest.revision > revision else { return [] }
    return try guarded { map throws(FileError) in
      var registers: [MapRegister] = []
      for older in (revision + 1)..<latest.revision { registers.append(try map.register(shard, older)) }
      return registers + [latest]
    }
  }

  mutating func propose(_ entry: MapEntry, for shard: ShardID, expecting revision: UInt64) -> ProposalResult {
    do throws(CoordinatorError) {
      let current = try latest(shard)
      if let current, current.entry.proposal == entry.proposal { return .won(current) }
      guard current?.revision ?? 0 == revision else { return .lost(current: current) }
      if try link(entry.text, as: path(shard, revision + 1), in: root + "/map") {
        // Ours, and safe on disk; another may have followed already, which the next look finds.
        let register = MapRegister(revision: revision + 1, entry: entry)
        (known[shard], safe[shard]) = (register, register.revision)
        return .won(register)
      }
      guard let now = try latest(shard), now.revision > revision else {
        return .unsettled(.broken("a revision vanished"))
      }
      return now.entry.proposal == entry.proposal ? .won(now) : .lost(current: now)
    } catch {
      return .unsettled(error)
    }
  }

  /// Writes and syncs a file, then gives it its name unless that is taken. Whether it got it.
  private mutating func link(
    _ text: String, as name: String, in directory: String
  ) throws(CoordinatorError) -> Bool {
    try guarded { map throws(FileError) in
      let temporary = map.temporaryName()
      try Files.write(temporary, text + "\n")
      let linked = Result { () throws(FileError) in try Files.link(temporary, as: name) }
      try? Files.remove(temporary)
      let isLinked = try linked.get()
      try Files.sync(directory: directory)
      return isLinked
    }
  }

  private mutating func temporaryName() -> String {
    temporaryCount += 1
    return "\(root)/tmp/\(getpid()).\(temporaryCount).\(hex(UInt64.random(in: 0 ... .max)))"
  }

  // MARK: Birth, nodes, routers

  mutating func birth() throws(CoordinatorError) -> BirthRecord? {
    try guarded { map throws(FileError) in
      guard let text = try Files.read(map.root + "/birth") else {
        map.knownBirth = nil
        return nil
      }
      guard let record = BirthRecord(text: text) else {
        throw FileError(call: "understand", path: map.root + "/birth", code: EILSEQ)
      }
      if record != map.knownBirth { try Files.sync(directory: map.root) }
      (map.shardCount, map.knownBirth) = (record.shardCount, record)
      return record
    }
  }

  mutating func birth(proposing record: BirthRecord) throws(CoordinatorError) -> BirthRecord {
    if let winner = try birth() { return winner }
    if mayCreate { try guarded { map throws(FileError) in try map.makeDirectories() } }
    _ = try link(record.text, as: root + "/birth", in: root)
    guard let winner = try birth() else { throw .broken("the birth record vanished") }
    return winner
  }

  /// How many of a node's earlier starts are kept: a claim that is as late as that finds its number taken.
  private static let startsKept: UInt64 = 16

  /// By name, each node's newest record.
  mutating func nodes() throws(CoordinatorError) -> [NodeRecord] {
    var newest: [NodeName: NodeRecord] = [:]
    for text in try texts(in: "nodes") {
      guard let record = NodeRecord(text: text), record.start >= newest[record.name]?.start ?? 0 else { continue }
      newest[record.name] = record
    }
    return newest.values.sorted { $0.name < $1.name }
  }

  private static func fileName(_ name: NodeName, _ start: UInt64) -> String { "\(name)@\(start)" }

  mutating func claim(_ node: NodeRecord, after current: NodeRecord?) throws(CoordinatorError) -> ClaimResult {
    let newest = try nodes().first { $0.name == node.name }
    guard newest == current, node.start > newest?.start ?? 0 else { return .lost(newest) }
    let folder = root + "/nodes"
    let isLinked = try link(node.text, as: folder + "/" + Self.fileName(node.name, node.start), in: folder)
    let winner = try nodes().first { $0.name == node.name }
    guard isLinked, winner?.start == node.start else { return .lost(winner) }
    if node.start > Self.startsKept {
      try remove(Self.fileName(node.name, node.start - Self.startsKept), in: "nodes")
    }
    return .taken
  }

  mutating func register(_ node: NodeRecord) throws(CoordinatorError) -> Bool {
    if let newest = try nodes().first(where: { $0.name == node.name }), newest.start > node.start { return false }
    try put(node.text, as: Self.fileName(node.name, node.start), in: "nodes")
    return true
  }

  /// Writes a record in place of the one of that name.
  ///
  /// - Parameter isSecret: whether only this process's user may read it.
  mutating func put(
    _ text: String, as name: String, in folder: String, isSecret: Bool = false
  ) throws(CoordinatorError) {
    try guarded { map throws(FileError) in
      let temporary = map.temporaryName()
      try Files.write(temporary, text + "\n", mode: isSecret ? 0o600 : 0o644)
      try Files.rename(temporary, to: "\(map.root)/\(folder)/\(name)")
      try Files.sync(directory: "\(map.root)/\(folder)")
    }
  }

  mutating func remove(_ name: String, in folder: String) throws(CoordinatorError) {
    try guarded { map throws(FileError) in
      try Files.remove("\(map.root)/\(folder)/\(name)")
      try Files.sync(directory: "\(map.root)/\(folder)")
    }
  }

  /// Removes what former versions wrote of the same router.
  mutating func removeFormer(of router: RouterRecord, as names: [String]) throws(CoordinatorError) {
    for name in names {
      let text = try guarded { map throws(FileError) in try Files.read("\(map.root)/routers/\(name)") }
      guard let text, RouterRecord(text: text)?.isFormer(of: router) == true else { continue }
      try remove(name, in: "routers")
    }
  }

  /// The records in a folder, by name.
  mutating func texts(in folder: String) throws(CoordinatorError) -> [[UInt8]] {
    try guarded { map throws(FileError) in
      var texts: [[UInt8]] = []
      for name in try Files.names(in: map.root + "/" + folder) {
        if let text = try Files.read("\(map.root)/\(folder)/\(name)") { texts.append(text) }
      }
      return texts
    }
  }

  /// Runs some file work. After a failed sync nothing is believed any more: the kernel marks the pages clean and would
  /// let the next one succeed. A record that cannot be understood may be one of a copy that somebody is putting there
  /// now: it is read again the next time.
  private mutating func guarded<T>(_ work: (inout FileMap) throws(FileError) -> T) throws(CoordinatorError) -> T {
    if let broken { throw .broken(broken) }
    do throws(FileError) {
      return try work(&self)
    } catch {
      if error.call == "fsync" {
        broken = error.description
        throw .broken(error.description)
      }
      if error.code == EILSEQ { throw .broken(error.description) }
      throw .unreachable(error.description)
    }
  }
}
