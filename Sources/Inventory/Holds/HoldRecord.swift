import Proto
import Time

/// What a slot of the hold slab stands for: what becomes of its seats. What an order's state is, its own record says.
enum HoldStatus: UInt8, Sendable {
  case free = 0
  /// A hold that can be released, extended or checked out.
  case held = 1
  /// An order's, until its deadline.
  case pending = 2
  /// An order's, for good.
  case sold = 3
  /// An order's that has no seats any more.
  case closed = 4
  /// Remembered until its deadline, so that a second release is answered as the first.
  case released = 5

  /// It keeps its seats, its place in the buyer's count, and its keys.
  @inline(__always) var lives: Bool { rawValue &- 1 < 3 }
  @inline(__always) var isOrder: Bool { rawValue &- 2 < 3 }
  /// It has something to wait for.
  var hasDeadline: Bool { self == .held || self == .pending || self == .released }

  /// The low three bits.
  @inline(__always) init(bits: UInt8) { self = HoldStatus(rawValue: bits & 7) ?? .free }

  /// Of an order in this state.
  init(_ status: OrderStatus) {
    switch status {
    case .pendingPayment: self = .pending
    case .confirmed: self = .sold
    case .cancelled, .expired, .refunded: self = .closed
    }
  }
}

/// A slot's entry, unpacked.
struct HoldRecord: Sendable, Equatable {
  /// Of a free slot: unused.
  var sequence: UInt64 = 0
  var secret: UInt64 = 0
  var event: UInt32 = 0
  var buyer = PackedText(form: 0, word: 0)
  /// The one seat, or a chain in the cells; of a free slot: the next free one.
  var detail: UInt32 = 0
  var detailIsSeat = false
  /// A hold's own, then its order's until when it can be paid. 0 to 2^44 - 1.
  var deadline: Stamp = .zero
  /// Of a hold: milliseconds by which the deadline may still move. Of an order: its number in the table of orders.
  var slack: UInt32 = 0
  var status = HoldStatus.free

  /// Layout, little-endian, 39 bytes, so that a hold, its four bytes in the queue of deadlines and its seat's four stay
  /// below 48: `status: u3, detailIsSeat: u1, buyerForm: u4`, `deadline: u44, detail (low): u20`, `secret: u64`,
  /// `buyer: u64`, `event: u24, slack: u28, detail (high): u12`, `sequence: u48`.
  static let byteCount = 39
  static let low28: UInt32 = 1 << 28 - 1
}

/// The records of all holds and orders of a shard, by slot, in pages of 1,024.
struct HoldPages: Sendable {
  static let pageShift = 10

  private var pages: [[UInt8]] = []
  /// Slots that were ever used.
  private(set) var count = 0

  var bytes: Int { pages.count << Self.pageShift * HoldRecord.byteCount }

  /// Adds the slot behind the last.
  @inline(__always) mutating func grow() -> UInt32 {
    if count & (1 << Self.pageShift - 1) == 0 { addPage() }
    count += 1
    return UInt32(count - 1)
  }

  private mutating func addPage() {
    pages.append(Array(repeating: 0, count: HoldRecord.byteCount << Self.pageShift))
  }

  @inline(__always) private static func offset(_ slot: UInt32) -> Int {
    Int(slot & (1 << UInt32(pageShift) - 1)) * HoldRecord.byteCount
  }

