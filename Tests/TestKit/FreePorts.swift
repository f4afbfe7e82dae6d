import Glibc

/// Ports of 127.0.0.1 that nobody listens on now, for servers that must be told theirs. They lie below those that the
/// kernel gives to whoever binds port 0 or connects, so that no test that runs beside this one is given them meanwhile.
package func freePorts(_ count: Int) -> [UInt16] {
  var ports: [UInt16] = []
  while ports.count < count {
    let port = UInt16.random(in: 12_000..<32_000)
    if !ports.contains(port), isFree(port) { ports.append(port) }
  }
  return ports
}

private func isFree(_ port: UInt16) -> Bool {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
}
