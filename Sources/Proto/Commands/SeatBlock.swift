import Octets

/// Seats and places that are taken off sale or put back.
public struct SeatBlock: Equatable, Sendable {
  /// false: they are put back.
  public var isBlocked: Bool
  public var seats: [SeatIndex]
  public var areas: [AreaCount]

  public init(isBlocked: Bool, seats: [SeatIndex], areas: [AreaCount] = []) {
    (self.isBlocked, self.seats, self.areas) = (isBlocked, seats, areas)
  }

  /// Layout: `isBlocked: u8`, the seats (`u32` count, `u32` each), the areas (`u32` count, `u16` and `u32` each).
  func encode(into out: inout [UInt8]) {
    out.append(isBlocked ? 1 : 0)
    out.put(seats: seats)
    out.put(UInt32(areas.count))
    for area in areas {
      out.put(area.area.rawValue)
      out.put(area.count)
    }
  }

  init(decoding reader: inout ByteReader) throws(DecodeError) {
    isBlocked = try reader.isPresent()
    seats = try reader.seats()
    areas = []
    for _ in 0..<(try reader.count(limit: HoldView.areasMax, field: "areas")) {
      areas.append(AreaCount(area: AreaIndex(try reader.u16()), count: try reader.u32()))
    }
  }
}
