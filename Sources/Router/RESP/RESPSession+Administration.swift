import EventLoop
import Flags
import Octets
import RESP
import RouterCore

/// The commands that Redis clients and tools begin with.
extension RESPSession {
  func ping(_ input: RawSpan) {
    let number = takeNumber()
    let count = parser.argumentCount
    guard count <= 2 else { return reply(number) { $0.putWrongCount(.ping) } }
    if count == 1 {
      reply(number) { $0.putSimple("PONG") }
    } else {
      let text = Bytes(parser.argument(1, in: input))
      reply(number) { $0.putBulk(text.rawSpan) }
    }
  }

  func echo(_ input: RawSpan) {
    let text = Bytes(parser.argument(1, in: input))
    reply(takeNumber()) { $0.putBulk(text.rawSpan) }
  }

  func auth(_ input: RawSpan) {
    let count = parser.argumentCount
    guard count <= 3 else { return wrongCount(.auth) }
    // As Redis without a password: only the default user exists, and any password is its password.
    if count == 3, parser.argument(1, in: input).isWord("DEFAULT") {
      reply(takeNumber()) { $0.putSimple("OK") }
    } else if count == 3 {
      reply(takeNumber()) { $0.putError("WRONGPASS", "invalid username-password pair or user is disabled.") }
    } else {
      fail(
        "AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
      )
    }
  }

  func select(_ input: RawSpan) {
    guard let index = parser.argument(1, in: input).decimal else {
      return fail("value is not an integer or out of range")
    }
    if index == 0 { reply(takeNumber()) { $0.putSimple("OK") } } else { fail("DB index is out of range") }
  }

  func reset() {
    speak(.two)
    name = Bytes()
    dropTransaction()
    watchWasRefused = false
    reply(takeNumber()) { $0.putSimple("RESET") }
  }

  func quit() {
    reply(takeNumber()) { $0.putSimple("OK") }
    endAfterReplies()
  }

  func hello(_ input: RawSpan) {
    let count = parser.argumentCount
    var chosen = version
    var chosenName = name
    if count > 1 {
      switch parser.argument(1, in: input).decimal {
      case 2: chosen = .two
      case 3: chosen = .three
      case nil: return fail("Protocol version is not an integer or out of range")
      default: return reply(takeNumber()) { $0.putError("NOPROTO", "unsupported protocol version") }
      }
      var word = 2
      while word < count {
        if parser.argument(word, in: input).isWord("AUTH"), word + 2 < count {
          guard parser.argument(word + 1, in: input).isWord("DEFAULT") else {
            return reply(takeNumber()) {
              $0.putError("WRONGPASS", "invalid username-password pair or user is disabled.")
            }
          }
          word += 3
        } else if parser.argument(word, in: input).isWord("SETNAME"), word + 1 < count {
          let wanted = parser.argument(word + 1, in: input)
          guard wanted.isClientName else {
            return fail("Client names cannot contain spaces, newlines or special characters.")
          }
          chosenName = Bytes(wanted)
          word += 2
        } else {
          return fail("Syntax error in HELLO option")
        }
      }
    }
    speak(chosen)
    name = chosenName
    let (id, proto) = (id, version)
    reply(takeNumber()) { out in
      out.putMap(7, proto)
      out.putBulk("server")
      out.putBulk("holdfast")
      out.putBulk("version")
      out.putBulk(Version.current)
      out.putBulk("proto")
      out.putInteger(Int64(proto.rawValue))
      out.putBulk("id")
      out.putInteger(Int64(id))
      out.putBulk("mode")
      out.putBulk("standalone")
      out.putBulk("role")
      out.putBulk("master")
      out.putBulk("modules")
      out.putArray(0)
    }
  }
}

extension RawSpan {
  /// Printable ASCII without spaces; may be empty.
  var isClientName: Bool {
    for offset in 0..<byteCount {
      // Safe: the offset is below the count.
      let byte = unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if byte <= 0x20 || byte > 0x7E { return false }
    }
    return true
  }
}
