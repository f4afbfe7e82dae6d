public import Octets

/// Why a connection at the Redis door is closed: its bytes are no commands. Written as an `ERR` before the close.
public enum RESPError: UInt8, Error, Sendable, CaseIterable {
  case badArrayLength = 1
  case badBulkLength
  /// An array's element is no bulk string.
  case expectedBulk
  /// A line does not end in CR LF, or a bulk string is longer than it says.
  case badLineEnd
  case lineTooLong
  case commandTooLong
  case tooManyArguments
  case unbalancedQuotes
  /// A typed command has bytes that nobody types: another protocol's.
  case notText
  /// A typed command is a line of another protocol, such as HTTP.
  case otherProtocol

  /// The text behind `-ERR `.
  public var message: StaticName {
    switch self {
    case .badArrayLength: "Protocol error: invalid multibulk length"
    case .badBulkLength: "Protocol error: invalid bulk length"
    case .expectedBulk: "Protocol error: expected '$'"
    case .badLineEnd: "Protocol error: expected CR LF"
    case .lineTooLong: "Protocol error: too big inline request"
    case .commandTooLong: "Protocol error: too big command"
    case .tooManyArguments: "Protocol error: too many arguments"
    case .unbalancedQuotes: "Protocol error: unbalanced quotes in request"
    case .notText: "Protocol error: a typed command is text without control characters"
    case .otherProtocol: "Protocol error: this door speaks the Redis protocol only; HTTP has a door of its own"
    }
  }
}

/// What a command may have at most.
public struct RESPLimits: Sendable, Equatable {
  public var arguments = 65_540
  public var bulkBytes = 64 << 10
  /// Bytes of a command that comes as one line.
  public var inlineBytes = 64 << 10
  /// Bytes of one whole command, framing included: what a connection's buffer must be able to hold.
  public var commandBytes = 2 << 20
  public init() {}
}

/// Finds commands in a connection's bytes: arrays of bulk strings, as every client sends them, and lines, as people
/// type them. Holds no bytes itself: arguments are places in the buffer.
///
/// ```swift
/// while let used = try parser.next(rest) {
///   if parser.argumentCount > 0 { …parser.argument(0, in: rest)… }
///   rest = rest.extracting(used...)
/// }
/// ```
public struct RESPParser: Sendable {
  /// Where an argument is: offsets from the command's first byte.
  @usableFromInline struct Place: Sendable {
    @usableFromInline var start: UInt32
    @usableFromInline var end: UInt32
    @inlinable init(start: UInt32, end: UInt32) { (self.start, self.end) = (start, end) }
  }

  public let limits: RESPLimits
  /// Kept between commands, so that a pipeline allocates nothing.
  @usableFromInline var places: [Place] = []
  /// Of an array that has not all arrived: how many arguments it will have, and how far it was read. 0: at a command's
  /// start.
  private var expected = 0
  private var offset = 0
  /// Bytes of a line without an end so far that were searched for it.
  private var lineSeen = 0
  private var isFinished = true

  public init(limits: RESPLimits = RESPLimits()) { self.limits = limits }

  /// Arguments of the command that `next` found, the command's name included; 0 for an empty line or array: ignore it.
  @inlinable public var argumentCount: Int { places.count }

  /// One argument of the command that `next` found in `input`.
  @_lifetime(copy input)
  @inlinable public func argument(_ index: Int, in input: RawSpan) -> RawSpan {
    let place = places[index]
    return input.extracting(Int(place.start)..<Int(place.end))
  }

