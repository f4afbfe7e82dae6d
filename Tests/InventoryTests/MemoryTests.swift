import Foundation
import Glibc
import Inventory
import Octets
import Proto
import TestKit
import Testing

/// Bytes of memory that the process really has.
private func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { exit(4) }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 128)
  guard fgets(&line, 128, file) != nil else { exit(4) }
  let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
    separator: " ")
  return (Int(words[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
}

/// A million holds of one seat each, for a buyer of eight bytes.
private func holdAll(_ box: Box, seats: UInt32, underKeys: Bool) -> Bool {
  var buffer: [UInt8] = []
  var key: [UInt8] = []
  var held = Outcome.Held.none
  for seat in 0..<seats {
    buffer.removeAll(keepingCapacity: true)
    key.removeAll(keepingCapacity: true)
    if underKeys {
      key.put(UInt64(7))
      key.put(UInt64(seat))
    }
    Command.hold(
      Command.Hold(event: box.event, secret: UInt64(seat), buyer: "buyer001", seats: [SeatIndex(seat)])
    ).encode(key: Bytes(key), keyIsFromRouter: underKeys, into: &buffer)
    var reader = ByteReader(buffer.rawSpan)
    guard let record = try? CommandRecord(decoding: &reader) else { return false }
    if box.inventory.applyOneHold(record, &held) { continue }
    guard case .held = box.inventory.apply(record).outcome else { return false }
  }
  return true
}

/// Limits stand in `bench/thresholds.json`. Counted in processes of their own, so that no other test allocates
/// meanwhile.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["HOLDFAST_SANITIZER"] == nil, "a sanitizer's own memory would be counted"))
struct Memory {
  /// At most 8 bytes a seat for the seat table and 48 for a hold; together a seat and its hold take no more than the
  /// 48.
  @Test func aSeatAndItsHold() async {
    await #expect(processExitsWith: .success) {
      let size: UInt32 = 1_000_000
      let start = residentBytes()
      let box = Box(hall(rows: 1_000, seats: 1_000))
      let empty = residentBytes()
      guard holdAll(box, seats: size, underKeys: false) else { exit(2) }
      let full = residentBytes()
      let each = Double(full - empty) / Double(size)
      print("event: \((empty - start)) bytes; a held seat: \(each) bytes")
      guard empty - start <= 8 * Int(size), let limit = threshold("bytes a held seat, inventory"), each <= limit else {
        exit(3)
      }
    }
  }

  /// What a router's key adds, and that it goes.
  @Test func aRoutersKey() async {
    await #expect(processExitsWith: .success) {
      let size: UInt32 = 1_000_000
      let box = Box(hall(rows: 1_000, seats: 1_000, holdTTL: 3_600))
      let empty = residentBytes()
      guard holdAll(box, seats: size, underKeys: true), box.inventory.stats.routerKeys == Int(size) else { exit(2) }
      let full = residentBytes()
      let each = Double(full - empty) / Double(size)
      box.wait(70_000)
      for _ in 0..<10 { _ = box.outcome(.tick) }
      guard box.inventory.stats.routerKeys == 0 else { exit(4) }
      trimMemory()
      let after = Double(residentBytes() - empty) / Double(size)
      print("a held seat and its key: \(each) bytes; once the key is forgotten: \(after) bytes")
      guard let limit = threshold("bytes a held seat and its router's key, inventory"), each <= limit,
        let least = threshold("bytes a held seat, inventory"), after <= least + 1
      else { exit(3) }
    }
  }
}
