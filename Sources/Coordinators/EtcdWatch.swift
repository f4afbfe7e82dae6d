internal import ClusterMap
internal import EventLoop
internal import HTTP
internal import Proto

/// One watch: first the present by a range, then a stream of changes from there (or from where the caller was), taken
/// up again behind the last one whenever it breaks.
///
/// A stream may be dead without knowing it; so the present is read again some times a second, and what the stream did
/// not tell is told. If the member of the stream is silent, that shows here too: calls go to another one then, and the
/// stream follows them. The store may have been restored from a snapshot, too: then its present is told anew, whatever
/// was told before. If etcd has compacted what we would resume from, the changes in between are gone and the present is
/// told.
///
/// On the loop's thread only.
final class EtcdWatch: ConnectionHandler {
  private let client: EtcdClient
  private let keys: EtcdKeys
  private let cancelled: Flag
  private let onChange: @Sendable (MapChange) -> Void
  private let onEnd: (EtcdWatch) -> Void
  private var told: [ShardID: UInt64]
  private var toldNodes: [NodeName: UInt64] = [:]
  /// Where the stream goes on; nil: first read the present.
  private var resumeAt: UInt64?
  /// The caller knows something already: what came after that is told in full, if etcd still has it.
  private let knownSince: UInt64?
  private var isEnded = false

  private var connection: Connection?
  private var endpoint: HostPort
  private var parser = ResponseParser()
  private var decoder: BodyDecoder?
  private var line: [UInt8] = []
  private var isFirstLook = true
  /// One look at a time: their answers come in the order of the store's revisions.
  private var isLooking = false
  /// Of the store at the last look: its identity, and its revision, which only grows while it is the same.
  private var seen: (store: String, revision: UInt64)?

  static let retryDelay: Duration = .milliseconds(100)
  /// A failover must not wait for it: see `EtcdClient.hedgeAfter` for the rest of the time until a machine that is gone
  /// is left.
  static let lookEvery: Duration = .milliseconds(300)

  init(
    client: EtcdClient, keys: EtcdKeys, told: [ShardID: UInt64], cancelled: Flag,
    onChange: @escaping @Sendable (MapChange) -> Void,
    onEnd: @escaping (EtcdWatch) -> Void
  ) {
    (self.client, self.told, self.cancelled, self.onChange, self.onEnd) = (client, told, cancelled, onChange, onEnd)
    self.keys = keys
    knownSince = told.values.min()
    endpoint = client.endpoint
  }

  var isCancelled: Bool { cancelled.isRaised }

  func begin() {
    client.whenMoved(self) { [weak self] in self?.moved() }
    look()
    lookLater()
  }

  func end() {
    guard !isEnded else { return }
    isEnded = true
    client.whenMoved(self, nil)
    connection?.abort()
    onEnd(self)
  }

  // MARK: Telling

  /// Tells what is new about a key. Whether anything was.
  @discardableResult private func tell(_ value: EtcdValue) -> Bool {
    if cancelled.isRaised { return false }
    if let (shard, register) = keys.register(value) {
      guard register.revision > told[shard] ?? 0 else { return false }
      told[shard] = register.revision
      onChange(.entry(shard, register))
      return true
    }
    if value.key.hasPrefix(keys.nodes), let node = NodeRecord(text: value.value) {
      guard value.revision > toldNodes[node.name] ?? 0 else { return false }
      toldNodes[node.name] = value.revision
      onChange(.node(node))
      return true
    }
    return false
  }

  // MARK: Looking at the present

  private func lookLater() {
    client.loop.schedule(after: Self.lookEvery) { [weak self] in
      guard let self, !isEnded else { return }
      look()
      lookLater()
    }
  }

  private func look() {
    guard !isLooking else { return }
    isLooking = true
    client.call("/v3/kv/range", EtcdMessage.range(keys.root, isPrefix: true)) { [weak self] answer in
      self?.isLooking = false
      self?.looked(answer)
    }
  }

