import Inventory
import Octets
import Proto
import Testing
import Time

@Suite struct OrderRules {
  @Test func aReleasedHoldIsRememberedUntilItsDeadline() throws {
    let box = Box()
    let id = try box.held(4)
    #expect(box.outcome(.release(id)) == .released(version: 3))
    #expect(box.states.hasPrefix("....."))
    #expect(box.outcome(.release(id)) == .released(version: 3))
    #expect(box.inventory.answer(.hold(id)) == .refused(.holdExpired))
    #expect(box.outcome(.extend(id, ttl: 5)) == .refused(.holdExpired))
    #expect(box.outcome(.checkout(id, secret: 1)) == .refused(.holdExpired))
    box.wait(599_999)
    #expect(box.outcome(.release(id)) == .released(version: 3))
    box.wait(1)
    #expect(box.outcome(.release(id)) == .refused(.holdExpired))
    #expect(box.inventory.stats.released == 0)
  }

  @Test func idsThatWereNeverIssuedAreUnknown() throws {
    let box = Box()
    let id = try box.held(0)
    var other = id
    other.secret += 1
    #expect(box.outcome(.release(other)) == .refused(.noSuchHold))
    other = id
    other.sequence += 1
    #expect(box.outcome(.release(other)) == .refused(.noSuchHold))
    other = id
    other.shard = ShardID(4)
    #expect(box.outcome(.release(other)) == .refused(.noSuchHold))
    other = id
    other.slot = .max
    #expect(box.outcome(.release(other)) == .refused(.noSuchHold))
    let order = OrderID(shard: id.shard, slot: id.slot, sequence: id.sequence, secret: id.secret)
    #expect(box.outcome(.confirm(order)) == .refused(.noSuchOrder))
    #expect(box.inventory.answer(.order(order)) == .refused(.noSuchOrder))
    #expect(box.states.hasPrefix("h"))
  }

  @Test func extendingCountsFromNowAndIsBounded() throws {
    let box = Box()
    let start = box.inventory.now
    let id = try box.held(0, ttl: 100)
    box.wait(50_000)
    guard case .extended(let info) = box.outcome(.extend(id, ttl: 100)) else { return #expect(Bool(false)) }
    #expect(info.expiresAt == start + 150_000)
    #expect(box.inventory.nextDeadline == start + 150_000)
    #expect(box.outcome(.extend(id, ttl: 251)) == .refused(.limitExceeded(.holdLength, limit: 250)))
    guard case .extended(let last) = box.outcome(.extend(id, ttl: 250)) else { return #expect(Bool(false)) }
    #expect(last.expiresAt == start + 300_000)
    box.wait(100_000)
    #expect(box.outcome(.extend(id, ttl: 151)) == .refused(.limitExceeded(.holdLength, limit: 150)))
    guard case .extended(let sooner) = box.outcome(.extend(id, ttl: 10)) else { return #expect(Bool(false)) }
    #expect(sooner.expiresAt == start + 160_000)
    #expect(box.outcome(.extend(id, ttl: 0)) == .refused(.invalid(.ttl)))
    box.wait(10_000)
    #expect(box.outcome(.extend(id, ttl: 10)) == .refused(.holdExpired))
  }

  @Test func fromHoldToConfirmedOrder() throws {
    let box = Box()
    let id = try box.held(3, 4)
    box.wait(1_000)
    let now = box.inventory.now
    let info = try box.checkedOut(id)
    let order = info.order
    #expect(info.status == .pendingPayment)
    #expect(info.createdAt == now)
    #expect(info.payBy == now + 900_000)
    #expect(info.hold.expiresAt == now + 599_000)
    #expect(order.slot == id.slot && order.sequence == id.sequence && order.secret != id.secret)
    #expect(box.outcome(.checkout(id, secret: 5)) == .checkedOut(info))
    #expect(box.outcome(.release(id)) == .refused(.checkedOut(order)))
    #expect(box.outcome(.extend(id, ttl: 9)) == .refused(.checkedOut(order)))
    #expect(box.inventory.answer(.hold(id)) == .order(info))
    box.wait(899_999)
    guard case .order(.confirm, let confirmed) = box.outcome(.confirm(order)) else { return #expect(Bool(false)) }
    #expect(confirmed.status == .confirmed)
    #expect(confirmed.hold.seats == seats(3, 4))
    #expect(confirmed.state == .confirmed(at: now + 899_999))
    #expect(box.states.hasPrefix("...ss."))
    #expect(box.inventory.nextDeadline == nil)
    #expect(box.outcome(.confirm(order)) == .order(.confirm, confirmed))
    box.wait(1_000_000_000)
    #expect(box.inventory.answer(.order(order)) == .order(confirmed))
  }

  @Test func aPendingOrderExpires() throws {
    let box = Box()
    let id = try box.held(0)
    let order = try box.checkedOut(id).order
    box.wait(899_999)
    #expect(box.states.hasPrefix("h"))
    box.wait(1)
    #expect(box.states.hasPrefix("."))
    #expect(box.outcome(.confirm(order)) == .refused(.orderExpired))
    #expect(box.outcome(.cancel(order)) == .refused(.orderExpired))
    _ = try box.held(0, buyer: "bob")
    guard case .order(let info) = box.inventory.answer(.order(order)) else { return #expect(Bool(false)) }
    #expect(info.state == .expired(at: info.payBy))
    #expect(info.hold.seats == seats(0))
    #expect(info.hold.buyer == "ann")
  }

  @Test func cancellingPutsSeatsOnSaleAgain() throws {
    let box = Box(hall(areas: [.init(name: "Floor", capacity: 5, price: 300)]))
    let floor = [AreaCount(area: AreaIndex(0), count: 2)]
    for isConfirmed in [false, true] {
      let id = try box.held(0, 1, areas: floor)
      let order = try box.checkedOut(id).order
      if isConfirmed {
        _ = box.outcome(.confirm(order))
        #expect(box.availability?.areas == [Counts(free: 3, sold: 2)])
      }
      guard case .order(.cancel, let info) = box.outcome(.cancel(order)) else { return #expect(Bool(false)) }
      #expect(info.status == .cancelled)
      #expect(info.hold.areas == floor)
      #expect(
        info.history.map(\.status)
          == (isConfirmed ? [.pendingPayment, .confirmed, .cancelled] : [.pendingPayment, .cancelled]))
      #expect(box.states.hasPrefix(".."))
      #expect(box.availability?.areas == [Counts(free: 5)])
      #expect(box.outcome(.cancel(order)) == .order(.cancel, info))
      #expect(box.outcome(.confirm(order)) == .refused(.orderState(.cancelled)))
    }
    #expect(box.inventory.nextDeadline == nil)
  }

  @Test func malformedRecordsAreRefused() throws {
    let box = Box()
    _ = try box.held(0)
    for kind in CommandKind.all {
      for length in 0..<60 {
        for byte: UInt8 in [0, 1, 255] {
          var bytes: [UInt8] = []
          CommandRecord.encode(kind, key: Bytes("k").rawSpan, keyIsFromRouter: false, into: &bytes) {
            $0.append(contentsOf: repeatElement(byte, count: length))
          }
          let applied = box.inventory.apply(bytes: bytes)
          if kind == .tick || kind == .openEpoch { continue }
          guard case .refused = applied.outcome else { return #expect(Bool(false), "\(kind) \(length): \(applied)") }
        }
      }
    }
    #expect(box.states.hasPrefix("h..."))
  }
}
