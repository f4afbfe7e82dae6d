package import Octets
import Proto
package import Time

/// Who asked, and is told the result once, on the engine's loop.
package protocol CallOwner: AnyObject {
  func ended(_ call: Call, with result: CallResult)
}

/// One operation under way. Belongs to its engine's loop.
package final class Call {
  package let operation: Operation
  /// The client's idempotency key; empty: none.
  let key: Bytes
  let owner: any CallOwner
  /// The owner's own number for it.
  package let number: UInt64
  /// The owner's own mark, such as the command that it came as.
  package let mark: UInt8
  /// Monotonic milliseconds.
  let deadline: MonotonicTime
  package let startedAt: UInt64

  /// The definition that the labels were translated with.
  package var event: EventEntry?
  /// Set once the shard has decided and only a definition is missing to say it in words.
  var decided: Decided?
  /// Why the call is to be refused, once its shard has said that the event is still the one whose names it uses.
  var doubted: CallRefusal?
  /// What was asked for is done, and only the answer is missing.
  var isDone = false
  /// The outcome is what the client's key got before.
  package var isReplayed = false
  /// How often the definition turned out to be of another incarnation.
  var staleCount = 0
  /// How often the terms known here turned out to be old.
  var oldTermsCount = 0
  /// The translated command, for rendering.
  var seats: [SeatIndex] = []
  var areas: [AreaCount] = []
  /// Of an event list: shards that have not answered, and what came so far.
  var partsLeft = 0
  var parts: [EventSummary] = []
  /// Of a list of orders or holds: what was found so far, and in how many slices.
  var orders: [OrderInfo] = []
  var holds: [HoldInfo] = []
  var sliceCount = 0
  var listedBytes = 0
  var isEnded = false
  /// Bytes of a node's answer that are to be expected for it: a door bounds their sum over a connection's unanswered
  /// commands.
  package private(set) var expectedBytes = 256
  /// The answer is made apart from the connection's other commands: none of those behind it may pass it.
  package var isLargeRead: Bool { expectedBytes >= Query.largeAnswerBytes && !operation.isCommand }

  /// Only grows: a definition that was read anew asks again.
  func expect(bytes: Int) { expectedBytes = max(expectedBytes, bytes) }
  /// Of a read of seats: how its door says them.
  package var seatForm = SeatForm.numbers

  enum Decided {
    case hold(HoldInfo)
    case order(OrderInfo)

    var hold: HoldInfo {
      switch self {
      case .hold(let info): info
      case .order(let info): info.hold
      }
    }
  }

  package init(
    _ operation: Operation, key: Bytes = "", owner: any CallOwner, number: UInt64, mark: UInt8 = 0,
    deadline: MonotonicTime, startedAt: UInt64
  ) {
    (self.operation, self.key, self.owner, self.number, self.mark) = (operation, key, owner, number, mark)
    (self.deadline, self.startedAt) = (deadline, startedAt)
  }
}
