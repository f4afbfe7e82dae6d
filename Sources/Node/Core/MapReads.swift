import ClusterMap
import Proto
import Threads

/// Fresh reads of registers, gathered: what all shards of the node ask for while one call is on its way goes into the
/// next.
///
/// Each call begins after the reads that it serves were asked for: that is what makes them fresh. Beside the registers
/// it reads the node's own record: a register that names this node says nothing to a process whose name has a later
/// start.
final class MapReads: Sendable {
  typealias Answer = @Sendable (ShardID, _ token: UInt64, Result<MapRegister?, CoordinatorError>) -> Void

  private let coordinator: any Coordinator
  private let answer: Answer
  /// The name of this node, and the start that this process is.
  private let own: (name: NodeName, start: UInt64)
  private let replaced: @Sendable (NodeRecord) -> Void
  private let state = Lock(State())
  /// A coordinator that is slow to answer must not hold up what is asked later, perhaps of its next endpoint.
  private static let callsMax = 8

  private struct State {
    var waiting: [(shard: ShardID, token: UInt64)] = []
    var calls = 0
    var isListed = false
  }

  /// - Parameter replaced: told of a later start of this node; what was read is then not answered.
  init(
    _ coordinator: any Coordinator, as name: NodeName, start: UInt64,
    replaced: @escaping @Sendable (NodeRecord) -> Void, _ answer: @escaping Answer
  ) {
    (self.coordinator, self.answer, self.replaced) = (coordinator, answer, replaced)
    own = (name, start)
  }

  func read(_ shard: ShardID, token: UInt64) {
    let mustStart = state.withLock { state in
      state.waiting.append((shard, token))
      return Self.list(&state)
    }
    if mustStart { start() }
  }

  private static func list(_ state: inout State) -> Bool {
    guard !state.isListed, !state.waiting.isEmpty, state.calls < Self.callsMax else { return false }
    (state.isListed, state.calls) = (true, state.calls + 1)
    return true
  }

  private func start() {
    Task {
      let batch = state.withLock { state in
        defer { (state.waiting, state.isListed) = ([], false) }
        return state.waiting
      }
      var shards: [ShardID] = []
      for item in batch where !shards.contains(item.shard) { shards.append(item.shard) }
      do throws(CoordinatorError) {
        async let later = laterStart()
        let found = try await coordinator.read(shards)
        if let record = try await later.get() {
          replaced(record)
        } else {
          for item in batch { answer(item.shard, item.token, .success(found[item.shard])) }
        }
      } catch {
        for item in batch { answer(item.shard, item.token, .failure(error)) }
      }
      let mustStart = state.withLock { state in
        state.calls -= 1
        return Self.list(&state)
      }
      if mustStart { start() }
    }
  }

  /// The record of a later start of this node, if there is one.
  func laterStart() async -> Result<NodeRecord?, CoordinatorError> {
    do throws(CoordinatorError) {
      return .success(try await coordinator.nodes().first { $0.name == own.name && $0.start > own.start })
    } catch {
      return .failure(error)
    }
  }
}
