/// What a client can ask of a router, over HTTP, RESP or both: the names of the rows of `OperationRow`.
package enum OperationName: Int, CaseIterable, Sendable {
  case createEvent, setEvent, blockSeats, deleteEvent, listEvents, event, plan, seats, availability, listOrders,
    listHolds
  case reserve, hold, release, extend, checkout, order, confirm, cancel
  case seat
  case healthz, readyz, metrics, openapi

  package static let count = allCases.count

  /// Rows by name, made once.
  private static let rows = allCases.map(OperationRow.init)

  package var row: OperationRow { Self.rows[rawValue] }
}
