import JSON
import Plan

/// The table of operations as plain text, for the tests that hold other places against it.
public enum OperationTable {
  public struct Row: Sendable {
    public var name: String
    /// `POST /v1/reserve`; nil: not at the HTTP door.
    public var method: String?
    public var path: String?
    public var parameters: [String]
    /// The schema of its body; nil: none.
    public var body: String?
    /// As in the rest of the row: `HOLD event buyer seconds seat [seat …] [KEY k]`.
    public var commands: [String]
    public var writes: Bool
    public var refusals: [String]
  }

  public static var all: [Row] {
    OperationName.allCases.map { name in
      let row = name.row
      return Row(
        name: "\(name)", method: row.http?.method.name.description,
        path: row.http?.path.description,
        parameters: row.http?.query ?? [], body: row.http?.body?.schema,
        commands: row.resp.map { "\($0.name) \($0.usage)" }, writes: row.writes,
        refusals: row.refusals.map(\.text))
    }
  }

  /// What the description's examples call an event, a hold, an order and a place.
  public static var exampleIDs: [String: String] {
    Dictionary(uniqueKeysWithValues: OperationName.exampleIDs.map { ($0.key, $0.value) })
  }

  /// Commands of the RESP door whose word no row has; there must be none.
  public static var commandsWithoutWord: [String] { RESPCommand.withoutWord.map { "\($0)" } }

  /// Fields that each body's reader knows, by the name of the body's schema, and those that its row names.
  public static var bodyFields: [(schema: String, read: [String], named: [String])] {
    let readers: [(OperationName, JSONFields, Int)] = [
      (.reserve, RequestBodies.reserveFields, 7), (.extend, RequestBodies.extendFields, 1),
      (.checkout, RequestBodies.checkoutFields, 2),
      (.blockSeats, RequestBodies.blockFields, 3), (.joinQueue, RequestBodies.joinFields, 1),
      (.controlQueue, RequestBodies.controlFields, 4),
      (.setEvent, JSONFields(TermsDocument.fieldNames), TermsDocument.fieldNames.count),
    ]
    return readers.map { name, fields, count in
      let body = name.row.http?.body
      return (
        body?.schema ?? "", (0..<count).map { String(decoding: fields.name($0), as: UTF8.self) },
        body?.fields?.map(\.description) ?? []
      )
    }
  }
}
