public import Octets
public import Time

// A stamp's bytes are those of its milliseconds: little-endian, `i64`.

extension [UInt8] {
  @inlinable @inline(__always) public mutating func put(_ stamp: Stamp) { put(stamp.rawValue) }
}

extension Piece {
  @inlinable @inline(__always) public mutating func put(_ stamp: Stamp) { put(stamp.rawValue) }
}

extension ByteReader {
  @inlinable public mutating func stamp() throws(DecodeError) -> Stamp { Stamp(try i64()) }
}
