public import Octets
import Time

/// One JSON line while its fields are added. Names are literals; values are escaped, and bytes that are not UTF-8 are
/// repaired.
public struct LogLine: ~Copyable {
  var bytes: [UInt8] = []

  init(time: Stamp, level: LogLevel, process: StaticString, name: String, message: StaticString) {
    bytes.reserveCapacity(192)
    put("{\"time\":\"")
    Timestamp.write(time, into: &bytes)
    put("\",\"level\":\"")
    put(level.name)
    put("\",\"process\":\"")
    put(process)
    put("\"")
    if !name.isEmpty { field("name", name) }
    put(",\"message\":\"")
    put(message)
    put("\"")
  }

  public mutating func field(_ name: StaticString, _ value: some FixedWidthInteger) {
    begin(name)
    bytes.append(contentsOf: String(value).utf8)
  }

  public mutating func field(_ name: StaticString, _ value: Bool) {
    begin(name)
    put(value ? "true" : "false")
  }

  public mutating func field(_ name: StaticString, _ value: String) {
    begin(name)
    string(value)
  }

  public mutating func field(_ name: StaticString, _ value: Bytes) { field(name, value.description) }

  private mutating func begin(_ name: StaticString) {
    put(",\"")
    put(name)
    put("\":")
  }

  private mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case UInt8(ascii: "\n"): put("\\n")
      case 0..<0x20, 0x7F:
        put("\\u00")
        bytes.append(Self.digits[Int(byte >> 4)])
        bytes.append(Self.digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func put(_ text: StaticString) {
    // Safe: a literal's bytes live as long as the program, and there are as many as it says.
    unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private static let digits: [UInt8] = Array("0123456789abcdef".utf8)

  consuming func finish() -> [UInt8] {
    put("}\n")
    return bytes
  }
}
