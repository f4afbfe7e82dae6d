import Proto

/// What a slot of the hold slab stands for. The numbers up to `refunded` are those of `OrderStatus`, shifted by one.
enum HoldStatus: UInt8, Sendable {
  case free = 0
  /// A hold that can be released, extended or checked out.
  case held
  case pending, confirmed, cancelled, expired, refunded
  /// Remembered until its deadline, so that a second release is answered as the first.
  case released

  /// It keeps its seats, its place in the buyer's count, and its keys.
  @inline(__always) var lives: Bool { self == .held || self == .pending || self == .confirmed }
  @inline(__always) var isOrder: Bool { rawValue >= HoldStatus.pending.rawValue && self != .released }
  /// It has something to wait for.
  var hasDeadline: Bool { self == .held || self == .pending || self == .released }

  /// The low three bits: each of their values is a status.
  @inline(__always) init(bits: UInt8) {
    // Safe: eight cases, numbered 0 to 7, in a byte.
    self = unsafe unsafeBitCast(bits & 7, to: HoldStatus.self)
  }

  var orderStatus: OrderStatus {
    switch self {
    case .free, .held, .released: .none
    case .pending: .pendingPayment
    case .confirmed: .confirmed
    case .cancelled: .cancelled
    case .expired: .expired
    case .refunded: .refunded
    }
  }
}

/// A slot's entry, unpacked.
struct HoldRecord: Sendable, Equatable {
  /// Of a free slot: unused.
  var sequence: UInt64 = 0
  var secret: UInt64 = 0
  var event: UInt32 = 0
  var buyer = PackedBuyer(form: 0, word: 0)
  /// The one seat, or a chain in the cells; of a free slot: the next free one.
  var detail: UInt32 = 0
  var detailIsSeat = false
  /// A hold's own, then its order's until when it can be paid. 0 to 2^44 - 1.
  var deadline: Milliseconds = 0
  /// Of a hold: milliseconds by which the deadline may still move. Of an order: its number in the table of orders.
  var slack: UInt32 = 0
  var status = HoldStatus.free

  /// Layout, little-endian, 42 bytes, so that a hold and its four bytes in the heap of deadlines stay below 48:
  /// `heapPlace: u28, status: u3, detailIsSeat: u1`, `deadline: u44, buyerForm: u4, detail (low): u16`, `secret: u64`,
  /// `buyer: u64`, `event: u24, slack: u28, detail (high): u12`, `sequence: u48`.
  static let byteCount = 42
  static let low28: UInt32 = 1 << 28 - 1
}

/// All holds and orders of a shard, by slot, in pages of 1,024, and the heap of their deadlines.
struct HoldSlab: Sendable {
  static let pageShift = 10
  /// Slots that a shard can have; the number behind them means "none".
  static let countMax = 1 << 28 - 1
  static let none = UInt32(countMax)

  private var pages: [[UInt8]] = []
  /// Slots that were ever used.
  private(set) var count = 0
  /// The first of the list of free slots, last freed first; `none`: there is none.
  var freeHead = HoldSlab.none
  var heap = PagedArray<UInt32>()

  var bytes: Int { pages.count << Self.pageShift * HoldRecord.byteCount + heap.bytes }

  /// Adds the slot behind the last.
  mutating func grow() -> UInt32 {
    if count & (1 << Self.pageShift - 1) == 0 {
      pages.append(Array(repeating: 0, count: HoldRecord.byteCount << Self.pageShift))
    }
    count += 1
    return UInt32(count - 1)
  }

  @inline(__always) private static func offset(_ slot: UInt32) -> Int {
    Int(slot & (1 << UInt32(pageShift) - 1)) * HoldRecord.byteCount
  }

