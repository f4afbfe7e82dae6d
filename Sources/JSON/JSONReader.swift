/// What the next value is.
public enum JSONKind: UInt8, Sendable {
  case object, array, string, number, bool, null
}

/// Reads one JSON text front to back, without building a tree: the caller asks for what should come next. Strict (RFC
/// 8259): UTF-8 only, no trailing commas, no comments, no key twice in an object.
///
/// ```swift
/// var reader = JSONReader(body)
/// var object = try reader.beginObject()
/// while let field = try reader.nextField(fields, &object) {
///   switch field { case 0: name = try reader.string() … }
/// }
/// try reader.finish()
/// ```
public struct JSONReader: ~Escapable {
  @usableFromInline let input: RawSpan
  /// The next byte to read.
  public internal(set) var offset = 0
  /// Where the value that was read last, or is about to be read, begins: what an error about it should name.
  public internal(set) var valueStart = 0
  var depth = 0
  let depthMax: Int

  @_lifetime(copy input)
  public init(_ input: RawSpan, depthMax: Int = 32) {
    self.input = input
    self.depthMax = depthMax
    // A byte order mark, which some editors and clients write, may be ignored (RFC 8259, section 8.1).
    if input.byteCount >= 3, input.fast(0) == 0xEF, input.fast(1) == 0xBB, input.fast(2) == 0xBF { offset = 3 }
  }

  /// Reads a value in the middle of a text, such as one that was skipped before: `offset` is its `valueStart`.
  @_lifetime(copy input)
  public init(_ input: RawSpan, from offset: Int, depthMax: Int = 32) {
    self.init(input, depthMax: depthMax)
    self.offset = min(max(offset, 0), input.byteCount)
  }

  /// The kind of the next value.
  public mutating func peek() throws(JSONError) -> JSONKind {
    switch try start() {
    case 0x7B: return .object
    case 0x5B: return .array
    case 0x22: return .string
    case 0x2D, 0x30...0x39: return .number
    case 0x74, 0x66: return .bool
    case 0x6E: return .null
    default: throw JSONError(.unexpectedByte, at: offset)
    }
  }

  /// Nothing but space may follow.
  public mutating func finish() throws(JSONError) {
    skipSpace()
    guard offset == input.byteCount else { throw JSONError(.trailingBytes, at: offset) }
  }

  // MARK: Objects and arrays

  public mutating func beginObject() throws(JSONError) -> JSONObject {
    try open(0x7B)
    return JSONObject(start: valueStart)
  }

  public mutating func beginArray() throws(JSONError) -> JSONArray {
    try open(0x5B)
    return JSONArray(start: valueStart)
  }

  /// Goes to the next element; false behind the last. The element must then be read or skipped.
  public mutating func next(_ array: inout JSONArray) throws(JSONError) -> Bool {
    skipSpace()
    guard offset < input.byteCount else { throw JSONError(.unexpectedEnd, at: offset) }
    let byte = input.fast(offset)
    if byte == 0x5D {
      offset &+= 1
      depth &-= 1
      return false
    }
    if array.count > 0 {
      guard byte == 0x2C else { throw JSONError(.unexpectedByte, at: offset) }
      offset &+= 1
      skipSpace()
      // A trailing comma is not followed by a value, which reading the value finds out.
    }
    array.count &+= 1
    return true
  }

  /// Goes to the next key and past its colon; nil behind the last. The value must then be read or skipped. For objects
  /// whose keys are data; for known fields use `nextField`.
  public mutating func nextKey(_ object: inout JSONObject) throws(JSONError) -> [UInt8]? {
    guard let raw = try key(&object) else { return nil }
    var name: [UInt8] = []
    try decode(raw, into: &name)
    guard object.keys.insert(name.span8) else { throw JSONError(.duplicateKey, at: object.keyStart, field: name) }
    return name
  }

  /// Goes to the next field and past its colon; nil behind the last. The value must then be read or skipped.
  ///
  /// - Returns: the field's place in `fields`.
  /// - Throws: `unknownField` with the name if it is not among them, `duplicateKey` if it stood before.
  public mutating func nextField(_ fields: JSONFields, _ object: inout JSONObject) throws(JSONError) -> Int? {
    guard let raw = try key(&object) else { return nil }
    let index: Int?
    if raw.isPlain {
      index = fields.index(of: input, raw.start, raw.end)
    } else {
      var name: [UInt8] = []
      try decode(raw, into: &name)
      index = fields.index(of: name.span8, 0, name.count)
    }
    guard let index else {
      var name: [UInt8] = []
      try decode(raw, into: &name)
      throw JSONError(.unknownField, at: object.keyStart, field: name)
    }
    let bit: UInt64 = 1 &<< UInt64(index)
    guard object.seen & bit == 0 else {
      throw JSONError(.duplicateKey, at: object.keyStart, field: fields.name(index))
    }
    object.seen |= bit
    return index
  }

