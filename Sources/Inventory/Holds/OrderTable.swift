import Proto
import Time

/// An order, but for what its hold's slot says: of what it is, for whom, and until when it can be paid.
struct OrderRecord: Sendable, BitwiseCopyable, Equatable {
  var secret: UInt64
  /// The hold's.
  var slot: UInt32
  var status = OrderStatus.pendingPayment
  var createdAt: Stamp
  /// The hold's deadline at checkout.
  var expiresAt: Stamp
  /// Zero: it never was.
  var confirmedAt: Stamp = .zero
  /// When it was cancelled, expired or refunded; zero: it was not.
  var endedAt: Stamp = .zero
  var reference = PackedText(form: 0, word: 0)

  /// Stands where no order is.
  static let none = OrderRecord(secret: 0, slot: .max, createdAt: .zero, expiresAt: .zero)

  var state: OrderState {
    switch status {
    case .pendingPayment: .pendingPayment
    case .confirmed: .confirmed(at: confirmedAt)
    case .cancelled: .cancelled(at: endedAt, confirmedAt: confirmedAt == .zero ? nil : confirmedAt)
    case .expired: .expired(at: endedAt)
    case .refunded: .refunded(at: endedAt, confirmedAt: confirmedAt)
    }
  }
}

/// All orders of a shard by number. An order lives as long as its event; then its number is given again, the lowest
/// first.
struct OrderTable: Sendable {
  private var records = PagedArray<OrderRecord>()
  private var free = MinHeap<UInt32>()

  var count: Int { records.count - free.count }
  /// Numbers that were ever used.
  var slotCount: Int { records.count }
  var bytes: Int { records.bytes }

  subscript(number: UInt32) -> OrderRecord {
    get { records[Int(number)] }
    set { records[Int(number)] = newValue }
  }

  /// Returns the order's number.
  mutating func append(_ order: OrderRecord) -> UInt32 {
    if let number = free.removeFirst() {
      records[Int(number)] = order
      return number
    }
    records.append(order)
    return UInt32(records.count - 1)
  }

  mutating func remove(_ number: UInt32) {
    records[Int(number)] = .none
    free.insert(number)
  }

  /// Makes a table of so many numbers, which `restore` fills; what it does not fill is free.
  init(restoring count: Int) { records = PagedArray(repeating: .none, count: count) }

  init() {}

  mutating func restore(_ order: OrderRecord, as number: UInt32) { records[Int(number)] = order }

  /// Call it once all orders are there: the other numbers are free.
  mutating func findFree(_ isUsed: (UInt32) -> Bool) {
    for number in 0..<UInt32(records.count) where !isUsed(number) { free.insert(number) }
  }
}

extension Inventory {
  /// What an order adds to the digest.
  func orderTerm(_ number: UInt32) -> UInt64 {
    let order = orders[number]
    var reference = order.reference.word
    if order.reference.form == PackedText.chained {
      reference = cells.hash(UInt32(truncatingIfNeeded: reference), wordCount: CellStore.words(ofText:))
    }
    let head = UInt64(number) | UInt64(order.status.rawValue) << 32 | UInt64(order.reference.form) << 40
    return term(
      .order, head, order.secret, UInt64(bitPattern: order.createdAt.rawValue),
      UInt64(bitPattern: order.expiresAt.rawValue),
      UInt64(bitPattern: order.confirmedAt.rawValue) &* 3 &+ UInt64(bitPattern: order.endedAt.rawValue), reference)
  }

  /// Moves an order to another state; its slot follows. Its seats are the caller's affair.
  ///
  /// - Returns: the slot's record after it.
  mutating func move(
    _ slot: UInt32, _ record: HoldRecord, to status: OrderStatus, at stamp: Stamp
  ) -> HoldRecord {
    digest &-= stateTerm(slot, record)
    orders[record.slack].status = status
    switch status {
    case .pendingPayment: break
    case .confirmed: orders[record.slack].confirmedAt = stamp
    case .cancelled, .expired, .refunded: orders[record.slack].endedAt = stamp
    }
    var moved = record
    moved.status = HoldStatus(status)
    holds[slot] = moved
    digest &+= stateTerm(slot, moved)
    return moved
  }
}