  /// Reads the command that `input` begins with.
  ///
  /// - Parameter input: all unconsumed bytes. Until a command was found, the next call's input must begin with this
  ///   call's.
  /// - Returns: the command's length, or nil: wait for more bytes.
  /// - Throws: write the error and close.
  public mutating func next(_ input: RawSpan) throws(RESPError) -> Int? {
    if isFinished {
      places.removeAll(keepingCapacity: true)
      guard input.byteCount > 0 else { return nil }
      (expected, offset) = (0, 0)
      guard input.respByte(0) == 0x2A else { return try nextLine(input) }
      guard let count = try number(input, at: 1, digitsMax: 6, error: .badArrayLength) else { return nil }
      guard count.value <= limits.arguments else { throw .tooManyArguments }
      offset = count.next
      if count.value <= 0 { return offset }
      (expected, isFinished) = (count.value, false)
    }
    while places.count < expected {
      guard offset < input.byteCount else { return try waiting(input) }
      guard input.respByte(offset) == 0x24 else { throw .expectedBulk }
      guard let length = try number(input, at: offset + 1, digitsMax: 6, error: .badBulkLength) else {
        return try waiting(input)
      }
      guard length.value >= 0, length.value <= limits.bulkBytes else { throw .badBulkLength }
      let end = length.next &+ length.value
      guard end &+ 2 <= limits.commandBytes else { throw .commandTooLong }
      guard end &+ 2 <= input.byteCount else { return try waiting(input) }
      guard input.respByte(end) == 0x0D, input.respByte(end &+ 1) == 0x0A else { throw .badLineEnd }
      places.append(Place(start: UInt32(truncatingIfNeeded: length.next), end: UInt32(truncatingIfNeeded: end)))
      offset = end &+ 2
    }
    isFinished = true
    return offset
  }

  private func waiting(_ input: RawSpan) throws(RESPError) -> Int? {
    guard input.byteCount <= limits.commandBytes else { throw .commandTooLong }
    return nil
  }

  /// The decimal number at `start` and where the line behind it begins; nil if the line is not all there.
  @inline(__always) private func number(
    _ input: RawSpan, at start: Int, digitsMax: Int, error: RESPError
  ) throws(RESPError) -> (value: Int, next: Int)? {
    let end = input.byteCount
    var place = start
    var value = 0
    var isNegative = false
    if place < end, input.respByte(place) == 0x2D {
      isNegative = true
      place &+= 1
    }
    let digits = place
    while place < end {
      let digit = input.respByte(place) &- 0x30
      guard digit < 10 else { break }
      guard place &- digits < digitsMax else { throw error }
      value = value &* 10 &+ Int(digit)
      place &+= 1
    }
    guard place < end else { return nil }
    guard place > digits, input.respByte(place) == 0x0D else { throw error }
    guard place &+ 1 < end else { return nil }
    guard input.respByte(place &+ 1) == 0x0A else { throw .badLineEnd }
    return (isNegative ? -value : value, place &+ 2)
  }

  /// A command on one line: words, which may stand in single or double quotes (without escapes).
  private mutating func nextLine(_ input: RawSpan) throws(RESPError) -> Int? {
    guard var end = try lineEnd(input) else { return nil }
    let used = end + 1
    if end > 0, input.respByte(end - 1) == 0x0D { end -= 1 }
    var place = 0
    while place < end {
      let byte = input.respByte(place)
      if byte == 0x20 || byte == 0x09 {
        place += 1
        continue
      }
      guard places.count < limits.arguments else { throw .tooManyArguments }
      if byte == 0x22 || byte == 0x27 {
        let start = place + 1
        place = start
        while place < end, input.respByte(place) != byte {
          guard input.respByte(place) != 0x5C else { throw .unbalancedQuotes }
          place += 1
        }
        guard place < end else { throw .unbalancedQuotes }
        places.append(Place(start: UInt32(start), end: UInt32(place)))
        place += 1
        guard place == end || input.respByte(place) == 0x20 || input.respByte(place) == 0x09 else {
          throw .unbalancedQuotes
        }
      } else {
        let start = place
        while place < end, input.respByte(place) != 0x20, input.respByte(place) != 0x09 { place += 1 }
        places.append(Place(start: UInt32(start), end: UInt32(place)))
      }
    }
    if isOtherProtocol(input) { throw .otherProtocol }
    return used
  }

  /// Where the line feed is; nil: it has not come. What nobody types is refused at once, not when a line feed comes by
  /// chance.
  private mutating func lineEnd(_ input: RawSpan) throws(RESPError) -> Int? {
    var end = lineSeen
    while end < input.byteCount {
      guard end <= limits.inlineBytes else { throw .lineTooLong }
      let byte = input.respByte(end)
      if byte == 0x0A {
        lineSeen = 0
        return end
      }
      if byte == 0x0D {
        guard end &+ 1 < input.byteCount else { break }
        guard input.respByte(end &+ 1) == 0x0A else { throw .notText }
      } else if byte < 0x20 && byte != 0x09 || byte == 0x7F {
        throw .notText
      }
      end &+= 1
    }
    lineSeen = end
    guard end <= limits.inlineBytes else { throw .lineTooLong }
    return nil
  }

  /// Whether the words are a line of another protocol. A web page can make a browser send such lines here, followed by
  /// any body. A server that answers such lines as unknown commands then executes the body.
  private func isOtherProtocol(_ input: RawSpan) -> Bool {
    guard argumentCount > 0 else { return false }
    let word = argument(0, in: input)
    for offset in 0..<word.byteCount {
      // A command's name, or a name misspelled: no header (`Host:`), address, markup, JSON, or byte beyond ASCII.
      switch word.respByte(offset) {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: continue
      default: return true
      }
    }
    let last = argument(argumentCount - 1, in: input)
    return isForeign(word) || last.begins("HTTP/") || last.begins("RTSP/") || last.begins("SIP/")
  }

  private func isForeign(_ word: RawSpan) -> Bool {
    word.isWord("GET") || word.isWord("POST") || word.isWord("PUT") || word.isWord("HEAD") || word.isWord("DELETE")
      || word.isWord("OPTIONS") || word.isWord("PATCH") || word.isWord("CONNECT") || word.isWord("TRACE")
      || word.isWord("PRI") || word.isWord("EHLO") || word.isWord("HELO") || word.isWord("LHLO")
      || word.isWord("PROXY") || word.begins("SSH-")
  }
}

extension RawSpan {
  @inline(__always) func respByte(_ offset: Int) -> UInt8 {
    assert(offset >= 0 && offset < byteCount)
    // Safe: every caller compares the offset with the count first; checked in debug builds.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }
}

extension RawSpan {
  /// Whether these bytes are the word, ASCII letters compared without case: for a command's name and its options.
  ///
  /// - Parameter word: in upper case.
  @inlinable public func isWord(_ word: StaticString) -> Bool {
    guard byteCount == word.utf8CodeUnitCount else { return false }
    for offset in 0..<byteCount {
      // Safe: `offset` is below both counts.
      var byte = unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if byte &- 0x61 < 26 { byte &-= 0x20 }
      // Safe: as above; the pointer is to a literal, which lives for ever.
      if unsafe byte != word.utf8Start[offset] { return false }
    }
    return true
  }

  /// As `isWord`, of their beginning.
  func begins(_ word: StaticString) -> Bool {
    byteCount >= word.utf8CodeUnitCount && extracting(0..<word.utf8CodeUnitCount).isWord(word)
  }

  /// The decimal number that these bytes are, with an optional minus and nothing else; nil if they are none or it
  /// overflows.
  public var decimal: Int64? {
    var offset = 0
    let isNegative = byteCount > 0 && respByte(0) == 0x2D
    if isNegative { offset = 1 }
    guard offset < byteCount, byteCount - offset <= 19 else { return nil }
    var value: Int64 = 0
    while offset < byteCount {
      let digit = respByte(offset) &- 0x30
      guard digit < 10 else { return nil }
      let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, tooLow) = product.subtractingReportingOverflow(Int64(digit))
      guard !tooLarge, !tooLow else { return nil }
      value = sum
      offset += 1
    }
    // Counted downwards, so that the lowest number fits too.
    if isNegative { return value }
    return value == .min ? nil : -value
  }
}