  private func looked(_ answer: EtcdClient.Answer) {
    guard !isEnded else { return }
    guard case .success(let json) = answer, let revision = EtcdMessage.revision(json) else {
      connection?.abort()
      if connection == nil, resumeAt == nil { again { $0.look() } }
      return
    }
    let store = EtcdMessage.store(json)
    if let seen, seen.store != store || seen.revision > revision {
      (told, toldNodes, resumeAt) = ([:], [:], nil)
      connection?.abort()
    }
    seen = (store, revision)
    var news = false
    for value in EtcdMessage.values(json) {
      // What the caller knew of comes by the stream, with all that lies between.
      if isFirstLook, let (shard, _) = keys.register(value), told[shard] != nil { continue }
      if tell(value) { news = true }
    }
    let first = isFirstLook
    isFirstLook = false
    if connection != nil, resumeAt == nil {
      // The stream of the store before ends by itself, and the present is looked at again then.
    } else if first || resumeAt == nil {
      resumeAt = first ? knownSince.map { min($0, revision) + 1 } ?? revision + 1 : revision + 1
      openStream()
    } else if news {
      // The stream should have told this: it is late, or dead.
      resumeAt = revision + 1
      connection?.abort()
    }
  }

  private func again(_ work: @escaping (EtcdWatch) -> Void) {
    client.loop.schedule(after: Self.retryDelay) { [weak self] in
      if let self, !isEnded { work(self) }
    }
  }

  // MARK: The stream

  private func moved() {
    if endpoint != client.endpoint { connection?.abort() }
  }

  private func openStream() {
    guard connection == nil, !isEnded, let resumeAt else { return }
    (parser, decoder, line, endpoint) = (ResponseParser(), nil, [], client.endpoint)
    var options = ConnectionOptions()
    options.openTimeout = client.timeout
    let opened = client.loop.connect(to: endpoint, options: options, handler: self)
    opened.write(etcdRequest("/v3/watch", Array(EtcdMessage.watch(keys.root, from: resumeAt).compact.utf8), endpoint))
    connection = opened
  }

  func received(_ bytes: RawSpan, on connection: Connection) -> Int {
    do throws(HTTPError) {
      var used = 0
      if decoder == nil {
        guard let head = try parser.parse(bytes) else { return 0 }
        used = head.byteCount
        if head.isInterim { return used }
        guard head.status == 200 else { throw .badStatusLine }
        decoder = try BodyDecoder(head.framing, bytesMax: .max)
      }
      used += try decoder?.decode(bytes.extracting(used..<bytes.byteCount), into: &line) ?? 0
      takeLines()
      guard line.count <= EtcdConnection.bodyBytesMax else { throw .bodyTooLarge }
      return used
    } catch {
      connection.abort()
      return bytes.byteCount
    }
  }

  /// One JSON document a line.
  private func takeLines() {
    while let end = line.firstIndex(of: 0x0A) {
      let text = Array(line[..<end])
      line.removeSubrange(...end)
      if text.isEmpty { continue }
      guard let json = JSONValue(parsing: text), let result = json["result"] else {
        connection?.abort()
        return
      }
      take(result)
    }
  }

  private func take(_ result: JSONValue) {
    if result["canceled"]?.bool ?? false {
      // Compacted: what lies between is gone. Or etcd does not want us: look at the present all the same.
      resumeAt = nil
      connection?.abort()
      return
    }
    for event in result["events"]?.items ?? [] where event["type"]?.text ?? "PUT" == "PUT" {
      if let value = event["kv"].flatMap(EtcdValue.init) { tell(value) }
    }
    if let revision = EtcdMessage.revision(result), result["events"] != nil { resumeAt = revision + 1 }
  }

  func closed(_ connection: Connection, reason: CloseReason) {
    self.connection = nil
    guard !isEnded else { return }
    if endpoint != client.endpoint, resumeAt != nil { return openStream() }
    if case .connectFailed = reason { client.leave(endpoint) }
    again { watch in
      if watch.resumeAt == nil { watch.look() } else { watch.openStream() }
    }
  }
}