  @inline(__always) private mutating func key(_ object: inout JSONObject) throws(JSONError) -> RawString? {
    skipSpace()
    guard offset < input.byteCount else { throw JSONError(.unexpectedEnd, at: offset) }
    var byte = input.fast(offset)
    if byte == 0x7D {
      offset &+= 1
      depth &-= 1
      return nil
    }
    if object.count > 0 {
      guard byte == 0x2C else { throw JSONError(.unexpectedByte, at: offset) }
      offset &+= 1
      skipSpace()
      guard offset < input.byteCount else { throw JSONError(.unexpectedEnd, at: offset) }
      byte = input.fast(offset)
    }
    guard byte == 0x22 else { throw JSONError(.unexpectedByte, at: offset) }
    object.count &+= 1
    object.keyStart = offset
    let raw = try rawString()
    skipSpace()
    guard offset < input.byteCount else { throw JSONError(.unexpectedEnd, at: offset) }
    guard input.fast(offset) == 0x3A else { throw JSONError(.unexpectedByte, at: offset) }
    offset &+= 1
    return raw
  }

  @inline(__always) private mutating func open(_ wanted: UInt8) throws(JSONError) {
    guard try start() == wanted else { throw wrongType(wanted == 0x7B ? "an object" : "an array") }
    guard depth < depthMax else { throw JSONError(.tooDeep, at: offset) }
    depth &+= 1
    offset &+= 1
  }

  // MARK: Words

  public mutating func bool() throws(JSONError) -> Bool {
    switch try start() {
    case 0x74:
      try literal("true")
      return true
    case 0x66:
      try literal("false")
      return false
    default: throw wrongType("true or false")
    }
  }

  public mutating func null() throws(JSONError) {
    guard try start() == 0x6E else { throw wrongType("null") }
    try literal("null")
  }

  /// Reads a null if one is next: a field that says null is as one that is absent.
  public mutating func nullIfNext() throws(JSONError) -> Bool {
    guard try start() == 0x6E else { return false }
    try literal("null")
    return true
  }

  private mutating func literal(_ word: StaticString) throws(JSONError) {
    let end = offset + word.utf8CodeUnitCount
    for place in offset..<end {
      guard place < input.byteCount else { throw JSONError(.unexpectedEnd, at: place) }
      // Safe: the offset into the literal is below its count.
      guard unsafe input.fast(place) == word.utf8Start[place - offset] else { throw JSONError(.badLiteral, at: offset) }
    }
    offset = end
  }

  // MARK: Skipping

  /// Reads past one value of any kind, checking it as strictly as if it were wanted.
  public mutating func skip() throws(JSONError) {
    switch try peek() {
    case .object:
      var object = try beginObject()
      while try nextKey(&object) != nil { try skip() }
    case .array:
      var array = try beginArray()
      while try next(&array) { try skip() }
    case .string: _ = try rawString()
    case .number: try skipNumber()
    case .bool: _ = try bool()
    case .null: try null()
    }
  }

  /// A number that no `Double` holds is a number all the same: it must not end the reading of what lies behind it.
  private mutating func skipNumber() throws(JSONError) {
    do throws(JSONError) { _ = try double() } catch { guard error.reason == .outOfRange else { throw error } }
  }

  /// Where the reader is, to come back to: before a value.
  public var mark: JSONMark { JSONMark(offset: offset, depth: depth) }

  /// Reads past the value at `mark`, however far it was read before: to go on behind one that is not as it should be.
  public mutating func skip(from mark: JSONMark) throws(JSONError) {
    (offset, depth) = (mark.offset, mark.depth)
    try skip()
  }

  // MARK: Helpers

  /// Skips space and returns the next value's first byte.
  @inline(__always) mutating func start() throws(JSONError) -> UInt8 {
    skipSpace()
    valueStart = offset
    guard offset < input.byteCount else { throw JSONError(.unexpectedEnd, at: offset) }
    return input.fast(offset)
  }

  @inline(__always) mutating func skipSpace() {
    while offset < input.byteCount {
      let byte = input.fast(offset)
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      offset &+= 1
    }
  }

  /// The next byte begins another kind of value than `wanted`, or none.
  func wrongType(_ wanted: StaticString) -> JSONError {
    guard offset < input.byteCount else { return JSONError(.unexpectedEnd, at: offset) }
    let found: String
    switch input.fast(offset) {
    case 0x7B: found = "an object"
    case 0x5B: found = "an array"
    case 0x22: found = "a string"
    case 0x2D, 0x30...0x39: found = "a number"
    case 0x74: found = "true"
    case 0x66: found = "false"
    case 0x6E: found = "null"
    default: return JSONError(.unexpectedByte, at: offset)
    }
    return JSONError(.wrongType, at: offset, message: "the value must be \(wanted), not \(found)")
  }
}

/// A place before a value of the text that is being read.
public struct JSONMark: Sendable {
  let offset: Int
  let depth: Int
}

/// How far an array was read.
public struct JSONArray: Sendable {
  /// Where its bracket stands.
  public let start: Int
  /// Elements so far, the current one included.
  public internal(set) var count = 0
  init(start: Int) { self.start = start }
}

/// How far an object was read, and which keys it had.
public struct JSONObject: Sendable {
  /// Where its brace stands.
  public let start: Int
  public internal(set) var count = 0
  /// Where the current key stands.
  public internal(set) var keyStart = 0
  /// Bit n: the field with index n was there.
  public internal(set) var seen: UInt64 = 0
  var keys = KeySet()
  init(start: Int) { self.start = start }

  /// Refuses the object if the field was not in it.
  public func require(_ field: Int, of fields: JSONFields) throws(JSONError) {
    guard seen & (1 &<< UInt64(field)) != 0 else {
      throw JSONError(.missingField, at: start, field: fields.name(field))
    }
  }
}
