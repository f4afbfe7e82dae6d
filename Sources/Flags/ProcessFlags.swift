/// The flags of the two server processes, here so that `holdfast up`, which types them, and the processes, which read
/// them, cannot differ.
///
/// What every server does: it ends with status 2 and one line on stderr for a wrong command line, and 1 for what it
/// cannot start with (a taken port, a locked directory), naming it. It logs JSON lines to stdout or a file. Once it
/// serves it registers itself with the coordinator (`NodeRecord`, `RouterRecord`). SIGTERM and SIGINT end it in good
/// order, with status 0; SIGHUP opens its log anew.
extension CommandSpec {
  /// Which coordinator: shared by all programs.
  public static let coordinatorFlag = FlagSpec(
    "coordinator", "file:DIR|etcd:http://HOST:PORT[,…]", default: "file:var/coordinator",
    "where the map lives: a directory of this machine, or an etcd cluster")

  public static let httpDoorFlag = FlagSpec(
    "http", "HOST:PORT|unix:PATH", default: "127.0.0.1:8080", repeats: true,
    "the HTTP door; may be given several times, with addresses and files of sockets")
  public static let tcpDoorFlag = FlagSpec(
    "tcp", "HOST:PORT|unix:PATH", default: "127.0.0.1:7400", repeats: true,
    "the RESP door, for Redis clients; may be given several times")
  public static let unixModeFlag = FlagSpec(
    "unix-mode", "MODE", default: "0660", "permissions of the UNIX sockets' files, in octal")

  public static let logFlag = FlagSpec(
    "log", "FILE", "append the log to this file, which SIGHUP opens anew (for logrotate); else it goes to stdout")

  public static let node = CommandSpec(
    name: "holdfast-node", summary: "Keeps replicas of the shards, decides as primary, repeats as follower.",
    flags: [
      FlagSpec("name", "NAME", default: "n1", "this node's name in the map: 1 to 64 of A-Z a-z 0-9 . _ -"),
      FlagSpec("listen", "HOST:PORT", default: "127.0.0.1:7501", "where routers, the other node and the CLI reach it"),
      FlagSpec(
        "advertise", "HOST:PORT", "where others reach it, if not at --listen; needed if that is 0.0.0.0 or [::]"),
      FlagSpec("data", "DIR", default: "var/n1", "log, snapshots and identity; made if it is not there"),
      coordinatorFlag,
      FlagSpec("shards", "N", default: "16", "number of shards, 1 to 1024; counts only when the cluster is born"),
      FlagSpec("loops", "N", default: "0", "event loops, one thread each; 0: one a core"),
      FlagSpec("failure-timeout", "MS", default: "500", "silence after which a failover is tried, 50 to 3600000"),
      FlagSpec(
        "heartbeat", "MS", default: "0",
        "between heartbeats to the peer; 0: a tenth of the failure time-out, at most 100"),
      FlagSpec("segment-bytes", "BYTES", default: "67108864", "size of a log segment, 1 MiB to 1 GiB"),
      FlagSpec("snapshot-bytes", "BYTES", default: "67108864", "bytes of a shard's log after which it is snapshotted"),
      FlagSpec(
        "input-memory", "MIB", default: "64",
        "unfinished messages on all connections together; beyond it the oldest are closed"),
      FlagSpec("metrics", "HOST:PORT", "serve /metrics and /healthz over HTTP here"),
      logFlag, FlagSpec("log-level", "LEVEL", default: "info", "debug, info, warning or error"),
    ])

  public static let router = CommandSpec(
    name: "holdfast-router", summary: "The front doors: HTTP and RESP. Keeps no truth; any number may run.",
    flags: [
      httpDoorFlag, tcpDoorFlag,
      FlagSpec(
        "advertise-http", "HOST:PORT",
        "where others reach the HTTP door, if not at --http; else 0.0.0.0 and [::] are registered by the machine's name"
      ), FlagSpec("advertise-tcp", "HOST:PORT", "the same of the RESP door"), unixModeFlag, coordinatorFlag,
      FlagSpec("loops", "N", default: "0", "event loops, one thread each; 0: one for every two cores"),
      FlagSpec("failover-wait", "MS", default: "5000", "how long requests are held through a failover, 0 to 20000"),
      FlagSpec("cors", "ORIGIN,…|*", "allow pages of these origins, or of any, to call the HTTP door from a browser"),
      FlagSpec("tls-cert", "FILE", "certificate chain as PEM: both doors speak TLS, but not at UNIX sockets"),
      FlagSpec("tls-key", "FILE", "the certificate's key as PEM"),
      FlagSpec("access-log", "on|off", default: "off", "one line a request, beside the log"),
      FlagSpec("header-timeout", "SECONDS", default: "10", "a request's head must be there by then"),
      FlagSpec("body-timeout", "SECONDS", default: "30", "a request's body must be there by then"),
      FlagSpec("idle-timeout", "SECONDS", default: "75", "an HTTP connection without a request is closed"),
      FlagSpec(
        "resp-idle-timeout", "SECONDS", default: "0", "a RESP connection without a command is closed; 0: never"),
      FlagSpec("input-memory", "MIB", default: "64", "what all unfinished requests may take together"),
      FlagSpec("output-memory", "MIB", default: "64", "what all answers that wait to be sent may take together"),
      FlagSpec("copy-memory", "MIB", default: "256", "what definitions, seat maps and plans may take together"),
      logFlag, FlagSpec("log-level", "LEVEL", default: "info", "debug, info, warning or error"),
    ])
}
