internal import Proto

/// A place in the plan.
struct Point: Equatable {
  var x: Double
  var y: Double

  func distance(_ other: Point) -> Double { (self - other).length }
  var length: Double { (x * x + y * y).squareRoot() }
  static func - (left: Point, right: Point) -> Point { Point(x: left.x - right.x, y: left.y - right.y) }
  /// Positive: both point into the same half of the plane.
  func dot(_ other: Point) -> Double { x * other.x + y * other.y }
}

/// The seats of one row in the order in which they stand, whatever the row's direction, curve and listing.
///
/// The way from seat to seat goes on to the nearest seat that is left, and begins at an end, which is where such a way
/// ends that began anywhere. The listed order stays unless that way is shorter.
struct RowShape {
  /// Listed places, along the row.
  private(set) var order: [Int]
  /// Where the seats are, along the row.
  private(set) var points: [Point]

  /// Rows of more seats than this, if they are not listed as they stand, are taken as straight: the way from seat to
  /// seat looks at every seat for every seat.
  private static let nearestMax = 256

  /// nil: positions say nothing, because all seats are at the same place.
  init?(_ listed: [Point]) {
    (order, points) = (Array(listed.indices), listed)
    guard listed.count > 1 else { return }
    guard listed.contains(where: { $0 != listed[0] }) else { return nil }
    if Self.goesForward(listed) { return }
    var other = listed.count <= Self.nearestMax ? Self.way(listed) : Self.straight(listed)
    let along = other.map { listed[$0] }
    // By more than rounding makes.
    guard Self.length(along) < Self.length(listed) * 0.999_999 else { return }
    if other[0] > other[other.count - 1] { other.reverse() }
    order = other
    points = order.map { listed[$0] }
  }

  /// From any seat to the last one, and from there the way of the row.
  private static func way(_ points: [Point]) -> [Int] {
    let any = way(points, from: 0)
    return way(points, from: any[any.count - 1])
  }

  private static func way(_ points: [Point], from start: Int) -> [Int] {
    var left = Array(points.indices)
    var way = [start]
    left.remove(at: start)
    while !left.isEmpty {
      let here = points[way[way.count - 1]]
      var nearest = 0
      var least = Double.infinity
      for (place, seat) in left.enumerated() {
        let (dx, dy) = (points[seat].x - here.x, points[seat].y - here.y)
        let distance = dx * dx + dy * dy
        if distance < least { (nearest, least) = (place, distance) }
      }
      way.append(left.remove(at: nearest))
    }
    return way
  }

  /// Along the line through two far ends; what is equally far as listed.
  private static func straight(_ points: [Point]) -> [Int] {
    func farthest(_ from: Point) -> Point { points.max { $0.distance(from) < $1.distance(from) } ?? from }
    let end = farthest(points[0])
    let direction = farthest(end) - end
    let along = points.map { ($0 - end).dot(direction) }
    return points.indices.sorted { (along[$0], $0) < (along[$1], $1) }
  }

  private static func length(_ points: [Point]) -> Double {
    zip(points, points.dropFirst()).reduce(0) { $0 + $1.0.distance($1.1) }
  }

  /// Whether no step turns by a right angle or more, as it is with rows that are listed as they stand.
  private static func goesForward(_ points: [Point]) -> Bool {
    var last: Point?
    for (from, to) in zip(points, points.dropFirst()) where from != to {
      let step = to - from
      if let last, step.dot(last) <= 0 { return false }
      last = step
    }
    return true
  }
}

/// Lengths between seats that follow each other.
enum Steps {
  static func of(_ points: [Point]) -> [Double] {
    zip(points, points.dropFirst()).map { $0.distance($1) }.filter { $0 > 0 }
  }

  /// The usual one: the median, the lower of two. nil: there is none.
  static func usual(_ steps: [Double]) -> Double? { steps.isEmpty ? nil : steps.sorted()[(steps.count - 1) / 2] }

  /// Whether seats so far from each other are no neighbours. A thousandth more than one and a half is for rounding.
  static func isGap(_ distance: Double, usual: Double) -> Bool { distance > usual * 1.5 * 1.001 }
}
