import Proto
import Replication

/// The mistakes that can be switched on, where they are compiled in.
package enum Planted {
  package static var names: [String] { [] }
  package static func choose(_ name: String) -> Bool { false }
}
