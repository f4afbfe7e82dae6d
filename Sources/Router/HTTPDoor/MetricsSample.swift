import Budgets
import EventLoop
import Flags
import Octets
import Proto
import RESP
import RouterCore
import Time

/// What `/metrics` says, gathered from all loops: Prometheus' text format.
struct MetricsSample: Sendable {
  var counters = LoopMetrics()
  /// Reads refused because their copy, map or plan body had no room, or too many waited.
  var copyRefusals: UInt64 = 0
  var pending = 0
  var copies = 0
  var copiesLive = 0
  var oldestCopy: Milliseconds = 0
  var copyWaits = 0
  var knownEvents = 0
  var memory = MemoryCounts()
  var links = 0
  var shardsReachable = 0
  var shardCount = 0
  var loopCount = 0
  var turnTimes = TurnTimes()
  var uptime: Milliseconds = 0
  var logLinesDropped: UInt64 = 0
  var isCoordinatorReachable = true

  func write(into out: inout [UInt8]) {
    out.family("holdfast_router_build_info", "gauge", "1; the label says which version runs.")
    out.putText("holdfast_router_build_info{version=\"")
    out.putText(Version.current)
    out.putText("\"} 1\n")
    out.family(
      "holdfast_router_http_requests_total", "counter", "Answers at the HTTP door by method, route and status.")
    counters.forEachHTTP { method, route, status, count in
      out.putText("holdfast_router_http_requests_total{method=\"")
      out.putText(method)
      out.putText("\",route=\"")
      out.putText(route?.row.http?.path ?? "none")
      out.putText("\",code=\"")
      out.putDecimal(Int64(status))
      out.putText("\"} ")
      out.line(count)
    }
    out.histogram(
      "holdfast_router_http_request_seconds", "From a request's last byte to its answer.", counters.httpLatency)
    out.family("holdfast_router_resp_commands_total", "counter", "Commands at the RESP door that need a shard.")
    for command in RESPCommand.allCases {
      for isError in [false, true] {
        let count = counters.respCount(command, isError: isError)
        guard count > 0 else { continue }
        out.putText("holdfast_router_resp_commands_total{command=\"")
        out.putText(command.name)
        out.putText(isError ? "\",result=\"refused\"} " : "\",result=\"ok\"} ")
        out.line(count)
      }
    }
    out.histogram("holdfast_router_resp_command_seconds", "From a command to its reply.", counters.respLatency)
    out.gauge("holdfast_router_http_connections", "Open connections.", Int64(counters.httpConnections))
    out.gauge("holdfast_router_resp_connections", "Open connections.", Int64(counters.respConnections))
    out.counter(
      "holdfast_router_resp_protocol_errors_total", "Connections closed because their bytes were no commands.",
      counters.respProtocolErrors)
    let budget = DescriptorBudget.process
    out.gauge("holdfast_router_connections_max", "Connections that may be open at once.", Int64(budget.connectionsMax))
    out.counter(
      "holdfast_router_connections_over_limit_total", "Connections that came when so many were open.",
      UInt64(budget.overLimitCount))
    out.counter(
      "holdfast_router_descriptor_failures_total", "Connections that failed for lack of descriptors or memory.",
      UInt64(budget.failedCount))
    out.counter("holdfast_router_log_lines_dropped_total", "Log lines that were lost.", logLinesDropped)
    out.gauge("holdfast_router_pending_requests", "Requests to nodes without a reply.", Int64(pending))
    out.counter("holdfast_router_frames_sent_total", "Batches sent to nodes.", counters.framesSent)
    out.counter("holdfast_router_fresh_reads_total", "Reads served from copies.", counters.freshReads)
    out.counter(
      "holdfast_router_strong_reads_total", "Reads of seats and availability by primaries.", counters.strongReads)
    out.gauge("holdfast_router_node_links", "Connections to nodes that carry requests.", Int64(links))
    out.counter("holdfast_router_node_links_lost_total", "Connections to nodes that broke.", counters.linksLost)
    out.gauge(
      "holdfast_router_coordinator_up", "1: the coordinator answers; 0: changes of roles are not heard of.",
      isCoordinatorReachable ? 1 : 0)
    out.gauge("holdfast_router_shards", "Shards of the cluster.", Int64(shardCount))
    out.gauge(
      "holdfast_router_shards_reachable", "Shards whose primary has a link, on the loop that answers.",
      Int64(shardsReachable))
    out.gauge("holdfast_router_events_known", "Events whose definition is kept, summed over loops.", Int64(knownEvents))
    out.gauge("holdfast_router_copies", "Subscriptions to events, summed over loops.", Int64(copies))
    out.gauge("holdfast_router_copies_live", "Subscriptions that are up to date.", Int64(copiesLive))
    out.family("holdfast_router_copies_age_seconds", "gauge", "Age of the oldest live copy.")
    out.putText("holdfast_router_copies_age_seconds ")
    out.append(contentsOf: "\(Double(oldestCopy.rawValue) / 1_000)\n".utf8)
    out.gauge("holdfast_router_copy_waits", "Reads that wait for a copy.", Int64(copyWaits))
    out.counter(
      "holdfast_router_copy_refusals_total", "Reads refused because there was no room for what they need.",
      copyRefusals)
    out.gauge(
      "holdfast_router_copy_memory_bytes", "Definitions, seat maps and plan bodies.", Int64(memory.copies.used))
    out.gauge("holdfast_router_copy_memory_limit_bytes", "Their bound.", Int64(memory.copyLimit))
    out.counter(
      "holdfast_router_copies_dropped_total", "Of those, dropped for others or because nobody used them.",
      memory.copies.dropped)
    out.gauge("holdfast_router_input_memory_bytes", "Unfinished requests.", Int64(memory.input.used))
    out.gauge("holdfast_router_input_memory_limit_bytes", "Their bound.", Int64(memory.inputLimit))
    out.counter(
      "holdfast_router_input_memory_closed_total", "Connections closed because of that bound.", memory.input.closed)
    out.counter(
      "holdfast_router_input_memory_refused_total", "Large bodies refused because of it.", memory.input.refused)
    out.gauge("holdfast_router_output_memory_bytes", "Answers that wait to be sent.", Int64(memory.output.used))
    out.gauge("holdfast_router_output_memory_limit_bytes", "Their bound.", Int64(memory.outputLimit))
    out.counter(
      "holdfast_router_output_memory_closed_total", "Connections closed because of that bound.", memory.output.closed)
    out.gauge(
      "holdfast_router_jobs", "Large things being made on other threads, or waiting for it.", Int64(memory.jobs))
    out.gauge("holdfast_router_loops", "Event loops.", Int64(loopCount))
    out.family("holdfast_router_loop_turn_seconds", "histogram", "Turns of the event loops: so long others wait.")
    out.putTurnTimes(turnTimes, "holdfast_router_loop_turn_seconds")
    out.gauge("holdfast_router_uptime_seconds", "Since the start.", uptime.seconds)
  }
}

