import RouterCore

/// What the description says of an operation to those who learn it. A test sends every example to a router.
struct OperationTeaching: Sendable {
  /// What it is for, and what comes of it.
  let about: String
  /// Bodies by a name for people. Ids of holds and orders in them stand for those that earlier answers gave.
  var examples: [(name: String, body: String)] = []
  /// What its success names, so that a client can go on with it; nil: nothing.
  var gives: Gift?

  /// An id in an answer.
  struct Gift: Sendable {
    /// The parameter of other calls, of paths or of bodies, that takes it.
    let parameter: String
    /// Where it stands in the answer's body: a JSON pointer.
    let pointer: String
    /// What else stands in the answer that paths with this parameter need, and where.
    var also: [String: String] = [:]
  }

  init(_ about: String, examples: [(name: String, body: String)] = [], gives: Gift? = nil) {
    (self.about, self.examples, self.gives) = (about, examples, gives)
  }
}

extension OperationTeaching.Gift {
  static let event = Self(parameter: "event", pointer: "/id")
  static let hold = Self(parameter: "hold", pointer: "/hold")
  static let order = Self(parameter: "order", pointer: "/order")
  static let place = Self(parameter: "place", pointer: "/place", also: ["event": "/event"])
}

extension OperationName {
  /// What examples call an event, a hold and an order.
  static let exampleIDs: KeyValuePairs = [
    "event": "gala", "hold": "h_00200000000000000006st23vnex7em1",
    "order": "o_00200000000000000006st23vnex7em1", "place": "q_00200000000000000006st23vnex7em1",
  ]
}
