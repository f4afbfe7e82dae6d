import Octets
import RESP

/// The cursor of a list of orders or holds: `13-5f0c9d21`, the place where the next page begins and a mark of the list,
/// so that one list's cursor is not taken for another's.
enum ListCursor {
  static func write(_ position: UInt32, of list: OperationName, _ event: Bytes) -> Bytes {
    var text = Array("\(position)-".utf8)
    text.putHex(UInt64(mark(list, event)))
    return Bytes(text)
  }

  /// nil: no page of this list has said it.
  static func position(_ text: Bytes, of list: OperationName, _ event: Bytes) -> UInt32? {
    guard let dash = text.array.firstIndex(of: UInt8(ascii: "-")),
      let number = Bytes(Array(text.array[..<dash])).rawSpan.decimal, let position = UInt32(exactly: number),
      write(position, of: list, event) == text
    else { return nil }
    return position
  }

  private static func mark(_ list: OperationName, _ event: Bytes) -> UInt32 {
    UInt32(truncatingIfNeeded: stableHash(event.rawSpan, seed: list == .listOrders ? 11 : 12))
  }
}
