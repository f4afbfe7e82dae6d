/// Little-endian fields appended to a byte array.
extension [UInt8] {
  @inlinable public mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    // Safe: the pointer is to a local integer and is used only inside the closure.
    unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
  }

  @inlinable public mutating func put(_ span: RawSpan) {
    // Safe: the pointer is used only inside the closure, while the span lives.
    unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }

  /// A `u8` length and the bytes.
  @inlinable public mutating func putShort(_ bytes: Bytes) {
    precondition(bytes.count <= 255, "a short field holds at most 255 bytes: check it where it came in")
    append(UInt8(bytes.count))
    append(contentsOf: bytes.array)
  }

  /// Overwrites bytes from `offset` on, for a number that is known only afterwards.
  @inlinable public mutating func patch<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
    precondition(offset >= 0 && offset <= count - MemoryLayout<T>.size, "what is patched was written before")
    // Safe: the bytes are there.
    unsafe withUnsafeMutableBytes { unsafe $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self) }
  }

  /// The array's bytes as a raw span.
  @inlinable public var rawSpan: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: every byte of an array of bytes is initialised, and the lifetime ties the span to the array.
      unsafe span.bytes
    }
  }
}

extension ArraySlice where Element == UInt8 {
  /// The slice's bytes as a raw span.
  @inlinable public var rawSpan: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: every byte of an array of bytes is initialised, and the lifetime ties the span to the slice.
      unsafe span.bytes
    }
  }
}
