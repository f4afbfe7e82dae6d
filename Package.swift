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
    hotLibrary("Proto", ["Time", "CHoldfast"]),
    hotLibrary("RESP", ["Proto"]),
    library("Logging", ["Time", "Proto", "Threads"]),
    hotLibrary("JSON", ["Time"]),
    hotLibrary("Plan", ["Proto", "JSON"]),
    library("Inventory", ["Time", "Proto"]),
    library("Replication", ["Time", "Proto"]),
    library("Journal", ["Time", "Proto", "Threads", "CLZ4", "CHoldfast"]),
    hotLibrary("EventLoop", ["Time", "Threads", "Budgets", "CHoldfast", "COpenSSL"]),
    hotLibrary("HTTP", []),
    library("ClusterMap", ["Time", "Proto", "Threads", "JSON", "HTTP", "EventLoop"]),
    library("ShardCore", ["Time", "Proto", "Threads", "Inventory", "Replication", "Journal"]),
    library(
      "Node",
      [
        "Time", "Proto", "ShardCore", "Threads", "Budgets", "Inventory", "Replication", "Journal", "EventLoop", "HTTP",
        "ClusterMap",
        "Flags",
        "Logging",
      ]),
    hotLibrary("RouterCore", ["Time", "Proto", "RESP", "Threads", "Budgets", "Plan"]),
    hotLibrary(
      "Router",
      [
        "Time", "Proto", "RESP", "Budgets", "RouterCore", "Threads", "JSON", "Plan", "EventLoop", "HTTP", "ClusterMap",
        "Flags",
        "Logging",
      ]),
    library("Admin", ["Time", "Proto", "Plan", "HTTP", "ClusterMap", "Journal", "Flags"]),

    library("Seeded", []),
    library("MemoryDisk", ["Proto", "Threads", "Journal", "Seeded"]),
    library(
      "Simulation",
      [
        "Time", "Proto", "Plan", "Inventory", "Replication", "Journal", "ClusterMap", "ShardCore", "Node", "RouterCore",
        "MemoryDisk", "Seeded", "Flags",
      ]),

    hotLibrary("Load", ["Proto", "RESP", "Threads", "HTTP", "EventLoop", "ClusterMap", "Flags"]),

    // Executables: argument parsing around a library.
    .executableTarget(name: "holdfast-node", dependencies: ["Node", "Flags"], swiftSettings: strict),
    .executableTarget(name: "holdfast-router", dependencies: ["Router", "Flags"], swiftSettings: strict),
    .executableTarget(name: "holdfast-load", dependencies: ["Load", "Flags"], swiftSettings: strict),
    .executableTarget(name: "holdfast-sim", dependencies: ["Simulation", "Flags"], swiftSettings: strict),
    .executableTarget(name: "holdfast", dependencies: ["Admin"], swiftSettings: strict),

    // Tests mirror the sources.
    .target(name: "TestKit", dependencies: ["Time", "Proto", "Seeded"], path: "Tests/TestKit", swiftSettings: testing),
    tests("Time", ["Time"]),
    tests("Flags", ["Flags"]),
    tests("Proto", ["Proto", "TestKit"]),
    tests("RESP", ["RESP", "Proto", "TestKit"]),
    tests("Logging", ["Time", "Logging", "Proto", "TestKit"]),
    tests("JSON", ["Time", "JSON", "Proto", "TestKit"]),
    tests("Plan", ["Plan", "Proto", "JSON", "TestKit"]),
    tests("Inventory", ["Time", "Inventory", "Proto", "Plan", "TestKit"]),
    tests("Replication", ["Time", "Replication", "Proto", "TestKit"]),
    .target(
      name: "JournalTestKit", dependencies: ["Time", "Journal", "MemoryDisk", "Proto", "TestKit"],
      path: "Tests/JournalTestKit",
      swiftSettings: testing),
    tests("Journal", ["Journal", "JournalTestKit", "Proto", "Threads", "TestKit"]),
    tests("EventLoop", ["Time", "EventLoop", "Budgets", "TestKit"]),
    tests("HTTP", ["HTTP", "Proto", "TestKit"]),
    tests("ClusterMap", ["ClusterMap", "Proto", "Threads", "EventLoop", "HTTP", "JSON", "TestKit"]),
    tests("ShardCore", ["Time", "ShardCore", "Proto", "Inventory", "Replication", "Journal", "TestKit"]),
    tests(
      "Node",
      [
        "Time", "Node", "ShardCore", "Flags", "Logging", "Proto", "Inventory", "Replication", "Journal", "EventLoop",
        "ClusterMap",
        "TestKit",
      ]),
    tests("RouterCore", ["Time", "RouterCore", "Proto", "TestKit"]),
    tests(
      "Router",
      [
        "Time", "Router", "Proto", "Threads", "Plan", "JSON", "HTTP", "EventLoop", "ClusterMap", "Inventory", "Logging",
        "TestKit",
      ]),
    tests(
      "Admin",
      ["Admin", "ClusterMap", "Flags", "JSON", "Journal", "JournalTestKit", "Plan", "Proto", "Threads", "TestKit"]),
    tests("Load", ["Load", "TestKit"]),
    tests("Simulation", ["Simulation", "Proto", "TestKit"]),
    tests("Layout", ["TestKit"]),
  ]
)
