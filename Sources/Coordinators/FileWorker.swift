internal import ClusterMap
internal import Glibc
internal import Proto
import Threads

/// One watch of the file coordinator and how far it has been told.
struct FileWatch: Sendable {
  var told: [ShardID: UInt64]
  var toldNodes: [NodeName: NodeRecord] = [:]
  let cancelled: Flag
  let onChange: @Sendable (MapChange) -> Void

  init(told: [ShardID: UInt64], cancelled: Flag, onChange: @escaping @Sendable (MapChange) -> Void) {
    (self.told, self.cancelled, self.onChange) = (told, cancelled, onChange)
  }

  /// Tells a shard's news, given its present register.
  mutating func tell(_ shard: ShardID, _ latest: MapRegister, in map: inout FileMap?) throws(CoordinatorError) {
    guard let known = told[shard] else { return tell(shard, [latest]) }
    // A revision that went back: another directory is there, and its present is news.
    guard known < latest.revision else { return known > latest.revision ? tell(shard, [latest]) : () }
    tell(shard, try map?.registers(shard, after: known) ?? [])
  }

  private mutating func tell(_ shard: ShardID, _ registers: [MapRegister]) {
    for register in registers where !cancelled.isRaised {
      told[shard] = register.revision
      onChange(.entry(shard, register))
    }
  }

  mutating func tell(_ nodes: [NodeRecord]) {
    for node in nodes where toldNodes[node.name] != node && !cancelled.isRaised {
      toldNodes[node.name] = node
      onChange(.node(node))
    }
  }
}

/// The file coordinator's thread: runs what is submitted, in order, and between that tells the watches what inotify
/// woke it for.
final class FileWorker: Sendable {
  /// nil instead of the map: the coordinator was closed.
  typealias Job = @Sendable (inout FileMap?) -> Void

  private struct Inbox {
    var jobs: [Job] = []
    var watches: [FileWatch] = []
    /// Set once; the thread then ends. Nobody writes to `wakeUp` any more after `ended`.
    var stopping = false
    var ended = false
  }

  private let inbox = Lock(Inbox())
  /// A pipe, readable while the inbox has news. The thread closes it when it ends.
  private let wakeUp: (reading: Int32, writing: Int32)
  private static let jobsMax = 10_000

  init(map: FileMap) throws(CoordinatorError) {
    var ends: [Int32] = [-1, -1]
    // Safe: the array has the two places that the call fills.
    guard unsafe pipe(&ends) == 0 else { throw .unreachable("pipe: error \(errno)") }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    wakeUp = (ends[0], ends[1])
    Thread.needed(name: "coordinator") { [self] in serve(map) }.detach()
  }

  func submit(_ job: @escaping Job) {
    let taken = inbox.withLock { inbox in
      guard !inbox.stopping, inbox.jobs.count < Self.jobsMax else { return false }
      inbox.jobs.append(job)
      wake(&inbox)
      return true
    }
    if !taken {
      var none: FileMap?
      job(&none)
    }
  }

  func add(_ watch: FileWatch) {
    inbox.withLock { inbox in
      guard !inbox.stopping else { return }
      inbox.watches.append(watch)
      wake(&inbox)
    }
  }

  func stop() {
    inbox.withLock { inbox in
      inbox.stopping = true
      wake(&inbox)
    }
  }

  /// Under the lock, so that the descriptor is still ours.
  private func wake(_ inbox: inout Inbox) {
    if inbox.ended { return }
    var byte: UInt8 = 1
    // Safe: one byte of a local variable, for this call only. A full pipe wakes the thread as well.
    unsafe _ = write(wakeUp.writing, &byte, 1)
  }

  // MARK: The thread

  private func serve(_ map: FileMap) {
    var map: FileMap? = map
    var watches: [FileWatch] = []
    var shardCount: Int?
    var notify = Notify(root: map?.root ?? "")
    while true {
      // With inotify the time-out is only a safety net; without it (the user's limit is reached) it is how changes are
      // seen.
      let patience: Int32 = watches.isEmpty ? -1 : notify == nil ? 10 : 250
      waitForNews(notify, patience)
      if let seen = notify, !seen.isCurrent {
        // The directories were deleted or exchanged: those that are there now, if any, are watched instead.
        seen.close()
        notify = Notify(root: map?.root ?? "")
      }
      let (jobs, added, stopping) = inbox.withLock { inbox in
        defer { (inbox.jobs, inbox.watches) = ([], []) }
        return (inbox.jobs, inbox.watches, inbox.stopping)
      }
      if stopping { map = nil }
      for job in jobs { job(&map) }
      if stopping { break }
      watches += added
      watches.removeAll { $0.cancelled.isRaised }
      if !watches.isEmpty { tell(&watches, &map, &shardCount) }
    }
    notify?.close()
    inbox.withLock { inbox in
      inbox.ended = true
      close(wakeUp.reading)
      close(wakeUp.writing)
    }
  }

  private func waitForNews(_ notify: Notify?, _ patience: Int32) {
    var waits = [pollfd(fd: wakeUp.reading, events: Int16(POLLIN), revents: 0)]
    if let notify { waits.append(pollfd(fd: notify.descriptor, events: Int16(POLLIN), revents: 0)) }
    // Safe: the pointer is the array's own, with its own count, for this call only.
    unsafe _ = waits.withUnsafeMutableBufferPointer { unsafe poll($0.baseAddress, nfds_t($0.count), patience) }
    drain(wakeUp.reading)
    if let notify { drain(notify.descriptor) }
  }

  /// What cannot be read now is told the next time.
  private func tell(_ watches: inout [FileWatch], _ map: inout FileMap?, _ shardCount: inout Int?) {
    do throws(CoordinatorError) {
      if shardCount == nil { shardCount = try map?.birth()?.shardCount }
      for shard in (0..<(shardCount ?? 0)).map({ ShardID(UInt16($0)) }) {
        guard let latest = try map?.latest(shard) else { continue }
        for place in watches.indices { try watches[place].tell(shard, latest, in: &map) }
      }
      guard let nodes = try map?.nodes() else { return }
      for place in watches.indices { watches[place].tell(nodes) }
    } catch {}
  }
}

/// Wakes the thread when a name appears below the coordinator's directory.
private struct Notify {
  let descriptor: Int32
  private let root: String
  /// The inodes of what is watched.
  private let inodes: [UInt64]
  private static func paths(_ root: String) -> [String] { [root, root + "/map", root + "/nodes"] }

  /// nil: this user has no inotify instances left.
  init?(root: String) {
    descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    guard descriptor >= 0 else { return nil }
    self.root = root
    inodes = Self.paths(root).map(Files.inode)
    for path in Self.paths(root) {
      // Safe: Swift lends the path for this call only.
      guard unsafe inotify_add_watch(descriptor, path, UInt32(IN_CREATE | IN_MOVED_TO)) >= 0 else {
        close()
        return nil
      }
    }
  }

  /// Whether the same directories are still there.
  var isCurrent: Bool { Self.paths(root).map(Files.inode) == inodes }

  func close() { _ = Glibc.close(descriptor) }
}

/// Empties a non-blocking descriptor. What it says does not matter: everything is looked at.
private func drain(_ descriptor: Int32) {
  var buffer = [UInt8](repeating: 0, count: 4_096)
  // Safe: the pointer is the buffer's own, with its own length, for this call only.
  while unsafe buffer.withUnsafeMutableBytes({ unsafe read(descriptor, $0.baseAddress, $0.count) }) > 0 {}
}
