// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
    name: "runledger",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")
    ],
    targets: [
        .target(name: "Ledger", dependencies: [crypto], swiftSettings: settings),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "Postgres", dependencies: ["CLibpq"], swiftSettings: settings),
        .target(name: "CSpawn"),
        .target(name: "LocalCluster", dependencies: ["CSpawn"], swiftSettings: settings),
        .target(
            name: "TestSupport",
            dependencies: ["LocalCluster"],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .target(
            name: "SQLFiles",
            dependencies: [crypto],
            path: "sql",
            exclude: ["README.md"],
            sources: ["SQLFiles.swift", "SQLFile.swift", "SQLFilesError.swift"],
            resources: [
                .copy("roles"), .copy("bookkeeping"), .copy("migrations"), .copy("functions"), .copy("views"),
                .copy("triggers"), .copy("grants"), .copy("reports"),
            ],
            swiftSettings: settings
        ),
        .target(name: "Migrations", dependencies: ["Postgres", "SQLFiles"], swiftSettings: settings),
        .testTarget(
            name: "MigrationsTests",
            dependencies: ["Migrations", "SQLFiles", "Postgres", "LocalCluster", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FenceTests",
            dependencies: ["Migrations", "SQLFiles", "Postgres", "Ledger", "LocalCluster", "TestSupport"],
            swiftSettings: settings
        ),
    ]
)
