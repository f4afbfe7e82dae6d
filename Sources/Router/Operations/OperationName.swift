/// What a client can ask of a router, over HTTP, RESP or both: the names of the rows of `OperationRow`.
package enum OperationName: Int, CaseIterable, Sendable {
  case createEvent, setEvent, blockSeats, deleteEvent, listEvents, event, plan, seats, availability,
    listOrders,
    listHolds
  case joinQueue, queue, controlQueue, place, leavePlace
  case reserve, hold, release, extend, checkout, order, confirm, cancel
  case seat
  case root, healthz, readyz, metrics, openapi, passKeys

  package static let count = allCases.count

  /// Rows by name, made once.
  private static let rows = allCases.map(OperationRow.init)

  package var row: OperationRow { Self.rows[rawValue] }
}

/// The commands of the RESP door, in the order in which `COMMAND` lists them. What is known of one stands in its
/// `RESPWord`: in the row of the operation that it asks for, or in `RESPWord.ofConnection`.
package enum RESPCommand: Int, CaseIterable, Sendable {
  case ping, echo, hello, auth, select, reset, quit, command, client, config, info, cluster, readonly, readwrite
  case multi, exec, discard, watch, unwatch
  case eventCreate, eventSet, eventBlock, eventUnblock, eventDelete, eventInfo
  case queueJoin, queueInfo
  case hold, holdBest, holdArea, holdInfo, orderInfo, extend, release, confirm, cancel, checkout,
    seat, seats
}