  subscript(slot: UInt32) -> HoldRecord {
    @inline(__always) get {
      let offset = Self.offset(slot)
      // Safe: every page has 1,024 records of 39 bytes, `offset` is the start of one of them, and any bytes are
      // integers.
      return unsafe pages[Int(slot >> UInt32(Self.pageShift))].withUnsafeBytes { page in
        let a = unsafe page.loadUnaligned(fromByteOffset: offset, as: UInt8.self)
        let b = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self))
        let c = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset + 9, as: UInt64.self))
        let d = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset + 17, as: UInt64.self))
        let e = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset + 25, as: UInt64.self))
        let f = unsafe UInt32(littleEndian: page.loadUnaligned(fromByteOffset: offset + 33, as: UInt32.self))
        let g = unsafe UInt16(littleEndian: page.loadUnaligned(fromByteOffset: offset + 37, as: UInt16.self))
        return HoldRecord(
          sequence: UInt64(g) << 32 | UInt64(f), secret: c, event: UInt32(truncatingIfNeeded: e) & (1 << 24 - 1),
          buyer: PackedText(form: a >> 4, word: d),
          detail: UInt32(truncatingIfNeeded: b >> 44) | UInt32(truncatingIfNeeded: e >> 52) << 20,
          detailIsSeat: a >> 3 & 1 == 1, deadline: Stamp(Int64(b & (1 << 44 - 1))),
          slack: UInt32(truncatingIfNeeded: e >> 24) & HoldRecord.low28, status: HoldStatus(bits: a))
      }
    }
    @inline(__always) set {
      let offset = Self.offset(slot)
      let a = newValue.status.rawValue | (newValue.detailIsSeat ? 8 : 0) | newValue.buyer.form << 4
      let b = UInt64(bitPattern: newValue.deadline.rawValue) & (1 << 44 - 1) | UInt64(newValue.detail & 0xF_FFFF) << 44
      let e =
        UInt64(newValue.event & (1 << 24 - 1)) | UInt64(newValue.slack & HoldRecord.low28) << 24
        | UInt64(newValue.detail >> 20) << 52
      // Safe: as above.
      unsafe pages[Int(slot >> UInt32(Self.pageShift))].withUnsafeMutableBytes { page in
        unsafe page.storeBytes(of: a, toByteOffset: offset, as: UInt8.self)
        unsafe page.storeBytes(of: b.littleEndian, toByteOffset: offset + 1, as: UInt64.self)
        unsafe page.storeBytes(of: newValue.secret.littleEndian, toByteOffset: offset + 9, as: UInt64.self)
        unsafe page.storeBytes(of: newValue.buyer.word.littleEndian, toByteOffset: offset + 17, as: UInt64.self)
        unsafe page.storeBytes(of: e.littleEndian, toByteOffset: offset + 25, as: UInt64.self)
        let low = UInt32(truncatingIfNeeded: newValue.sequence)
        unsafe page.storeBytes(of: low.littleEndian, toByteOffset: offset + 33, as: UInt32.self)
        let high = UInt16(truncatingIfNeeded: newValue.sequence >> 32)
        unsafe page.storeBytes(of: high.littleEndian, toByteOffset: offset + 37, as: UInt16.self)
      }
    }
  }

  /// When something is due of this slot; nil: nothing is.
  @inline(__always) func due(_ slot: UInt32) -> Stamp? {
    let offset = Self.offset(slot)
    // Safe: as in the subscript.
    return unsafe pages[Int(slot >> UInt32(Self.pageShift))].withUnsafeBytes { page in
      let a = unsafe page.loadUnaligned(fromByteOffset: offset, as: UInt8.self)
      guard HoldStatus(bits: a).hasDeadline else { return nil }
      let b = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self))
      return Stamp(Int64(b & (1 << 44 - 1)))
    }
  }
}

/// All holds and orders of a shard, and the queue of their deadlines.
struct HoldSlab: Sendable {
  /// Slots that a shard can have; the number behind them means "none".
  static let countMax = 1 << 28 - 1
  static let none = UInt32(countMax)

  private var records = HoldPages()
  private var deadlines = DeadlineQueue()
  /// The first of the list of free slots, last freed first; `none`: there is none.
  var freeHead = HoldSlab.none

  var count: Int { records.count }
  var bytes: Int { records.bytes + deadlines.bytes }

  /// Adds the slot behind the last.
  @inline(__always) mutating func grow() -> UInt32 { records.grow() }

  subscript(slot: UInt32) -> HoldRecord {
    @inline(__always) get { records[slot] }
    @inline(__always) set { records[slot] = newValue }
  }

  // MARK: Deadlines

  /// Writes a record with a deadline of its own, or another than before.
  @inline(__always) mutating func insert(_ record: HoldRecord, at slot: UInt32) {
    records[slot] = record
    deadlines.add(slot, at: record.deadline)
  }

  /// The slot whose deadline is the first, if that is at most `stamp`. It must be ended.
  @inline(__always) mutating func takeFirst(by stamp: Stamp) -> UInt32? {
    guard let (slot, _) = deadlines.first(by: stamp, records) else { return nil }
    deadlines.removeFirst()
    return slot
  }

  @inline(__always) mutating func isDue(by stamp: Stamp) -> Bool {
    deadlines.first(by: stamp, records) != nil
  }

  /// The `rank`-th deadline (1: the first) if it is at most `stamp`; nil: fewer are due.
  mutating func dueDeadline(rank: Int, by stamp: Stamp) -> Stamp? {
    deadlines.deadline(rank: rank, by: stamp, records)
  }

  var firstDeadline: Stamp? { deadlines.earliest(records) }
}
