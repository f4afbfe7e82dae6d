import Inventory
import Proto
import Testing

/// The bytes of a snapshot and the digest of its state. A test that fails here says that a replica of the same
/// `Format.version` would misread the one, or dispute the other.
@Suite struct GoldenSnapshotTests {
  @Test func bytesAndDigestAreFrozen() throws {
    let box = Box()
    let first = try box.held(0)
    let second = try box.held(1)
    let third = try box.held(2)
    _ = box.outcome(.release(first))
    guard case .checkedOut(let pending) = box.outcome(.checkout(second, secret: 7, reference: "invoice 7")) else {
      Issue.record("must be checked out")
      return
    }
    _ = box.outcome(.confirm(pending.order))
    _ = third
    var bytes: [UInt8] = []
    box.inventory.encodeSnapshot { bytes += $0 }
    let digits = Array("0123456789abcdef")
    let hexadecimal = String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    #expect(
      hexadecimal
        == "014700000002030040420f0000000000030000000000000003000000ffffff0f010000000000001000000000005c26050000000060ea00000000000001000000000000000000000000000000027e0000000140420f000000000000000000000000002a000000000000000700000000000000020468616c6c0448616c6c00000003455552580200005802000084030000000001000000065374616c6c7301e80300000000000000000000000000000001000000065374616c6c7300040000000a00000000000000000000000000000003b6000000050000000000000000e90300000000000000000000006a180000000000030100000000000000ea0300000000000000000000e0fd1c000000000003616e6e010000000000000001000000000000000000000002070000000000000040420f0000000000006a18000000000040420f0000000000000000000000000009696e766f6963652037010200000000000000eb0300000000000000000000006a18000000000003616e6e010000000000000002000000804f120008080000006355615083b70dc6"
    )
    #expect(box.inventory.digest == 14271264568824124771)
  }
}
