internal import ClusterMap
import Coordinators
internal import Flags
internal import Glibc
internal import Proto
import Time

/// Flags that several commands share.
extension FlagSpec {
  static let data = FlagSpec(
    "data", "DIR", default: "var", "where a cluster on this machine keeps its data, logs and pid files")
  static let coordinator = FlagSpec(
    "coordinator", "file:DIR|etcd:http://HOST:PORT[,…]",
    "where the map lives; else as holdfast up left it, else file:DATA/coordinator")
  static let http = FlagSpec(
    "http", "HOST:PORT|unix:PATH", "the router's HTTP door; else any that registered, else 127.0.0.1:8080")
  static let tls = FlagSpec(
    switch: "tls", "the routers' doors speak TLS; trusted are the system's authorities, or --ca")
  static let ca = FlagSpec("ca", "FILE", "the certificates to trust at routers that speak TLS, as PEM; implies --tls")
  static let json = FlagSpec(switch: "json", "as JSON, for scripts")
  static let timeout = FlagSpec("timeout", "SECONDS", default: "10", "how long to wait for an answer")
}

/// What `holdfast up` leaves in `DATA/cluster.json`, so that the other commands need no flags.
struct ClusterFile: Equatable {
  var coordinator: String
  var http: String
  /// What the cluster was started with: a later `up` takes these for the flags that it is not given.
  var flags: [String: String] = [:]

  /// nil: there is none. What is there and cannot be understood is refused, for other processes and other data would be
  /// asked for instead.
  static func read(data: String) throws(AdminError) -> ClusterFile? {
    let path = data + "/cluster.json"
    guard let text = readFile(path) else { return nil }
    guard let json = JSONValue(parsing: text), let coordinator = json["coordinator"]?.text,
      let http = json["http"]?.text
    else {
      throw .refused(
        "\(path) cannot be understood: it should be JSON with \"coordinator\" and \"http\". Mend it, or take it away and give "
          + "the cluster's flags again (--coordinator, --nodes, --http, …)")
    }
    var flags: [String: String] = [:]
    for member in json["flags"]?.members ?? [] { flags[member.name] = member.value.text }
    return ClusterFile(coordinator: coordinator, http: http, flags: flags)
  }

  var text: String {
    JSONValue.object([
      .init("coordinator", .text(coordinator)), .init("http", .text(http)),
      .init("flags", .object(flags.sorted { $0.key < $1.key }.map { .init($0.key, .text($0.value)) })),
    ]).pretty + "\n"
  }
}

/// One run of a command: its flags and where it writes.
struct Invocation {
  let flags: ParsedFlags
  let console: Console

  var data: String { flags.text("data") ?? "var" }
  var trust: RouterTrust { RouterTrust(usesTLS: flags.has("tls"), ca: flags.text("ca")) }
  var wantsJSON: Bool { flags.has("json") }

  func timeout() throws(AdminError) -> Duration {
    .seconds(try checked { () throws(UsageError) in try flags.number("timeout", in: 1...3_600) } ?? 10)
  }

  func coordinatorAddress() throws(AdminError) -> CoordinatorAddress {
    var text = flags.text("coordinator") ?? "file:\(data)/coordinator"
    if !flags.has("coordinator"), let known = try ClusterFile.read(data: data)?.coordinator { text = known }
    guard let address = CoordinatorAddress(text) else {
      throw .usage("--coordinator: \"\(text)\" is neither file:DIR nor etcd:http://HOST:PORT[,…]")
    }
    return address
  }

  /// The coordinator of a cluster that is there.
  func coordinator() throws(AdminError) -> any Coordinator {
    let address = try coordinatorAddress()
    do throws(CoordinatorError) { return try address.open(create: false) } catch { throw AdminError(error) }
  }

  /// The doors of the routers that registered, the youngest first. None if the coordinator does not say.
  private func registeredDoors() async -> [(address: String, usesTLS: Bool)] {
    guard let coordinator = try? coordinator() else { return [] }
    defer { coordinator.close() }
    let routers = (try? await coordinator.routers()) ?? []
    return routers.sorted { $0.startedAt > $1.startedAt }.flatMap { router in
      doors(of: router).map { ($0, router.usesTLS && !$0.hasPrefix("unix:")) }
    }
  }

