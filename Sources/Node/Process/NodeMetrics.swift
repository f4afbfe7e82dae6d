import EventLoop
import Flags
import Inventory
import Journal
import Octets
import Proto
import Time

/// What a node's `/metrics` says: Prometheus' text format, named like the router's.
struct NodeMetrics: Sendable {
  struct Shard: Sendable {
    var status: ReplicaStatus
    var stats: InventoryStats
  }

  var state: NodeStatus.State
  var uptime: Milliseconds
  var loopCount: Int
  var turnTimes: TurnTimes
  var shards: [Shard]
  var logBytes: UInt64
  var segments: Int
  var written: UInt64
  var durable: UInt64
  var isFull: Bool
  var syncs: SyncTimes
  /// Which of the node's starts this process is.
  var start: UInt64
  /// Replicas that wait for their peer or the operator.
  var suspects: Int
  var logLinesDropped: UInt64
  var isCoordinatorReachable: Bool

  func write(into out: inout [UInt8]) {
    out.family("holdfast_node_build_info", "gauge", "1; the label says which version runs.")
    out.line("holdfast_node_build_info", "version", Version.current, 1)
    out.gauge("holdfast_node_up", "1: it serves; 0: it reads its log, or is halted.", state == .up ? 1 : 0)
    out.gauge("holdfast_node_uptime_seconds", "Since the start.", uptime.seconds)
    out.gauge("holdfast_node_start", "Number of this start of the node.", Int64(clamping: start))
    out.gauge(
      "holdfast_node_suspect_replicas", "Replicas that may lack what was acknowledged: they wait for peer or operator.",
      Int64(suspects))
    out.gauge(
      "holdfast_node_coordinator_up", "1: the coordinator answers; 0: roles cannot change.",
      isCoordinatorReachable ? 1 : 0)
    out.gauge("holdfast_node_loops", "Event loops.", Int64(loopCount))
    out.family("holdfast_node_loop_turn_seconds", "histogram", "Turns of the event loops: so long others wait.")
    out.putTurnTimes(turnTimes, "holdfast_node_loop_turn_seconds")
    out.gauge("holdfast_node_log_bytes", "From the log's oldest kept byte to its end.", Int64(logBytes))
    out.gauge("holdfast_node_log_segments", "Segments of the log.", Int64(segments))
    out.gauge("holdfast_node_log_position", "Behind the last byte that was written.", Int64(written))
    out.gauge("holdfast_node_log_durable_position", "Behind the last byte that was synced.", Int64(durable))
    out.gauge("holdfast_node_disk_full", "1: commands are refused for lack of room.", isFull ? 1 : 0)
    let budget = DescriptorBudget.process
    out.gauge("holdfast_node_connections_max", "Connections that may be open at once.", Int64(budget.connectionsMax))
    out.counter(
      "holdfast_node_connections_over_limit_total", "Connections that came when so many were open.",
      UInt64(budget.overLimitCount))
    out.counter(
      "holdfast_node_descriptor_failures_total", "Connections that failed for lack of descriptors or memory.",
      UInt64(budget.failedCount))
    out.counter(
      "holdfast_node_log_lines_dropped_total", "Lines of this program's output that were lost.", logLinesDropped)
    out.histogram("holdfast_node_log_sync_seconds", "Group writes, from the first byte to the end of the sync.", syncs)
    out.family("holdfast_node_replicas", "gauge", "Replicas of this node by role.")
    for (role, name) in Self.roles {
      out.line("holdfast_node_replicas", "role", name, Int64(shards.count { $0.status.role == role }))
    }
    family(&out, "holdfast_node_shard_epoch", "The shard's epoch.") { Int64(clamping: $0.status.epoch) }
    family(&out, "holdfast_node_shard_applied_index", "The last record in memory.") {
      Int64(clamping: $0.status.appliedIndex)
    }
    family(&out, "holdfast_node_shard_durable_index", "The last record on this disk.") {
      Int64(clamping: $0.status.durableIndex)
    }
    family(&out, "holdfast_node_shard_committed_index", "The last record that is known to be wherever it must be.") {
      Int64(clamping: $0.status.committedIndex)
    }
    family(&out, "holdfast_node_shard_events", "Events.") { Int64($0.stats.events) }
    family(&out, "holdfast_node_shard_holds", "Holds that are not checked out.") { Int64($0.stats.holds) }
    family(&out, "holdfast_node_shard_key_bytes", "Bytes of outcomes kept under keys, routers' own included.") {
      Int64($0.stats.keyBytes)
    }
    family(
      &out, "holdfast_node_shard_key_window_seconds",
      "Age of the oldest outcome under a client's key: what is younger is found by a retry."
    ) { $0.stats.clientKeyWindow.seconds }
  }

  private static let roles: [(ReplicaStatus.Role, StaticString)] = [
    (.primary, "primary"), (.follower, "follower"), (.joining, "joining"), (.halted, "halted"), (.none, "none"),
  ]

  private func family(
    _ out: inout [UInt8], _ name: StaticString, _ help: StaticString, _ value: (Shard) -> Int64
  ) {
    out.family(name, "gauge", help)
    for shard in shards {
      out.put(text: name)
      out.append(contentsOf: "{shard=\"\(shard.status.shard.rawValue)\"} \(value(shard))\n".utf8)
    }
  }
}

extension [UInt8] {
  fileprivate mutating func put(text: StaticString) { append(contentsOf: text.description.utf8) }

  fileprivate mutating func family(_ name: StaticString, _ type: StaticString, _ help: StaticString) {
    append(contentsOf: "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n".utf8)
  }

  fileprivate mutating func line(_ name: StaticString, _ label: StaticString, _ value: StaticString, _ number: Int64) {
    append(contentsOf: "\(name){\(label)=\"\(value)\"} \(number)\n".utf8)
  }

  fileprivate mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: Int64) {
    family(name, "gauge", help)
    append(contentsOf: "\(name) \(value)\n".utf8)
  }

  fileprivate mutating func counter(_ name: StaticString, _ help: StaticString, _ value: UInt64) {
    family(name, "counter", help)
    append(contentsOf: "\(name) \(value)\n".utf8)
  }

  fileprivate mutating func histogram(_ name: StaticString, _ help: StaticString, _ times: SyncTimes) {
    family(name, "histogram", help)
    var sum: UInt64 = 0
    for (place, count) in times.buckets.enumerated() {
      sum += count
      let bound = place + 1 == times.buckets.count ? "+Inf" : "\(Double(UInt64(1) << UInt64(place)) / 1_000_000)"
      append(contentsOf: "\(name)_bucket{le=\"\(bound)\"} \(sum)\n".utf8)
    }
    append(contentsOf: "\(name)_sum \(times.sum / .seconds(1))\n\(name)_count \(times.count)\n".utf8)
  }
}
