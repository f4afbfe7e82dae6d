/// Why a message could not be understood. After any of these the connection is answered with `status` and closed: where
/// a message's end is uncertain, what follows it must not be read as the next one.
public enum HTTPError: UInt8, Error, Sendable, CaseIterable {
  case badRequestLine = 1
  case badTarget
  case badStatusLine
  case badHeaderName
  case badHeaderValue
  /// A header line that goes on on the next one, which proxies read in different ways.
  case foldedHeader
  /// A line that ends in LF alone, or a CR that ends no line.
  case bareLineEnd
  case badContentLength
  case badTransferEncoding
  /// Content-Length and Transfer-Encoding together, or one of them twice.
  case ambiguousLength
  case missingHost
  case badHost
  /// A field that may stand once stands twice.
  case repeatedField
  case badChunk
  case badTrailer
  case badPercentEncoding
  case badQuery
  /// The target, or the whole first line, is over its limit.
  case targetTooLong
  case headersTooLarge
  case tooManyHeaders
  case bodyTooLarge
  case expectationFailed
  case versionNotSupported
  /// The peer closed in the middle of a message.
  case truncated

  /// The status that a server answers with.
  public var status: Int {
    switch self {
    case .targetTooLong: 414
    case .headersTooLarge, .tooManyHeaders: 431
    case .bodyTooLarge: 413
    case .expectationFailed: 417
    case .versionNotSupported: 505
    case .badRequestLine, .badTarget, .badStatusLine, .badHeaderName, .badHeaderValue, .foldedHeader, .bareLineEnd,
      .badContentLength, .badTransferEncoding, .ambiguousLength, .missingHost, .badHost, .repeatedField, .badChunk,
      .badTrailer, .badPercentEncoding, .badQuery, .truncated:
      400
    }
  }

  /// One sentence for the problem document.
  public var detail: String {
    switch self {
    case .badRequestLine: "The request line is not `method target HTTP/1.1`."
    case .badTarget: "The request target has a form or a character that is not allowed."
    case .badStatusLine: "The status line is not `HTTP/1.1 code reason`."
    case .badHeaderName: "A header name is empty or has a character that is not allowed."
    case .badHeaderValue: "A header value has a control character."
    case .foldedHeader: "A header goes on on the next line, which is not allowed."
    case .bareLineEnd: "A line does not end in CR LF."
    case .badContentLength: "Content-Length is not a plain decimal number."
    case .badTransferEncoding: "Transfer-Encoding is not `chunked`, or not allowed here."
    case .ambiguousLength: "The length of the body is given more than once."
    case .missingHost: "A HTTP/1.1 request needs a Host."
    case .badHost: "The Host is given twice or has a character that is not allowed."
    case .repeatedField: "A header that may stand once stands twice."
    case .badChunk: "A chunk of the body is malformed."
    case .badTrailer: "A trailer is malformed."
    case .badPercentEncoding: "A percent sign is not followed by two hexadecimal digits, or stands for NUL."
    case .badQuery: "The query is malformed."
    case .targetTooLong: "The request line is over its limit."
    case .headersTooLarge: "The header block is over its limit."
    case .tooManyHeaders: "There are too many headers."
    case .bodyTooLarge: "The body is over its limit."
    case .expectationFailed: "Only `Expect: 100-continue` is understood."
    case .versionNotSupported: "Only HTTP/1.0 and HTTP/1.1 are understood."
    case .truncated: "The connection ended in the middle of a message."
    }
  }
}

/// What a parser takes at most. Over a limit the message is refused and the connection closed.
public struct HTTPLimits: Sendable, Equatable {
  /// Bytes of the first line.
  public var firstLineBytes = 8 << 10
  /// Bytes of all header lines and the empty line behind them.
  public var headerBytes = 16 << 10
  public var headers = 100
  /// Bytes of one chunk's size line; all chunk extensions of a body together have sixteen times this.
  public var chunkLineBytes = 256
  public var trailerBytes = 8 << 10
  public init() {}

  /// What a whole head may need, at most 64 KiB; a connection's input buffer must hold this much and one byte.
  public var headBytes: Int { firstLineBytes + headerBytes + 16 }
}
