public import EventLoop
public import Time

/// What a router process is started with.
public struct RouterConfiguration: Sendable {
  /// Where the doors listen, each at one place or more; port 0 takes a free one.
  public var http = [Endpoint.internet(HostPort(host: "127.0.0.1", port: 8080))]
  public var tcp = [Endpoint.internet(HostPort(host: "127.0.0.1", port: 7400))]
  /// Where others reach the doors, if not where they listen; port 0: the one that they listen at.
  public var advertisedHTTP: HostPort?
  public var advertisedTCP: HostPort?
  /// Permissions of the sockets that are files.
  public var unixMode: UInt32 = 0o660
  /// Event loops, one thread each; at most 64. One for every two cores: a router's requests cost it less than they cost
  /// clients, nodes and the kernel beside it, and fewer loops send fewer and fuller frames.
  public var loops = max(1, processorCount() / 2)
  /// How long requests are held through a failover, 0 to 20,000 ms.
  public var failoverWait: Milliseconds = 5_000
  /// The pages that may call the HTTP door from a browser.
  public var crossOrigin = CrossOrigin()
  public var logsRequests = false
  public var headerTimeout = Duration.seconds(10)
  public var bodyTimeout = Duration.seconds(30)
  public var idleTimeout = Duration.seconds(75)
  /// At the RESP door; zero: never, as Redis has it.
  public var respIdleTimeout = Duration.zero
  /// Bytes that all unfinished requests together may take.
  public var inputMemory = 64 << 20
  /// Bytes that all answers that wait to be sent may take together; a body that many are sent counts once.
  public var outputMemory = 64 << 20
  /// Bytes that the events' definitions, seat maps and plan bodies may take together.
  public var copyMemory = 256 << 20
  /// PEM files; both or none: TLS at both doors' ports. What comes through a file has not left the machine.
  public var certificateFile: String?
  public var keyFile: String?
  public init() {}
}
