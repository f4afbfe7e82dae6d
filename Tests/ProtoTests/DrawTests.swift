import Digests
import Proto
import Testing

@Suite struct DrawTests {
  private func seed(_ number: UInt64) -> Digest256 { sha256(of: number) }

  @Test func everySmallDrawIsAPermutationWithItsInverse() {
    for count in UInt32(1)...260 {
      let draw = Draw(seed: seed(UInt64(count)), count: count)
      var seen = Set<UInt32>()
      for join in 0..<count {
        let position = draw.position(of: join)
        #expect(position < count && seen.insert(position).inserted, "count \(count), join \(join)")
        #expect(draw.join(at: position) == join)
      }
    }
  }

  /// Anyone can draw again: these numbers are those of a few lines of Python, which docs/waiting-room.md has.
  @Test func theDrawIsTheOneThatIsWrittenDown() {
    let draw = Draw(seed: sha256(Array("holdfast".utf8).rawSpan), count: 1_000)
    #expect((0..<8).map { draw.position(of: $0) } == Self.written)
    let large = Draw(seed: sha256(Array("holdfast".utf8).rawSpan), count: 1_000_003)
    #expect((0..<4).map { large.position(of: $0) } == Self.writtenLarge)
  }

  private static let written: [UInt32] = [176, 525, 373, 816, 738, 276, 916, 813]
  private static let writtenLarge: [UInt32] = [160284, 530311, 751141, 385520]

  /// Chi-squared over tenths of the queue: who came in which tenth, against where he stands. With 81 degrees of freedom
  /// the value is above 124.8 once in a thousand fair draws; the seeds are fixed, so that this cannot happen by chance.
  @Test func whereOneStandsHasNothingToDoWithWhenOneCame() {
    for number in UInt64(1)...10 {
      let count: UInt32 = 20_000
      let draw = Draw(seed: seed(number), count: count)
      var cells = [[Double]](repeating: [Double](repeating: 0, count: 10), count: 10)
      var (sum, squares) = (0.0, 0.0)
      for join in 0..<count {
        let position = draw.position(of: join)
        cells[Int(join * 10 / count)][Int(position * 10 / count)] += 1
        let (a, b) = (Double(join) / Double(count) - 0.5, Double(position) / Double(count) - 0.5)
        sum += a * b
        squares += a * a
      }
      let expected = Double(count) / 100
      let chi = cells.joined().reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
      #expect(chi < 124.8, "seed \(number): \(chi)")
      // The correlation of a fair draw is below 4 / √count but once in fifteen thousand.
      #expect(abs(sum / squares) < 4 / Double(count).squareRoot(), "seed \(number)")
    }
  }

  /// Neighbours in the order of joins end up anywhere: the distance between two of them is as that of any two.
  @Test func neighboursAreTornApart() {
    let count: UInt32 = 10_000
    let draw = Draw(seed: seed(99), count: count)
    var total = 0.0
    for join in 0..<(count - 1) {
      total += abs(Double(draw.position(of: join)) - Double(draw.position(of: join + 1)))
    }
    // A third of the length, on the average of any two.
    #expect(abs(total / Double(count - 1) / Double(count) - 1.0 / 3) < 0.01)
  }
}
