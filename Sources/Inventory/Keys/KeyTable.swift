import Octets
import Proto
import Time

/// A queue of 64-bit words in pages: written at the tail, dropped at the head, read anywhere between.
struct WordLog: Sendable {
  private static let shift: UInt64 = 12
  private static let mask: UInt64 = 1 << shift - 1
  private var pages: [[UInt64]] = []
  /// The first entry of `pages` as a page number; pages before `head`'s are empty.
  private var firstPage: UInt64 = 0
  private var deadPages = 0
  private(set) var head: UInt64 = 0
  private(set) var tail: UInt64 = 0

  var count: Int { Int(tail - head) }

  @inline(__always) subscript(position: UInt64) -> UInt64 {
    pages[Int(position >> Self.shift - firstPage)][Int(position & Self.mask)]
  }

  @inline(__always) mutating func append(_ word: UInt64) {
    let page = Int(tail >> Self.shift - firstPage)
    if page == pages.count { pages.append(Array(repeating: 0, count: 1 << Int(Self.shift))) }
    pages[page][Int(tail & Self.mask)] = word
    tail += 1
  }

  @inline(__always) mutating func append(_ words: Span<UInt64>) {
    let place = Int(tail & Self.mask)
    guard place > 0, place + words.count <= 1 << Int(Self.shift) else {
      for index in words.indices { append(words[index]) }
      return
    }
    let page = Int(tail >> Self.shift - firstPage)
    for index in words.indices { pages[page][place + index] = words[index] }
    tail += UInt64(words.count)
  }

  mutating func drop(to position: UInt64) {
    head = position
    while deadPages < Int(head >> Self.shift - firstPage) {
      pages[deadPages] = []
      deadPages += 1
    }
    if deadPages > 64, deadPages * 2 > pages.count {
      pages.removeFirst(deadPages)
      firstPage += UInt64(deadPages)
      deadPages = 0
    }
  }
}

/// The fixed words of a key's entry.
///
/// Layout in 64-bit words: `stamp: u44, keyBytes: u8, form: u1, hasSubject: u1, byArguments: u1`; `event: u24, slot:
/// u28`; `sequence: u48`; the arguments' hash; the key, padded with zeros; then, in form `held`: secret, total,
/// `version: u47, ttl: u17`; in form `encoded`: the outcome's byte count and bytes, padded.
struct KeyEntry: Equatable {
  enum Form: UInt8 {
    case encoded = 0
    case held = 1
  }
  var stamp: Stamp
  var keyBytes: Int
  var form: Form
  /// It made, changed or ended this hold or order.
  var subject: (slot: UInt32, sequence: UInt64)?
  /// It is found by its arguments, too.
  var byArguments: Bool
  var event: UInt32
  var arguments: UInt64

  static let fixedWords: UInt64 = 4
  /// Stands for the event of what nobody knows the event of. No event has this slot.
  static let noEvent: UInt32 = 1 << 24 - 1
  /// Only for hashes: more than 24 bits, so no entry's.
  static let anyEvent: UInt32 = .max
  var keyWords: UInt64 { UInt64(keyBytes + 7) >> 3 }

  init(
    stamp: Stamp, keyBytes: Int, form: Form, subject: (slot: UInt32, sequence: UInt64)?, byArguments: Bool,
    event: UInt32, arguments: UInt64
  ) {
    (self.stamp, self.keyBytes, self.form, self.subject) = (stamp, keyBytes, form, subject)
    (self.byArguments, self.event, self.arguments) = (byArguments, event, arguments)
  }

  @inline(__always) static func stamp(_ word: UInt64) -> Stamp { Stamp(Int64(word & (1 << 44 - 1))) }

  /// Any four words are an entry.
  init(_ w0: UInt64, _ w1: UInt64, _ w2: UInt64, _ w3: UInt64) {
    stamp = Self.stamp(w0)
    keyBytes = Int(w0 >> 44 & 0xFF)
    form = w0 >> 52 & 1 == 1 ? .held : .encoded
    byArguments = w0 >> 54 & 1 == 1
    event = UInt32(truncatingIfNeeded: w1) & (1 << 24 - 1)
    subject = w0 >> 53 & 1 == 1 ? (UInt32(truncatingIfNeeded: w1 >> 24) & HoldRecord.low28, w2 & (1 << 48 - 1)) : nil
    arguments = w3
  }

  @inline(__always) var words: (UInt64, UInt64, UInt64, UInt64) {
    var w0 = UInt64(bitPattern: stamp.rawValue) & (1 << 44 - 1) | UInt64(keyBytes) << 44 | UInt64(form.rawValue) << 52
    w0 |= (subject == nil ? 0 : 1) << 53 | (byArguments ? 1 : 0) << 54
    return (w0, UInt64(event) | UInt64(subject?.slot ?? 0) << 24, subject?.sequence ?? 0, arguments)
  }

  static func == (a: KeyEntry, b: KeyEntry) -> Bool { a.words == b.words }
}

