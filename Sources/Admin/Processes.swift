internal import Flags
internal import Glibc

/// One process of a cluster on this machine, as its pid file names it. A pid alone may have been given to somebody else
/// meanwhile; with the time at which the process started it has not.
struct OwnProcess: Equatable {
  var pid: pid_t
  /// Clock ticks after the machine's start, from /proc.
  var started: UInt64

  /// nil: there is no such process (any more).
  init?(pid: pid_t) {
    guard let started = startTime(of: pid) else { return nil }
    (self.pid, self.started) = (pid, started)
  }

  /// The process that the pid file names, if it still runs.
  init?(pidFile path: String) {
    let numbers = [path, Self.startFile(path)].map { path in
      readFile(path).map { String(decoding: $0, as: UTF8.self) }?.split(whereSeparator: \.isWhitespace) ?? []
    }
    guard let pid = numbers[0].first.flatMap({ pid_t($0) }), let started = numbers[1].first.flatMap({ UInt64($0) }),
      let process = OwnProcess(pid: pid), process.started == started
    else { return nil }
    self = process
  }

  /// The pid file holds the pid alone, as supervisors and `kill $(cat …)` want it; the start stands beside it.
  func writePidFile(_ path: String) throws(AdminError) {
    try writeFile(Self.startFile(path), "\(started)\n")
    try writeFile(path, "\(pid)\n")
  }

  private static func startFile(_ path: String) -> String {
    (path.hasSuffix(".pid") ? String(path.dropLast(4)) : path) + ".start"
  }

  var isAlive: Bool { startTime(of: pid) == started }

  func send(_ signal: Int32) { if isAlive { kill(pid, signal) } }

  /// Whether it ended within the time.
  func waitForEnd(_ patience: Duration, _ tick: () -> Void = {}) -> Bool {
    let deadline = ContinuousClock.now + patience
    while isAlive {
      if ContinuousClock.now > deadline { return false }
      tick()
      sleepBriefly()
    }
    return true
  }
}

/// 20 milliseconds: between two looks at something that has no better way to tell.
func sleepBriefly() { usleep(20_000) }

/// When a process was started; nil if it is gone or only its status is left to collect.
private func startTime(of pid: pid_t) -> UInt64? {
  guard let text = readFile("/proc/\(pid)/stat").map({ String(decoding: $0, as: UTF8.self) }),
    let end = text.lastIndex(of: ")")
  else { return nil }
  // Behind the name, which may hold anything, come state (field 3) and, nineteen fields later, the start (field 22).
  let fields = text[text.index(after: end)...].split(separator: " ")
  guard fields.count > 19, fields[0] != "Z" else { return nil }
  return UInt64(fields[19])
}

/// `POSIX_SPAWN_SETSID`, which glibc shows to GNU programs only.
private let newSession: Int16 = 0x80

