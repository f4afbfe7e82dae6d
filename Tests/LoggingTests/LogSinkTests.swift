import Foundation
import Glibc
import Logging
import Octets
import Testing

@Suite struct LogSinkTests {
  /// Reads what a sink wrote to a pipe.
  private func lines(level: LogLevel, _ body: (LogSink) -> Void) throws -> [[String: Any]] {
    let path = NSTemporaryDirectory() + "holdfast-log-\(UInt64.random(in: 0 ... .max)).log"
    defer { unlink(path) }
    let sink = try LogSink(path: path, process: "router", level: level)
    body(sink)
    sink.flush()
    let text = try String(contentsOfFile: path, encoding: .utf8)
    return try text.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func everyLineIsOneJSONObjectWhateverStandsInIt() throws {
    let nasty = "a \"quoted\" \\ line\nwith \u{0} and \u{1B} and é"
    let written = try lines(level: .info) { sink in
      sink.info("started") {
        $0.field("text", nasty)
        $0.field("count", 7)
        $0.field("ok", true)
        $0.field("raw", Bytes([0xFF, 0x41]))
      }
      sink.debug("not wanted")
      sink.error("second")
    }
    #expect(written.count == 2)
    #expect(written[0]["message"] as? String == "started")
    #expect(written[0]["process"] as? String == "router")
    #expect(written[0]["level"] as? String == "info")
    #expect(written[0]["text"] as? String == nasty)
    #expect(written[0]["count"] as? Int == 7)
    #expect(written[0]["ok"] as? Bool == true)
    #expect(written[1]["level"] as? String == "error")
  }

  @Test func manyThreadsLoseNothing() async throws {
    let written = try lines(level: .info) { sink in
      DispatchQueue.concurrentPerform(iterations: 8) { thread in
        for number in 0..<500 { sink.info("line") { $0.field("n", thread * 500 + number) } }
      }
    }
    #expect(Set(written.compactMap { $0["n"] as? Int }).count == 4_000)
  }

  @Test func aFullQueueDropsAndCounts() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let sink = LogSink(descriptor: ends[1], process: "router", queueBytesMax: 1_000)
    // Nobody reads: the pipe takes nothing more, the queue 1,000 bytes, the rest must be dropped, and nobody blocks.
    let flags = fcntl(ends[1], F_GETFL)
    _ = fcntl(ends[1], F_SETFL, flags | O_NONBLOCK)
    var space: UInt8 = 0x0A
    while write(ends[1], &space, 1) == 1 {}
    _ = fcntl(ends[1], F_SETFL, flags)
    for _ in 0..<10_000 { sink.info("fill") }
    #expect(sink.droppedCount > 0)
    // Who ends waits for a moment only.
    #expect(!sink.flush())
    // Once somebody reads, the lines come, and one of them says how many are missing.
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while !String(decoding: text, as: UTF8.self).contains(#""message":"log lines dropped","count":"#) {
      sink.info("more")
      text += part[..<max(0, read(ends[0], &part, part.count))]
    }
  }

  /// A reader that went away ends nothing, and what it missed is counted.
  @Test func aClosedReaderCostsOnlyTheLines() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    let sink = LogSink(descriptor: ends[1], process: "router")
    for _ in 0..<10 { sink.info("lost") }
    #expect(sink.flush())
    #expect(sink.droppedCount == 10)
  }

  @Test func aThrottleCountsWhatItLeavesOut() {
    var throttle = LogThrottle(seconds: 10)
    #expect(throttle.pass(now: 5) == 0)
    for now in 6..<9 as Range<UInt64> { #expect(throttle.pass(now: now) == nil) }
    #expect(throttle.pass(now: 10_000_000_005) == 3)
    #expect(throttle.pass(now: 30_000_000_005) == 0)
  }

  /// What a rotation does: the file gets another name, and the next lines are in a new one.
  @Test func aRenamedFileIsLeftForANewOne() throws {
    let path = NSTemporaryDirectory() + "holdfast-log-\(UInt64.random(in: 0 ... .max)).log"
    defer { for file in [path, path + ".1"] { unlink(file) } }
    func messages(_ file: String) throws -> [String] {
      try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map { line in
        let json = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return try #require(json?["message"] as? String)
      }
    }
    let sink = try LogSink(path: path, process: "router")
    sink.info("before")
    sink.flush()
    rename(path, path + ".1")
    sink.info("still in the old one")
    sink.flush()
    sink.reopen()
    #expect(sink.flush())
    sink.info("after")
    #expect(sink.flush())
    #expect(try messages(path + ".1") == ["before", "still in the old one"])
    #expect(try messages(path) == ["the log was opened anew", "after"])
    #expect(sink.droppedCount == 0)
  }

  /// A directory that is gone, a name that is a directory's now: the old file is better than none.
  @Test func whatCannotBeOpenedAnewLeavesTheOldFile() throws {
    let folder = NSTemporaryDirectory() + "holdfast-logs-\(UInt64.random(in: 0 ... .max))"
    let path = folder + "/router.log"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let sink = try LogSink(path: path, process: "router")
    rename(path, path + ".1")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    sink.reopen()
    #expect(sink.flush())
    sink.info("after")
    #expect(sink.flush())
    let text = try String(contentsOfFile: path + ".1", encoding: .utf8)
    #expect(text.contains("the log cannot be opened anew: it goes on in the old file"))
    #expect(text.contains("\"error\":\"the log \(path) cannot be opened: Is a directory\""))
    #expect(text.contains("\"after\""))
  }

  @Test func aPathThatCannotBeOpenedIsNamed() {
    #expect(throws: LogSink.OpenError.self) { try LogSink(path: "/nowhere/x.log", process: "router") }
  }
}