/// Idempotency keys with their outcomes, oldest first, and an index over them.
struct KeyTable: Sendable {
  private(set) var log = WordLog()
  var index = HashIndex()
  private(set) var count = 0
  private let salt: UInt64
  /// Whether `findAnywhere` is asked for: it takes an entry of the index for each key.
  private let findsAnywhere: Bool

  /// More words than this could not be told apart by 32 bits.
  private static let wordsMax = 1 << 32 - 1 << 20

  init(salt: UInt64, findsAnywhere: Bool = false) { (self.salt, self.findsAnywhere) = (salt, findsAnywhere) }

  var entryBytes: Int { log.count * 8 }
  var bytes: Int { log.count * 8 + index.bytes }

  func entry(at position: UInt64) -> KeyEntry {
    KeyEntry(log[position], log[position + 1], log[position + 2], log[position + 3])
  }

  /// The oldest must go, however young.
  @inline(__always) var isTooLong: Bool { log.count > Self.wordsMax }

  /// When the oldest entry was made. There is one.
  @inline(__always) var firstStamp: Stamp { KeyEntry.stamp(log[log.head]) }

  /// Words that the entry takes.
  func length(at position: UInt64, _ entry: KeyEntry) -> UInt64 {
    let outcomeAt = KeyEntry.fixedWords + entry.keyWords
    switch entry.form {
    case .held: return outcomeAt + 3
    case .encoded: return outcomeAt + 1 + (log[position + outcomeAt] + 7) >> 3
    }
  }

  // MARK: Finding

  /// Hash of a key in an event's scope.
  @inline(__always) func hash(_ key: RawSpan, event: UInt32) -> UInt64 {
    var hash = scope(event: event, keyBytes: key.byteCount)
    for word in 0..<key.wordCount { hash = mix64(hash ^ key.word(word)) }
    return hash
  }

  /// Hash of a key beside its command's arguments.
  func hash(_ key: RawSpan, arguments: UInt64) -> UInt64 {
    var hash = scope(arguments: arguments, keyBytes: key.byteCount)
    for word in 0..<key.wordCount { hash = mix64(hash ^ key.word(word)) }
    return hash
  }

  @inline(__always) func scope(event: UInt32, keyBytes: Int) -> UInt64 {
    mix64(salt ^ UInt64(event) << 8 ^ UInt64(keyBytes))
  }
  private func scope(arguments: UInt64, keyBytes: Int) -> UInt64 {
    mix64(mix64(salt ^ arguments) ^ UInt64(keyBytes))
  }

  func hash(at position: UInt64, _ entry: KeyEntry, scope: UInt64) -> UInt64 {
    var hash = scope
    for word in 0..<entry.keyWords { hash = mix64(hash ^ log[position + KeyEntry.fixedWords + word]) }
    return hash
  }

  /// Where the entry stands that a value of the index means.
  @inline(__always) func position(of value: UInt32) -> UInt64 {
    log.head + UInt64(value &- UInt32(truncatingIfNeeded: log.head))
  }

  /// Where the entry of this key stands: in the scope of `event`, or, if that is nil, the one with these arguments.
  ///
  /// - Parameter since: entries that are older are passed over.
  @inline(__always) func find(
    _ key: RawSpan, hash: UInt64, event: UInt32?, arguments: UInt64, since: Stamp = .distantPast
  ) -> UInt64? {
    var probe = index.probe(hash)
    while let value = index.next(&probe) {
      let position = position(of: value)
      if matches(position, key, event, arguments), KeyEntry.stamp(log[position]) >= since { return position }
    }
    return nil
  }

  private func matches(_ position: UInt64, _ key: RawSpan, _ event: UInt32?, _ arguments: UInt64) -> Bool {
    let entry = entry(at: position)
    guard entry.keyBytes == key.byteCount else { return false }
    if let event {
      guard entry.event == event else { return false }
    } else {
      guard entry.arguments == arguments else { return false }
    }
    for word in 0..<key.wordCount where log[position + KeyEntry.fixedWords + UInt64(word)] != key.word(word) {
      return false
    }
    return true
  }

  // MARK: Adding and dropping

  /// Begins an entry; the caller appends the outcome's words and calls `end`.
  @inline(__always) mutating func begin(_ entry: KeyEntry, key: RawSpan) -> UInt64 {
    let position = log.tail
    let words = entry.words
    log.append(words.0)
    log.append(words.1)
    log.append(words.2)
    log.append(words.3)
    for word in 0..<key.wordCount { log.append(key.word(word)) }
    return position
  }

  @inline(__always) mutating func append(_ word: UInt64) { log.append(word) }

  /// Ends an entry: indexes it and returns its term of the digest. An older entry of the same key, which is only still
  /// here because nothing has dropped it yet, is found no more.
  @inline(__always) mutating func end(_ position: UInt64) -> UInt64 {
    let entry = entry(at: position)
    let hash = hash(at: position, entry, scope: scope(event: entry.event, keyBytes: entry.keyBytes))
    if let older = twin(of: position, entry, hash: hash) { supersede(older, by: entry.arguments) }
    index.insert(hash, UInt32(truncatingIfNeeded: position))
    if entry.byArguments {
      index.insert(argumentsHash(at: position, entry), UInt32(truncatingIfNeeded: position))
    }
    if findsAnywhere { indexAnywhere(position) }
    count += 1
    return digestTerm(position, log.tail)
  }

