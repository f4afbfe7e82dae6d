package import Seeded

/// For tests, which import this module anyway.
package typealias SeededRandom = Seeded.SeededRandom
package typealias TimedQueue = Seeded.TimedQueue
