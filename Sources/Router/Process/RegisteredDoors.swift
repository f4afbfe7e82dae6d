package import EventLoop

/// Which addresses of a door a router registers, so that `status` and other tools find it.
package enum RegisteredDoors {
  /// Ports first: others than this machine's processes can use only those. What is advertised comes before all. A port
  /// at every address of the machine is none that others can connect to: it is registered by the machine's name.
  ///
  /// - Parameters:
  ///   - advertised: where others reach the door; port 0: the one that it listens at.
  ///   - machine: what this machine calls itself; empty: nothing.
  package static func texts(_ doors: [Endpoint], advertised: HostPort?, machine: String) -> [String] {
    var ports: [HostPort] = []
    var files: [String] = []
    for door in doors {
      switch door {
      case .internet(let address): ports.append(address)
      case .unix: files.append(door.description)
      }
    }
    var texts: [String] = []
    if var advertised {
      if advertised.port == 0 { advertised.port = ports.first?.port ?? 0 }
      texts.append(advertised.description)
      ports.removeAll(where: \.isUnspecified)
    }
    for port in ports {
      let name = machine.isEmpty ? "localhost" : machine
      let text = port.isUnspecified ? HostPort(host: name, port: port.port).description : port.description
      // 0.0.0.0 and [::] are one name.
      if !texts.contains(text) { texts.append(text) }
    }
    return texts + files
  }
}