extension [UInt8] {
  fileprivate mutating func family(_ name: StaticString, _ type: StaticString, _ help: StaticString) {
    putText("# HELP ")
    putText(name)
    putText(" ")
    putText(help)
    putText("\n# TYPE ")
    putText(name)
    putText(" ")
    putText(type)
    putText("\n")
  }

  fileprivate mutating func line(_ value: UInt64) {
    append(contentsOf: "\(value)\n".utf8)
  }

  fileprivate mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: Int64) {
    family(name, "gauge", help)
    putText(name)
    append(contentsOf: " \(value)\n".utf8)
  }

  fileprivate mutating func counter(_ name: StaticString, _ help: StaticString, _ value: UInt64) {
    family(name, "counter", help)
    putText(name)
    putText(" ")
    line(value)
  }

  fileprivate mutating func histogram(_ name: StaticString, _ help: StaticString, _ value: LoopMetrics.Histogram) {
    family(name, "histogram", help)
    var sum: UInt64 = 0
    for (place, count) in value.buckets.enumerated() {
      sum += count
      putText(name)
      let bound = place + 1 == value.buckets.count ? "+Inf" : "\(Double(UInt64(1) << UInt64(place)) / 1_000_000)"
      append(contentsOf: "_bucket{le=\"\(bound)\"} ".utf8)
      line(sum)
    }
    putText(name)
    append(contentsOf: "_sum \(Double(value.sumNanoseconds) / 1_000_000_000)\n".utf8)
    putText(name)
    putText("_count ")
    line(value.count)
  }
}
