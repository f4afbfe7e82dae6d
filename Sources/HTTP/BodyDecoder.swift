/// Takes a body out of a connection's bytes as they arrive: with a length, chunked, or until the connection ends. A
/// body with a length that is all there needs no decoder: see `RequestHead.bodyInPlace`.
public struct BodyDecoder: Sendable {
  private enum State: Equatable {
    case identity(left: Int)
    case untilClose
    case chunkSize(digits: Int, size: Int)
    case chunkExtension(size: Int)
    case chunkSizeEnd(size: Int)
    case chunkData(left: Int)
    case chunkDataEnd(sawCR: Bool)
    case trailers
    case done
  }

  private var state: State
  private let limits: HTTPLimits
  /// What the caller takes of this body.
  private let bytesMax: Int
  private var byteCount = 0
  private var lineBytes = 0
  private var extensionBytes = 0

  /// - Parameter bytesMax: the body's limit, as the route says it.
  /// - Throws: `bodyTooLarge` at once, if the length says so.
  public init(_ framing: BodyFraming, bytesMax: Int, limits: HTTPLimits = HTTPLimits()) throws(HTTPError) {
    (self.bytesMax, self.limits) = (bytesMax, limits)
    switch framing {
    case .none: state = .done
    case .length(let length):
      guard length <= bytesMax else { throw .bodyTooLarge }
      state = length == 0 ? .done : .identity(left: length)
    case .chunked: state = .chunkSize(digits: 0, size: 0)
    case .untilClose: state = .untilClose
    }
  }

  public var isComplete: Bool { state == .done }

  /// Whether the end of the connection is a proper end of this body.
  public var mayEndHere: Bool { state == .done || state == .untilClose }

  /// Appends what `input` has of the body to `out` and returns how many bytes of `input` were used up. Stops behind the
  /// body: what follows is the next message. Bytes that are not used must come again, with more behind them.
  public mutating func decode(_ input: RawSpan, into out: inout [UInt8]) throws(HTTPError) -> Int {
    var offset = 0
    let end = input.byteCount
    while offset < end {
      switch state {
      case .done: return offset
      case .identity(let left):
        let part = min(left, end - offset)
        out.add(input.extracting(offset..<(offset + part)))
        offset += part
        state = part == left ? .done : .identity(left: left - part)
      case .untilClose:
        guard end - offset <= bytesMax - byteCount else { throw .bodyTooLarge }
        out.add(input.extracting(offset..<end))
        byteCount += end - offset
        offset = end
      case .chunkData(let left):
        let part = min(left, end - offset)
        out.add(input.extracting(offset..<(offset + part)))
        offset += part
        state = part == left ? .chunkDataEnd(sawCR: false) : .chunkData(left: left - part)
      case .trailers:
        guard let used = try takeTrailers(input.extracting(offset..<end)) else { return offset }
        state = .done
        return offset + used
      case .chunkSize, .chunkExtension, .chunkSizeEnd, .chunkDataEnd:
        try takeFraming(input.fast(offset))
        offset += 1
      }
    }
    return offset
  }

  /// One byte of a chunk's size line, or of the line end behind its data.
  private mutating func takeFraming(_ byte: UInt8) throws(HTTPError) {
    lineBytes += 1
    guard lineBytes <= limits.chunkLineBytes else { throw .badChunk }
    switch state {
    case .chunkSize(let digits, let size):
      let value = Characters.hexValue(byte)
      if value < 16 {
        // Fifteen digits are more than any limit and cannot overflow.
        guard digits < 15 else { throw size == 0 ? .badChunk : .bodyTooLarge }
        state = .chunkSize(digits: digits + 1, size: size << 4 | Int(value))
        return
      }
      guard digits > 0 else { throw .badChunk }
      guard size <= bytesMax - byteCount else { throw .bodyTooLarge }
      switch byte {
      case 0x3B: state = .chunkExtension(size: size)
      case 0x0D: state = .chunkSizeEnd(size: size)
      default: throw .badChunk
      }
    case .chunkExtension(let size):
      extensionBytes += 1
      guard extensionBytes <= limits.chunkLineBytes * 16 else { throw .badChunk }
      switch byte {
      case 0x0D: state = .chunkSizeEnd(size: size)
      case 0x09, 0x20...0x7E, 0x80...0xFF: break
      default: throw .badChunk
      }
    case .chunkSizeEnd(let size):
      guard byte == 0x0A else { throw .badChunk }
      lineBytes = 0
      byteCount += size
      state = size == 0 ? .trailers : .chunkData(left: size)
    case .chunkDataEnd(let sawCR):
      guard byte == (sawCR ? 0x0A : 0x0D) else { throw .badChunk }
      lineBytes = 0
      state = sawCR ? .chunkSize(digits: 0, size: 0) : .chunkDataEnd(sawCR: true)
    case .identity, .untilClose, .chunkData, .trailers, .done:
      preconditionFailure("these states take whole runs of bytes, not single ones")
    }
  }

  /// Checks the trailers and drops them: nothing here means anything by them. Returns their length once they are all
  /// there.
  private func takeTrailers(_ input: RawSpan) throws(HTTPError) -> Int? {
    var trailerLimits = limits
    trailerLimits.headerBytes = limits.trailerBytes
    var scanner = HeaderScanner(input, from: 0, limits: trailerLimits)
    while true {
      switch try scanner.next() {
      case .incomplete: return nil
      case .header(let name, _):
        let bytes = name.bytes(in: input)
        // A reader that merged these into the headers would see another message.
        if bytes.equalsIgnoringCase("content-length") || bytes.equalsIgnoringCase("transfer-encoding")
          || bytes.equalsIgnoringCase("host")
        {
          throw .badTrailer
        }
      case .end: return scanner.offset
      }
    }
  }
}
