// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with: Swift 6 mode, every warning an error, and `unsafe` spelled out.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

/// On requests' paths also, for release: no dynamic checks of exclusive access. They cost a router about a twentieth of
/// its time; debug builds and the sanitizers' make them.
let hot: [SwiftSetting] =
  Context.environment["HOLDFAST_SANITIZER"] == nil
  ? strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))] : strict

/// Tests may touch C and raw memory without saying so at each place.
let testing: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func hotLibrary(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: hot)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: dependencies, swiftSettings: testing)
}

let package = Package(
  name: "holdfast",
  products: [
    .executable(name: "holdfast-node", targets: ["holdfast-node"]),
    .executable(name: "holdfast-router", targets: ["holdfast-router"]),
    .executable(name: "holdfast-sim", targets: ["holdfast-sim"]),
    .executable(name: "holdfast", targets: ["holdfast"]),
  ],
  targets: [
    // C: system libraries, and one thin shim.
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "CHoldfast"),

    // Libraries, innermost first. Docs: design section 3; `Tests/LayoutTests` holds the sources to it.
    hotLibrary("Time", []),
    library("Threads", ["CHoldfast"]),
    library("Budgets", ["Threads"]),
    library("Flags", []),
    hotLibrary("Octets", ["CHoldfast"]),
    hotLibrary("Digests", ["COpenSSL"]),
    hotLibrary("Proto", ["Time", "Octets", "Digests"]),
    hotLibrary("RESP", ["Octets"]),
    library("Logging", ["Time", "Octets", "Threads"]),
    hotLibrary("JSON", ["Time"]),
    hotLibrary("Plan", ["Octets", "Proto", "JSON"]),
    library("Inventory", ["Time", "Octets", "Digests", "Proto"]),
    library("Replication", ["Time", "Octets", "Proto"]),
    library("ClusterMap", ["Time", "Octets", "Proto", "JSON"]),
    library("Journal", ["Time", "Octets", "Proto", "Threads", "CLZ4", "CHoldfast"]),
    hotLibrary("EventLoop", ["Time", "Threads", "Budgets", "CHoldfast", "COpenSSL"]),
    hotLibrary("HTTP", ["Time"]),
    library("Passes", ["Time", "Octets", "Proto", "JSON", "ClusterMap", "COpenSSL"]),
    library("Coordinators", ["Proto", "ClusterMap", "Threads", "HTTP", "EventLoop", "CHoldfast"]),
    library("ShardCore", ["Time", "Octets", "Proto", "Threads", "Inventory", "Replication", "Journal", "ClusterMap"]),
    library(
      "Node",
      [
        "Time", "Octets", "Proto", "ShardCore", "Threads", "Budgets", "Inventory", "Replication", "Journal",
        "EventLoop", "HTTP", "ClusterMap", "Coordinators", "Flags", "Logging",
      ]),
    hotLibrary("RouterCore", ["Time", "Octets", "Proto", "RESP", "Threads", "Budgets", "Plan"]),
    hotLibrary(
      "Router",
      [
        "Time", "Octets", "Digests", "Proto", "RESP", "Budgets", "RouterCore", "Threads", "JSON", "Plan", "EventLoop",
        "HTTP", "Passes", "ClusterMap", "Coordinators", "Flags", "Logging",
      ]),
    library(
      "Admin",
      [
        "Time", "Octets", "Proto", "Threads", "Plan", "HTTP", "ClusterMap", "Coordinators", "Journal", "Flags",
        "COpenSSL",
      ]),

    library("Seeded", []),
    library("MemoryDisk", ["Octets", "Threads", "Journal", "Seeded"]),
    library(
      "Simulation",
      [
        "Time", "Octets", "Proto", "Plan", "Inventory", "Replication", "Journal", "ClusterMap", "ShardCore", "Node",
        "RouterCore", "MemoryDisk", "Seeded", "Flags",
      ]),

    hotLibrary(
      "Load", ["Octets", "Proto", "RESP", "Threads", "HTTP", "EventLoop", "ClusterMap", "Coordinators", "Flags"]),

    // Executables: argument parsing around a library.
    .executableTarget(name: "holdfast-node", dependencies: ["Node", "Flags"], swiftSettings: strict),
    .executableTarget(name: "holdfast-router", dependencies: ["Router", "Flags"], swiftSettings: strict),
    .executableTarget(name: "holdfast-load", dependencies: ["Load", "Flags"], swiftSettings: strict),
    .executableTarget(name: "holdfast-sim", dependencies: ["Simulation", "Flags"], swiftSettings: strict),
    .executableTarget(name: "holdfast", dependencies: ["Admin"], swiftSettings: strict),

    // Tests mirror the sources.
    .target(
      name: "TestKit", dependencies: ["Time", "Octets", "Proto", "Seeded"], path: "Tests/TestKit",
      swiftSettings: testing),
    tests("Time", ["Time"]),
    tests("Threads", ["Threads", "Seeded"]),
    tests("Budgets", ["Budgets", "Threads", "Seeded"]),
    tests("Flags", ["Flags"]),
    tests("Proto", ["Digests", "Proto", "Octets", "TestKit"]),
    tests("RESP", ["RESP", "Octets", "TestKit"]),
    tests("Logging", ["Time", "Logging", "Octets", "Proto", "TestKit"]),
    tests("JSON", ["Time", "JSON", "Octets", "TestKit"]),
    tests("Plan", ["Plan", "Octets", "Proto", "JSON", "TestKit"]),
    tests("Inventory", ["Time", "Inventory", "Octets", "Proto", "TestKit"]),
    tests("Replication", ["Time", "Replication", "Octets", "Proto", "TestKit"]),
    .target(
      name: "JournalTestKit", dependencies: ["Time", "Journal", "Octets", "Proto", "TestKit"],
      path: "Tests/JournalTestKit",
      swiftSettings: testing),
    tests("ClusterMap", ["Time", "ClusterMap", "Proto", "TestKit"]),
    tests("Journal", ["MemoryDisk", "Journal", "JournalTestKit", "Octets", "Proto", "Threads", "TestKit"]),
    tests("EventLoop", ["Time", "EventLoop", "Budgets", "TestKit"]),
    tests("HTTP", ["HTTP", "Octets", "TestKit"]),
    tests("Coordinators", ["Coordinators", "ClusterMap", "Octets", "Proto", "Threads", "TestKit"]),
    tests(
      "ShardCore",
      [
        "Time", "ShardCore", "Octets", "Proto", "Inventory", "Replication", "Journal", "JournalTestKit", "ClusterMap",
        "TestKit",
      ]),
    tests(
      "Node",
      [
        "Time", "Node", "EventLoop", "Flags", "ShardCore", "Logging", "Octets", "Proto", "Replication", "ClusterMap",
        "Coordinators",
        "TestKit",
      ]),
    tests("RouterCore", ["Time", "RouterCore", "Octets", "Proto", "TestKit"]),
    tests(
      "Router",
      [
        "Flags", "RESP", "RouterCore", "Time", "Router", "Octets", "Proto", "Threads", "EventLoop", "ClusterMap",
        "Coordinators", "Inventory", "Logging", "TestKit",
      ]),
    tests(
      "Admin",
      [
        "Admin", "Time", "ClusterMap", "Coordinators", "Flags", "Journal", "JournalTestKit", "Plan", "Octets", "Proto",
        "Threads", "TestKit",
      ]),
    tests("Load", ["Load", "TestKit"]),
    tests("Simulation", ["Simulation", "Router", "Octets", "Proto"]),
    tests("Layout", []),
  ]
)
