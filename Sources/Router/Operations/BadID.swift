import Octets
import Proto

/// What must stand where a client sent something that cannot be an id of that kind, whatever exists. Both doors say it
/// with the refusal of what is not there, so that programs need not tell the two apart.
enum BadID {
  case event
  case hold
  case order
  case place

  /// For people.
  func sentence(_ sent: Bytes) -> Bytes {
    switch self {
    case .event: "This is no event's id: that has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -"
    case .hold:
      OrderID(text: sent.rawSpan) == nil
        ? "This is no hold's id: that is h_ and 32 letters and digits, as the answer with the hold said it."
        : "This is an order's id. A hold's id begins with h_."
    case .order:
      HoldID(text: sent.rawSpan) == nil
        ? "This is no order's id: that is o_ and 32 letters and digits, as the answer to the checkout said it."
        : "This is a hold's id. An order's id begins with o_."
    case .place:
      "This is no place's id: that is q_ and 32 letters and digits, as the answer to the join said it."
    }
  }
}