  private func argumentsHash(at position: UInt64, _ entry: KeyEntry) -> UInt64 {
    hash(at: position, entry, scope: scope(arguments: entry.arguments, keyBytes: entry.keyBytes))
  }

  private func twin(of position: UInt64, _ entry: KeyEntry, hash: UInt64) -> UInt64? {
    var probe = index.probe(hash)
    while let value = index.next(&probe) {
      let other = self.position(of: value)
      let otherEntry = self.entry(at: other)
      guard otherEntry.event == entry.event, otherEntry.keyBytes == entry.keyBytes else { continue }
      let keyAt = KeyEntry.fixedWords
      if (0..<entry.keyWords).allSatisfy({ log[position + keyAt + $0] == log[other + keyAt + $0] }) { return other }
    }
    return nil
  }

  /// An older entry of the same key and scope is found no more, but by other arguments: it may be of an event that had
  /// the slot before.
  private mutating func supersede(_ position: UInt64, by arguments: UInt64) {
    let entry = entry(at: position)
    if entry.arguments == arguments { return unlink(position) }
    let hash = hash(at: position, entry, scope: scope(event: entry.event, keyBytes: entry.keyBytes))
    index.remove(hash, UInt32(truncatingIfNeeded: position))
  }

  private mutating func unlink(_ position: UInt64) {
    let entry = entry(at: position)
    let hash = hash(at: position, entry, scope: scope(event: entry.event, keyBytes: entry.keyBytes))
    index.remove(hash, UInt32(truncatingIfNeeded: position))
    if entry.byArguments {
      index.remove(argumentsHash(at: position, entry), UInt32(truncatingIfNeeded: position))
    }
    if findsAnywhere { unlinkAnywhere(position) }
  }

  /// Adds an entry of form `held` whose hash is known, and returns its term of the digest: the hot path; with keys as
  /// routers make them, of 16 bytes, it reads nothing back. `older` is what `find` found of the same key.
  @inline(__always) mutating func addHeld(
    _ entry: KeyEntry, _ key: RawSpan, hash: UInt64, older: UInt64?, _ held: Outcome.Held
  ) -> UInt64 {
    if let older { supersede(older, by: entry.arguments) }
    let last = held.version & (1 << 47 - 1) | UInt64((held.expiresAt - entry.stamp).seconds) << 47
    if key.byteCount > 16 || key.byteCount <= 8 {
      let position = begin(entry, key: key)
      log.append(held.id.secret)
      log.append(UInt64(bitPattern: held.total))
      log.append(last)
      return end(position)
    }
    let fixed = entry.words
    let words: InlineArray<9, UInt64> = [
      fixed.0, fixed.1, fixed.2, fixed.3, key.word(0), key.word(1), held.id.secret, UInt64(bitPattern: held.total),
      last,
    ]
    var sum = DigestSum()
    for word in 0..<9 { sum.add(words[word]) }
    index.insert(hash, UInt32(truncatingIfNeeded: log.tail))
    log.append(words.span)
    if findsAnywhere { indexAnywhere(log.tail - UInt64(words.count)) }
    count += 1
    return sum.finished(count: 9)
  }

  /// Drops the oldest entry and returns its term of the digest.
  mutating func dropFirst() -> UInt64 {
    let end = log.head + length(at: log.head, entry(at: log.head))
    let term = digestTerm(log.head, end)
    unlink(log.head)
    log.drop(to: end)
    count -= 1
    return term
  }

  /// Moves the oldest entry behind all others of `other`.
  mutating func moveFirst(to other: inout KeyTable) {
    let start = log.head
    let end = start + length(at: start, entry(at: start))
    unlink(start)
    let position = other.log.tail
    for place in start..<end { other.log.append(log[place]) }
    _ = other.end(position)
    log.drop(to: end)
    count -= 1
  }

  /// Moves the oldest entry behind all others.
  mutating func rotate() {
    let start = log.head
    let end = start + length(at: start, entry(at: start))
    unlink(start)
    let position = log.tail
    for place in start..<end { log.append(log[place]) }
    log.drop(to: end)
    count -= 1
    _ = self.end(position)
  }

  private func digestTerm(_ start: UInt64, _ end: UInt64) -> UInt64 {
    var sum = DigestSum()
    for position in start..<end { sum.add(log[position]) }
    return sum.finished(count: end - start)
  }

  /// Each word of an entry times an odd number of its own.
  private struct DigestSum {
    var sum: UInt64 = 0
    var factor: UInt64 = 0x9E37_79B9_7F4A_7C15
    @inline(__always) mutating func add(_ word: UInt64) {
      sum &+= word &* factor
      factor &+= 0x3C6E_F372_FE94_F82A
    }
    @inline(__always) func finished(count: UInt64) -> UInt64 { term(.key, sum, count) }
  }
}