  subscript(slot: UInt32) -> HoldRecord {
    @inline(__always) get {
      let offset = Self.offset(slot)
      // Safe: every page has 1,024 records of 42 bytes, `offset` is the start of one of them, and any bytes are integers.
      return unsafe pages[Int(slot >> UInt32(Self.pageShift))].withUnsafeBytes { page in
        let a = unsafe UInt32(littleEndian: page.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let b = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset + 4, as: UInt64.self))
        let c = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset + 12, as: UInt64.self))
        let d = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset + 20, as: UInt64.self))
        let e = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset + 28, as: UInt64.self))
        let f = unsafe UInt32(littleEndian: page.loadUnaligned(fromByteOffset: offset + 36, as: UInt32.self))
        let g = unsafe UInt16(littleEndian: page.loadUnaligned(fromByteOffset: offset + 40, as: UInt16.self))
        return HoldRecord(
          sequence: UInt64(g) << 32 | UInt64(f), secret: c, event: UInt32(truncatingIfNeeded: e) & (1 << 24 - 1),
          buyer: PackedBuyer(form: UInt8(truncatingIfNeeded: b >> 44) & 15, word: d),
          detail: UInt32(truncatingIfNeeded: b >> 48) | UInt32(truncatingIfNeeded: e >> 52) << 16,
          detailIsSeat: a >> 31 == 1, deadline: Milliseconds(b & (1 << 44 - 1)),
          slack: UInt32(truncatingIfNeeded: e >> 24) & HoldRecord.low28,
          status: HoldStatus(bits: UInt8(truncatingIfNeeded: a >> 28)))
      }
    }
    @inline(__always) set { store(newValue, at: slot, heapPlace: nil) }
  }

  /// Writes a record; its place in the heap stays unless a new one is given.
  @inline(__always) mutating func store(_ record: HoldRecord, at slot: UInt32, heapPlace: Int?) {
    let offset = Self.offset(slot)
    let deadline = UInt64(bitPattern: record.deadline) & (1 << 44 - 1)
    let b = deadline | UInt64(record.buyer.form & 15) << 44 | UInt64(record.detail & 0xFFFF) << 48
    let e =
      UInt64(record.event & (1 << 24 - 1)) | UInt64(record.slack & HoldRecord.low28) << 24
      | UInt64(record.detail >> 16) << 52
    let flags = UInt32(record.status.rawValue) << 28 | (record.detailIsSeat ? 1 << 31 : 0)
    // Safe: as above.
    unsafe pages[Int(slot >> UInt32(Self.pageShift))].withUnsafeMutableBytes { page in
      let old = unsafe UInt32(littleEndian: page.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      let place = heapPlace.map { UInt32(truncatingIfNeeded: $0) } ?? old
      let a = place & HoldRecord.low28 | flags
      unsafe page.storeBytes(of: a.littleEndian, toByteOffset: offset, as: UInt32.self)
      unsafe page.storeBytes(of: b.littleEndian, toByteOffset: offset + 4, as: UInt64.self)
      unsafe page.storeBytes(of: record.secret.littleEndian, toByteOffset: offset + 12, as: UInt64.self)
      unsafe page.storeBytes(of: record.buyer.word.littleEndian, toByteOffset: offset + 20, as: UInt64.self)
      unsafe page.storeBytes(of: e.littleEndian, toByteOffset: offset + 28, as: UInt64.self)
      let low = UInt32(truncatingIfNeeded: record.sequence)
      unsafe page.storeBytes(of: low.littleEndian, toByteOffset: offset + 36, as: UInt32.self)
      let high = UInt16(truncatingIfNeeded: record.sequence >> 32)
      unsafe page.storeBytes(of: high.littleEndian, toByteOffset: offset + 40, as: UInt16.self)
    }
  }

  @inline(__always) func deadline(_ slot: UInt32) -> Milliseconds {
    let offset = Self.offset(slot) + 4
    // Safe: as in the subscript.
    return unsafe pages[Int(slot >> UInt32(Self.pageShift))].withUnsafeBytes { page in
      let word = unsafe UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      return Milliseconds(word & (1 << 44 - 1))
    }
  }

  @inline(__always) func heapPlace(_ slot: UInt32) -> Int {
    let offset = Self.offset(slot)
    // Safe: as in the subscript.
    return unsafe pages[Int(slot >> UInt32(Self.pageShift))].withUnsafeBytes { page in
      Int(unsafe UInt32(littleEndian: page.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) & HoldRecord.low28)
    }
  }

  @inline(__always) mutating func setHeapPlace(_ slot: UInt32, _ place: Int) {
    let offset = Self.offset(slot)
    // Safe: as in the subscript.
    unsafe pages[Int(slot >> UInt32(Self.pageShift))].withUnsafeMutableBytes { page in
      let a = unsafe UInt32(littleEndian: page.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      let new = a & ~HoldRecord.low28 | UInt32(truncatingIfNeeded: place) & HoldRecord.low28
      unsafe page.storeBytes(of: new.littleEndian, toByteOffset: offset, as: UInt32.self)
    }
  }
}

/// What an order has beyond the hold that it was.
struct OrderRecord: Sendable, BitwiseCopyable, Equatable {
  var secret: UInt64
  var createdAt: Milliseconds
  /// The hold's deadline at checkout.
  var expiresAt: Milliseconds
}