/// Starts a program as a daemon: a session of its own, no input, both outputs appended to `log`.
func startDaemon(_ program: String, _ arguments: [String], log: String) throws(AdminError) -> OwnProcess {
  var actions = unsafe posix_spawn_file_actions_t()
  var attributes = posix_spawnattr_t()
  // Safe: both are initialised here, used for one call and destroyed; Swift lends the texts for each call only.
  unsafe posix_spawn_file_actions_init(&actions)
  unsafe posix_spawnattr_init(&attributes)
  defer {
    unsafe posix_spawn_file_actions_destroy(&actions)
    unsafe posix_spawnattr_destroy(&attributes)
  }
  unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  unsafe posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
  unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
  // A daemon must not inherit that whoever called us blocked or ignored SIGTERM.
  // Safe: both sets and the attributes live until after the call.
  var none = sigset_t()
  var all = sigset_t()
  unsafe sigemptyset(&none)
  unsafe sigfillset(&all)
  unsafe posix_spawnattr_setsigmask(&attributes, &none)
  unsafe posix_spawnattr_setsigdefault(&attributes, &all)
  unsafe posix_spawnattr_setflags(&attributes, newSession | Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
  let words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
  defer { unsafe words.forEach { unsafe free($0) } }
  var pid: pid_t = 0
  // Safe: `words` ends with nil and lives until after the call.
  let code = unsafe posix_spawn(&pid, program, &actions, &attributes, words, environ)
  guard code == 0 else { throw .refused("\(program) cannot be started: \(errorText(code))") }
  guard let process = OwnProcess(pid: pid) else { throw .refused("\(program) ended at once; see \(log)") }
  return process
}

/// Why a server cannot listen at an address; nil: it can.
func whyTaken(_ address: String) throws(AdminError) -> String? {
  let parsed = try checked { () throws(UsageError) in try StreamAddress(address, flag: "address") }
  guard case .port(let host, let port) = parsed else {
    // Whether a file can be replaced, the router finds out.
    return (try? BlockingSocket(address, timeout: .seconds(1))) == nil ? nil : "a process listens there"
  }
  var hints = unsafe addrinfo()
  unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  unsafe hints.ai_flags = AI_PASSIVE
  var found: UnsafeMutablePointer<addrinfo>?
  // Safe: the list is freed below, and nothing of it is kept.
  guard unsafe getaddrinfo(host, String(port), &hints, &found) == 0, let first = unsafe found else {
    return "no such host"
  }
  defer { unsafe freeaddrinfo(found) }
  let descriptor = unsafe socket(first.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { return errorText(errno) }
  defer { close(descriptor) }
  var yes: Int32 = 1
  unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
  if unsafe bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0, listen(descriptor, 1) == 0 {
    return nil
  }
  guard errno == EADDRINUSE else { return errorText(errno) }
  return "the port is taken" + (listener(on: port).map { " by process \($0.pid) (\($0.name))" } ?? "")
}

/// Who listens on a TCP port of this machine; nil if nobody does, or only the administrator may know.
func listener(on port: UInt16) -> (pid: pid_t, name: String)? {
  let hexPort = String(port, radix: 16, uppercase: true)
  let suffix = ":" + String(repeating: "0", count: 4 - hexPort.count) + hexPort
  var inodes: Set<String> = []
  for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
    let lines = String(decoding: readFile(path) ?? [], as: UTF8.self).split(separator: "\n").dropFirst()
    for fields in lines.map({ $0.split(separator: " ") }) where fields.count > 9 {
      // 0A: listening.
      if fields[1].hasSuffix(suffix), fields[3] == "0A" { inodes.insert("socket:[\(fields[9])]") }
    }
  }
  if inodes.isEmpty { return nil }
  for pid in names(in: "/proc").compactMap({ pid_t($0) }) {
    for file in names(in: "/proc/\(pid)/fd") {
      var buffer = [CChar](repeating: 0, count: 64)
      // Safe: the pointer is the buffer's own, with one byte less than its length, for this call only.
      let count = unsafe readlink("/proc/\(pid)/fd/\(file)", &buffer, buffer.count - 1)
      guard count > 0 else { continue }
      let target = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if inodes.contains(target) {
        let name = String(decoding: readFile("/proc/\(pid)/comm") ?? [], as: UTF8.self)
        return (pid, name.split(separator: "\n").first.map(String.init) ?? "?")
      }
    }
  }
  return nil
}

/// The names in a directory; none if it cannot be read.
func names(in path: String) -> [String] {
  // Safe: Swift lends the path for the call; the handle is closed at the end and not used after.
  guard let directory = unsafe opendir(path) else { return [] }
  defer { unsafe _ = closedir(directory) }
  var names: [String] = []
  while let entry = unsafe readdir(directory) {
    // Safe: `d_name` ends with a zero and is copied before the next call of `readdir`.
    let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
      unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}

/// Makes a directory and its missing parents.
func makeDirectory(_ path: String) throws(AdminError) {
  var made = path.hasPrefix("/") ? "/" : ""
  for part in path.split(separator: "/") {
    made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
    guard unsafe mkdir(made, 0o755) == 0 || errno == EEXIST || errno == EISDIR else {
      throw .refused("\(made): \(errorText(errno))")
    }
  }
}

/// A path that means the same from every directory.
func absolutePath(_ path: String) -> String {
  if path.hasPrefix("/") { return path }
  // Safe: `getcwd` allocates the text, which is copied and freed.
  guard let current = unsafe getcwd(nil, 0) else { return path }
  defer { unsafe free(current) }
  return unsafe String(cString: current) + "/" + path
}

/// The directory of this program's file: the other programs are beside it.
func programDirectory() -> String {
  var buffer = [CChar](repeating: 0, count: 4_096)
  // Safe: the pointer is the buffer's own, with one byte less than its length, for this call only.
  let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count - 1)
  let path = String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
}

/// Whether this file is there and may be started.
func isProgram(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }
