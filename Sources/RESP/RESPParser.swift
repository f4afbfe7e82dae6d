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
///   if parser.argumentCount > 0 { …parser.argument(0, in: parser.typed.isEmpty ? rest : parser.typed.rawSpan)… }
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
  var lineSeen = 0
  private var isFinished = true
  /// Of a typed command with quotes: the same command as an array of bulk strings. Its arguments are places in these
  /// bytes, instead of the input. Empty for all others.
  public internal(set) var typed: [UInt8] = []

  public init(limits: RESPLimits = RESPLimits()) { self.limits = limits }

  /// Arguments of the command that `next` found, the command's name included; 0 for an empty line or array: ignore it.
  @inlinable public var argumentCount: Int { places.count }

  /// One argument of the command that `next` found in `input`, or in `typed` if that is not empty.
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
      if !typed.isEmpty { typed.removeAll(keepingCapacity: true) }
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
