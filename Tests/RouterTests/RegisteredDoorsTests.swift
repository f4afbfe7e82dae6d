import EventLoop
import Flags
import Router
import Testing

/// Goal: what a router registers is an address that others can connect to.
@Suite struct RegisteredDoorsTests {
  private func texts(_ doors: String..., advertised: String? = nil, machine: String = "web1") throws -> [String] {
    let endpoints: [Endpoint] = try doors.map {
      $0.hasPrefix("unix:") ? .unix(path: String($0.dropFirst(5))) : .internet(try HostPort($0))
    }
    return RegisteredDoors.texts(endpoints, advertised: try advertised.map { try HostPort($0) }, machine: machine)
  }

  @Test func addressesAsTheyAre() throws {
    #expect(try texts("127.0.0.1:8080") == ["127.0.0.1:8080"])
    #expect(
      try texts("unix:/run/h.sock", "[::1]:80", "10.0.0.1:80") == ["[::1]:80", "10.0.0.1:80", "unix:/run/h.sock"])
    #expect(try texts("unix:/run/h.sock") == ["unix:/run/h.sock"])
  }

  @Test func everyAddressIsTheMachine() throws {
    #expect(try texts("0.0.0.0:8080") == ["web1:8080"])
    #expect(
      try texts("unix:/h", "0.0.0.0:8080", "[::]:8080", "127.0.0.1:81") == ["web1:8080", "127.0.0.1:81", "unix:/h"])
    #expect(try texts("[::]:8080", machine: "") == ["localhost:8080"])
  }

  @Test func advertisedComesFirst() throws {
    #expect(try texts("0.0.0.0:8080", advertised: "shop.example:80") == ["shop.example:80"])
    #expect(try texts("0.0.0.0:8080", advertised: "shop.example:0") == ["shop.example:8080"])
    #expect(
      try texts("127.0.0.1:8080", "unix:/h", advertised: "[2001:db8::1]:80")
        == ["[2001:db8::1]:80", "127.0.0.1:8080", "unix:/h"])
    #expect(try texts("127.0.0.1:8080", advertised: "127.0.0.1:8080") == ["127.0.0.1:8080"])
    #expect(try texts("unix:/h", advertised: "proxy:80") == ["proxy:80", "unix:/h"])
  }

  @Test(arguments: ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "0", "::0"]) func unspecified(host: String) {
    #expect(HostPort(host: host, port: 1).isUnspecified)
  }

  @Test(arguments: ["127.0.0.1", "::1", "web0", "0.0.0.1", "localhost"]) func specified(host: String) {
    #expect(!HostPort(host: host, port: 0).isUnspecified)
  }
}
