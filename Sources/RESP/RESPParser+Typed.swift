import Octets

/// Commands as people type them.
extension RESPParser {
  /// A command on one line: words with blanks between them. A line with quotes is read by Redis's rules.
  mutating func nextLine(_ input: RawSpan) throws(RESPError) -> Int? {
    guard var end = try lineEnd(input) else { return nil }
    let used = end + 1
    if end > 0, input.respByte(end - 1) == 0x0D { end -= 1 }
    var place = 0
    var isQuoted = false
    while place < end, !isQuoted {
      if input.isBlank(place) {
        place += 1
        continue
      }
      guard places.count < limits.arguments else { throw .tooManyArguments }
      let start = place
      while place < end, !input.isBlank(place) {
        isQuoted = isQuoted || input.respByte(place) == 0x22 || input.respByte(place) == 0x27
        place += 1
      }
      places.append(Place(start: UInt32(start), end: UInt32(place)))
    }
    if isQuoted {
      places.removeAll(keepingCapacity: true)
      do throws(RESPError) {
        try unquote(input.extracting(0..<end))
      } catch {
        // A line of JSON or markup has no quote too few.
        throw isCommandsBegin(input) ? error : .otherProtocol
      }
      let typed = typed
      if isOtherProtocol(typed.rawSpan) { throw .otherProtocol }
    } else if isOtherProtocol(input) {
      throw .otherProtocol
    }
    return used
  }

  /// Redis's rules, which redis-cli has too: a quote may begin within a word; a word ends behind the quote that closes.
  /// In double quotes a backslash makes `\xHH` a byte, `\n`, `\r`, `\t`, `\b`, `\a` control characters, and any other
  /// character itself. In single quotes it only stands before a single quote. Outside of quotes it is itself.
  private mutating func unquote(_ line: RawSpan) throws(RESPError) {
    var words: [[UInt8]] = []
    var place = 0
    while true {
      while place < line.byteCount, line.isBlank(place) { place += 1 }
      guard place < line.byteCount else { break }
      guard words.count < limits.arguments else { throw .tooManyArguments }
      var word: [UInt8] = []
      while place < line.byteCount, !line.isBlank(place) {
        let byte = line.respByte(place)
        place += 1
        guard byte == 0x22 || byte == 0x27 else {
          word.append(byte)
          continue
        }
        try takeQuoted(line, &place, until: byte, into: &word)
        guard place == line.byteCount || line.isBlank(place) else { throw .unbalancedQuotes }
      }
      words.append(word)
    }
    typed.putArray(words.count)
    for word in words {
      typed.putBulkHeader(byteCount: word.count)
      places.append(Place(start: UInt32(typed.count), end: UInt32(typed.count + word.count)))
      typed.append(contentsOf: word)
      typed.putLineEnd()
    }
  }

  /// - Parameter place: behind the quote that opens; then behind the one that closes.
  private func takeQuoted(
    _ line: RawSpan, _ place: inout Int, until quote: UInt8, into word: inout [UInt8]
  ) throws(RESPError) {
    while place < line.byteCount {
      let byte = line.respByte(place)
      place += 1
      if byte == quote { return }
      guard byte == 0x5C, place < line.byteCount else {
        word.append(byte)
        continue
      }
      let next = line.respByte(place)
      if quote == 0x27 {
        if next == 0x27 { place += 1 }
        word.append(next == 0x27 ? next : byte)
        continue
      }
      place += 1
      if next == 0x78, place + 1 < line.byteCount, let high = line.hexDigit(place), let low = line.hexDigit(place + 1) {
        place += 2
        word.append(high << 4 | low)
      } else {
        word.append(Self.escaped(next))
      }
    }
    throw .unbalancedQuotes
  }

  /// Whether the line's first word begins as a command's name, or with a quote.
  private func isCommandsBegin(_ line: RawSpan) -> Bool {
    var place = 0
    while line.isBlank(place) { place += 1 }
    let byte = line.respByte(place)
    return byte == 0x22 || byte == 0x27 || (byte | 0x20) &- 0x61 < 26
  }

  private static func escaped(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "a"): 0x07
    default: byte
    }
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
  @inline(__always) fileprivate func isBlank(_ offset: Int) -> Bool {
    let byte = respByte(offset)
    return byte == 0x20 || byte == 0x09
  }

  fileprivate func hexDigit(_ offset: Int) -> UInt8? {
    let byte = respByte(offset)
    switch byte {
    case 0x30...0x39: return byte - 0x30
    case 0x41...0x46: return byte - 0x37
    case 0x61...0x66: return byte - 0x57
    default: return nil
    }
  }
}
