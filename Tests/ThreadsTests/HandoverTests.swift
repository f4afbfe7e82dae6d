import Testing
import Threads

@Suite struct HandoverTests {
  private final class Parcel: Sendable {
    let content: [Int]
    init(_ content: [Int]) { self.content = content }
  }

  @Test func aThreadHandsOverToATask() async {
    for round in 0..<200 {
      let parcel: Parcel = await handedOver { handOver in
        Thread.needed(name: "giver") { handOver(Parcel(Array(repeating: round, count: 3))) }.detach()
      }
      #expect(parcel.content == [round, round, round])
    }
  }

  /// The value may be there before the task waits for it.
  @Test func whatIsThereAlreadyIsTaken() async {
    let value: Int = await handedOver { handOver in handOver(5) }
    #expect(value == 5)
  }

  /// Each of many tasks gets its own value, in whatever order the worker's jobs come.
  @Test func manyTasksWaitForOneWorker() async {
    let worker = Worker(name: "giver")
    let sum = await withTaskGroup(of: (asked: Int, got: Int).self) { group in
      for number in 0..<500 {
        group.addTask {
          let got: Int = await handedOver { handOver in
            if !worker.run({ handOver(number) }) { handOver(-1) }
          }
          return (number, got)
        }
      }
      var sum = 0
      for await answer in group {
        #expect(answer.asked == answer.got)
        sum += answer.got
      }
      return sum
    }
    worker.stop()
    #expect(sum == 500 * 499 / 2)
  }

  /// What blocks does so on a thread of its own, under its name.
  @Test func whatBlocksGetsAThread() async {
    let gate = Monitor(false)
    let opener = Task {
      gate.withLock { $0 = true }
      gate.wakeAll()
    }
    let name = await onOwnThread(name: "waiting") {
      gate.wait { $0 ? () : nil }
      return currentThreadName()
    }
    await opener.value
    #expect(name == "waiting")
  }
}
