import JSON
import Octets
import RESP

/// The writers for values that own their bytes.
extension [UInt8] {
  mutating func putJSONString(bytes text: Bytes) { putJSONString(text.rawSpan) }
  mutating func putBulk(bytes text: Bytes) { putBulk(text.rawSpan) }
}
