public import Octets
public import Time

/// Everything about an order: a purchase, from checkout on. It is never deleted while its event is there.
public struct OrderInfo: Equatable, Sendable {
  public var order: OrderID
  public var state: OrderState
  /// When it was made: at checkout.
  public var createdAt: Stamp
  /// Until when it can, or could, be confirmed.
  public var payBy: Stamp
  /// The shop's own name for it, at most 128 bytes; empty: none.
  public var reference: Bytes
  /// The hold that was checked out: what the order is of.
  public var hold: HoldInfo

  public var status: OrderStatus { state.status }

  /// The most bytes that `reference` has.
  public static let referenceBytesMax = 128

  public init(
    order: OrderID, state: OrderState, createdAt: Stamp, payBy: Stamp, reference: Bytes, hold: HoldInfo
  ) {
    (self.order, self.state, self.createdAt, self.payBy) = (order, state, createdAt, payBy)
    (self.reference, self.hold) = (reference, hold)
  }

  /// What it was and is, and since when, oldest first.
  public var history: [(status: OrderStatus, at: Stamp)] {
    var history: [(status: OrderStatus, at: Stamp)] = [(.pendingPayment, createdAt)]
    switch state {
    case .pendingPayment: break
    case .confirmed(let at): history.append((.confirmed, at))
    case .expired(let at): history.append((.expired, at))
    case .cancelled(let at, let confirmedAt):
      if let confirmedAt { history.append((.confirmed, confirmedAt)) }
      history.append((.cancelled, at))
    case .refunded(let at, let confirmedAt):
      history.append((.confirmed, confirmedAt))
      history.append((.refunded, at))
    }
    return history
  }
}

/// Where an order stands, with what is known of it only there.
public enum OrderState: Equatable, Sendable {
  /// Its seats are held until it is confirmed, cancelled, or too late.
  case pendingPayment
  /// Its seats are sold.
  case confirmed(at: Stamp)
  /// Its seats are on sale again. `confirmedAt` is nil if it never was.
  case cancelled(at: Stamp, confirmedAt: Stamp?)
  case expired(at: Stamp)
  case refunded(at: Stamp, confirmedAt: Stamp)

  public var status: OrderStatus {
    switch self {
    case .pendingPayment: .pendingPayment
    case .confirmed: .confirmed
    case .cancelled: .cancelled
    case .expired: .expired
    case .refunded: .refunded
    }
  }
}

/// The names of an order's states. 0 is retired: it was a hold's entry before checkout.
public enum OrderStatus: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case pendingPayment = 1
  case confirmed = 2
  case cancelled = 3
  case expired = 4
  case refunded = 5

  /// As the API writes it.
  public var name: StaticName {
    switch self {
    case .pendingPayment: "pending_payment"
    case .confirmed: "confirmed"
    case .cancelled: "cancelled"
    case .expired: "expired"
    case .refunded: "refunded"
    }
  }
}

extension OrderState {
  func encode(into out: inout [UInt8]) {
    out.append(status.rawValue)
    switch self {
    case .pendingPayment: break
    case .confirmed(let at), .expired(let at): out.put(at)
    case .cancelled(let at, let confirmedAt):
      out.put(at)
      out.put(optional: confirmedAt) { $0.put($1) }
    case .refunded(let at, let confirmedAt):
      out.put(at)
      out.put(confirmedAt)
    }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    guard let status = OrderStatus(rawValue: try reader.u8()) else { throw .invalid(field: "order status") }
    switch status {
    case .pendingPayment: self = .pendingPayment
    case .confirmed: self = .confirmed(at: try reader.stamp())
    case .expired: self = .expired(at: try reader.stamp())
    case .cancelled:
      let at = try reader.stamp()
      self = .cancelled(at: at, confirmedAt: try reader.isPresent() ? try reader.stamp() : nil)
    case .refunded:
      let at = try reader.stamp()
      self = .refunded(at: at, confirmedAt: try reader.stamp())
    }
  }
}

extension OrderInfo {
  public func encode(into out: inout [UInt8]) {
    order.encode(into: &out)
    state.encode(into: &out)
    out.put(createdAt)
    out.put(payBy)
    out.putShort(reference)
    hold.encode(into: &out)
  }

  public init(decoding reader: inout ByteReader) throws(DecodeError) {
    let order = try OrderID(decoding: &reader)
    let state = try OrderState(decoding: &reader)
    let createdAt = try reader.stamp()
    let payBy = try reader.stamp()
    let reference = try reader.shortBytes()
    guard reference.count <= Self.referenceBytesMax else { throw .invalid(field: "reference") }
    self.init(
      order: order, state: state, createdAt: createdAt, payBy: payBy, reference: reference,
      hold: try HoldInfo(decoding: &reader))
  }
}
