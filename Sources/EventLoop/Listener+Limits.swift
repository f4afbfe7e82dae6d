internal import CHoldfast
internal import Glibc

/// Connections that there is no room for.
///
/// A door that accepts nothing more is deaf: who asks whether the process lives hears nothing, and nobody learns why.
/// So a few connections over the limit are taken as guests. The newest stay: who has something to say says it at once,
/// who only occupies a place loses it to the next.
extension Listener {
  /// Places for guests, on the listener's loop.
  struct Guests {
    /// In the order in which they came.
    var list: [Connection] = []
  }

  /// Makes room for one more guest.
  func makeRoomForGuest(of guestsMax: Int) {
    guard guests.list.count >= guestsMax else { return }
    let oldest = guests.list.removeFirst()
    oldest.loop.submit { if oldest.isGuest { oldest.abort() } }
  }

  /// On the listener's loop.
  func forget(_ guest: Connection) { guests.list.removeAll { $0 === guest } }

  /// There is no descriptor for the next connection in the backlog: the spare one is given for it, so that it hears at
  /// least a refusal.
  ///
  /// - Returns: false: that was of no use either.
  func refuseNext() -> Bool {
    guard spare >= 0 else { return false }
    _ = Glibc.close(spare)
    var raw = chf_address()
    // Safe: the shim writes one address.
    let accepted = unsafe chf_accept(fd, &raw)
    if accepted >= 0 { refuse(accepted) }
    spare = chf_spare_descriptor()
    return accepted >= 0
  }

  /// Says why and closes. What came meanwhile is read, because a socket closed with unread input takes our words back.
  func refuse(_ accepted: Int32) {
    let words = options.tls == nil ? limits.refusal : []
    // Safe: the shim reads the array's own bytes.
    unsafe words.withUnsafeBytes { unsafe chf_refuse(accepted, $0.baseAddress, $0.count) }
  }
}
