import Glibc
import Inventory
import Proto
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

@Suite struct Memory {
  /// At most 8 bytes a seat for the seat table and 48 for a hold of one seat with an 8-byte buyer, idempotency keys apart. Counted in a
  /// process of its own, so that no other test allocates meanwhile.
  @Test func aSeatAndItsHold() async {
    await #expect(processExitsWith: .success) {
      let size: UInt32 = 1_000_000
      let start = residentBytes()
      let box = Box(hall(rows: 1_000, seats: 1_000))
      let empty = residentBytes()
      var buffer: [UInt8] = []
      for seat in 0..<size {
        buffer.removeAll(keepingCapacity: true)
        Command.hold(
          Command.Hold(event: box.event, secret: UInt64(seat), buyer: "buyer001", seats: [SeatIndex(seat)])
        ).encode(into: &buffer)
        guard case .held = box.inventory.apply(bytes: buffer).outcome else { exit(2) }
      }
      let full = residentBytes()
      print("event: \((empty - start)) bytes; a held seat: \(Double(full - empty) / Double(size)) bytes")
      guard full - empty <= 56 * Int(size), empty - start <= 8 * Int(size) else { exit(3) }
    }
  }
}