  /// Calls the API at the first router that can be reached: the one that is named; else the one that `up` left behind,
  /// those that registered, and where one listens by default. The coordinator is asked only if it must be, so that a
  /// hold does not need it.
  func api(
    _ method: String, _ path: String, body: [UInt8]? = nil, headers: [(String, String)] = []
  ) async throws(AdminError) -> HTTPAnswer {
    var addresses: [String] = []
    if let http = flags.text("http") {
      addresses = [http]
    } else if flags.text("coordinator") == nil, let cluster = try ClusterFile.read(data: data) {
      addresses = [cluster.http]
    }
    // With a key a call that may have happened is safe to send again, at another router.
    var headers = headers
    if method != "GET", !headers.contains(where: { $0.0 == "Idempotency-Key" }) {
      headers.append(("Idempotency-Key", "cli-" + hex(.random(in: 0 ... .max)) + hex(.random(in: 0 ... .max))))
    }
    var isAsked = flags.has("http")
    var failure = AdminError.unreachable("no router")
    while true {
      if addresses.isEmpty {
        guard !isAsked else { throw failure }
        isAsked = true
        let registered = await registeredDoors()
        let isTrusted = trust.transport(to: "") != .plain
        addresses = registered.filter { isTrusted || !$0.usesTLS }.map(\.address)
        if let door = registered.first, addresses.isEmpty {
          throw .untrusted(
            "the router at \(door.address) speaks TLS: give --tls, or --ca FILE with the certificates to trust")
        }
        // Where one listens by default, if nobody says where one does.
        if addresses.isEmpty { addresses = ["127.0.0.1:8080"] }
      }
      do throws(AdminError) {
        let address = addresses.removeFirst()
        // One that says nothing may stand still, and another may answer; a large body takes its time everywhere.
        let isQuick = !flags.has("http") && (body?.count ?? 0) < 1 << 20
        return try call(
          method, path, at: address, trust.transport(to: address), body: body, headers: headers,
          timeout: .seconds(isQuick ? 10 : 60))
      } catch {
        switch error {
        case .unreachable, .gone: failure = error
        case .refused, .usage, .untrusted, .verdict: throw error
        }
      }
    }
  }

  /// As `api`, but a refusal is thrown: with what the problem document says.
  ///
  /// - Parameter file: which the body is, as its user wrote it; nil: the body was made of flags and arguments.
  func successful(
    _ method: String, _ path: String, body: [UInt8]? = nil, headers: [(String, String)] = [], file: String? = nil
  ) async throws(AdminError) -> JSONValue {
    let answer = try await api(method, path, body: body, headers: headers)
    guard (200..<300).contains(answer.status) else { throw refusal(answer, flags: flags, file: file) }
    return answer.json ?? .null
  }
}

/// Where this machine can reach a router's HTTP door. Files and loopback addresses are those of the router's own
/// machine.
func doors(of router: RouterRecord) -> [String] {
  let isHere = router.host.isEmpty || router.host == machineName()
  let own = ["unix:", "127.", "[::1]:", "localhost:"]
  return ([router.http] + router.moreHTTP).filter { door in isHere || !own.contains { door.hasPrefix($0) } }
}

/// A problem document in one line: `seats_taken: … (Stalls-A-1, Stalls-A-2)`. Lines, columns and fields are those of a
/// body: of one that its user did not write, the flag is said that the field was made of.
func refusal(_ answer: HTTPAnswer, flags: ParsedFlags? = nil, file: String? = nil) -> AdminError {
  let json = answer.json
  var text = json?["code"]?.text ?? "status \(answer.status)"
  if let detail = json?["detail"]?.text ?? json?["title"]?.text {
    text += ": " + (file == nil ? withoutPlace(detail) : "\(file ?? ""): " + detail)
  }
  if let seats = json?["seats"]?.items?.compactMap(\.text), !seats.isEmpty {
    text += " (\(seats.joined(separator: ", ")))"
  }
  if let field = json?["field"]?.text {
    let flag = flagName(field)
    text += file == nil && flags?.has(flag) == true ? " (--\(flag))" : " (field \(field))"
  }
  return answer.status == 503 || answer.status == 504 ? .unreachable(text) : .refused(text)
}

/// `max-per-order` of `max_per_order`; `section` of `sections[3].rows`, `price` of `prices.VIP`.
private func flagName(_ field: String) -> String {
  let first = field.prefix { $0 != "." && $0 != "[" }
  let name = ["sections": "section", "areas": "area", "prices": "price"][String(first)] ?? String(first)
  return String(name.map { $0 == "_" ? "-" : $0 })
}

/// Without ` (line 1, column 34)`, wherever a sentence says it.
private func withoutPlace(_ detail: String) -> String {
  detail.replacing(#/ \(line \d+(?:, column \d+)?\)/#, with: "")
}

/// A whole file; nil if it cannot be read.
func readFile(_ path: String) -> [UInt8]? {
  // Safe: Swift lends the path for this call only.
  let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    // Safe: the pointer is the buffer's own, with its own length, for this call only.
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
    if count == 0 { return bytes }
    guard count > 0 else { return nil }
    bytes += buffer[..<count]
  }
}

/// Writes a small file in place of what was there.
func writeFile(_ path: String, _ text: String) throws(AdminError) {
  let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard file >= 0 else { throw .refused("\(path): \(errorText(errno))") }
  defer { close(file) }
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    // Safe: the pointer is the slice's own, with its own length, for this call only.
    let count = unsafe rest.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
    guard count > 0 else { throw .refused("\(path): \(errorText(errno))") }
    rest = rest.dropFirst(count)
  }
}
