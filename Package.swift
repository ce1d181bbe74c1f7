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
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let nioFoundationCompat = Target.Dependency.product(name: "NIOFoundationCompat", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")

let package = Package(
    name: "runledger",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .target(name: "Ledger", dependencies: [crypto]),
        .target(name: "Books", dependencies: ["Ledger"]),
        .target(name: "Reconciliation", dependencies: ["Ledger", yams], resources: [.copy("Mappings")]),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .target(name: "Postgres", dependencies: ["CLibpq"]),
        .target(
            name: "SQLFiles",
            dependencies: [crypto],
            path: "sql",
            exclude: ["README.md"],
            sources: ["SQLFiles.swift", "SQLFile.swift", "SQLFilesError.swift"],
            resources: [
                .copy("roles"), .copy("bookkeeping"), .copy("migrations"), .copy("functions"), .copy("views"),
                .copy("triggers"), .copy("grants"), .copy("reports"),
            ]
        ),
        .target(
            name: "OpenAPIFiles",
            path: "openapi",
            sources: ["OpenAPIFiles.swift"],
            resources: [.copy("document.yaml"), .copy("errors.yaml"), .copy("paths"), .copy("docs.css")]
        ),
        .target(name: "APIReference", dependencies: ["OpenAPIFiles", "Registry", yams]),
        .target(name: "Migrations", dependencies: ["Postgres", "SQLFiles"]),
        .target(name: "Traces", dependencies: ["Ledger", tracing]),
        .target(
            name: "OpenTelemetry",
            dependencies: ["Ledger", "Traces", asyncHTTPClient, lifecycle, logging, nioCore, nioHTTP1, tracing]
        ),
        .target(name: "LedgerStore", dependencies: ["Ledger", "Postgres", "Reconciliation", "Traces", crypto]),
        .target(name: "TransparencyLog", dependencies: ["Ledger", crypto]),
        .target(
            name: "LogFiles",
            dependencies: ["Ledger", "ObjectStorage", "TransparencyLog", asyncHTTPClient, nioCore, nioHTTP1]
        ),
        .target(
            name: "Exports",
            dependencies: ["Books", "Ledger", "LedgerStore", "Postgres", "Registry", "TransparencyLog", crypto]
        ),
        .target(name: "LogPublishing", dependencies: ["Ledger", "LedgerStore", "LogFiles", "TransparencyLog"]),
        .target(
            name: "Witness",
            dependencies: ["Ledger", "LogFiles", "TransparencyLog", hummingbird, httpTypes, logging, nioCore]
        ),
        .target(name: "Registry", dependencies: ["Ledger", crypto, yams]),
        .target(name: "Workflows", dependencies: ["Ledger", "Registry"]),
        .target(name: "Runs", dependencies: ["Ledger", "Registry", "Traces", "Workflows", crypto]),
        .target(
            name: "Providers",
            dependencies: ["Ledger", "Registry", "Runs", "Traces", asyncHTTPClient, crypto, nioCore, nioHTTP1]
        ),
        .target(name: "Egress", dependencies: [asyncHTTPClient, nioCore, nioHTTP1, nioPosix, nioSSL]),
        .target(
            name: "ObjectStorage",
            dependencies: [
                asyncHTTPClient, crypto, hummingbird, httpTypes, nioCore, nioFoundationCompat, nioHTTP1, nioPosix,
            ]
        ),
        .target(
            name: "Media",
            dependencies: [
                "Egress", "Ledger", "ObjectStorage", "Registry", "Runs", asyncHTTPClient, crypto, nioCore, nioHTTP1,
            ]
        ),
        .target(
            name: "Webhooks",
            dependencies: [
                "Egress", "Ledger", "LedgerStore", "Postgres", "Registry", "Runs", "Traces", asyncHTTPClient, crypto,
                lifecycle, logging, nioCore, nioHTTP1,
            ]
        ),
        .target(
            name: "ProviderSimulator",
            dependencies: [
                "Registry", asyncHTTPClient, crypto, hummingbird, httpTypes, logging, lifecycle, nioCore, nioHTTP1,
            ]
        ),
        .target(
            name: "Administration",
            dependencies: [
                "Books", "Ledger", "LedgerStore", "Postgres", "Reconciliation", "Registry", "Runs", "TransparencyLog",
                crypto,
            ]
        ),
        .target(
            name: "Payments",
            dependencies: ["Administration", "Ledger", "LedgerStore", "Registry", asyncHTTPClient, nioCore, nioHTTP1]
        ),
        .target(
            name: "AdminAPI",
            dependencies: [
                "Administration", "Ledger", "LedgerStore", "LogFiles", "Reconciliation", "Registry", "RunAPI", "Runs",
                hummingbird, httpTypes, nioCore,
            ]
        ),
        .target(
            name: "Console",
            dependencies: [
                "Administration", "Exports", "Ledger", "LedgerStore", "Postgres", "Reconciliation", "Registry",
                "RunAPI", crypto, httpTypes, hummingbird, lifecycle, logging, mustache, nioCore,
            ],
            resources: [.copy("Pages")]
        ),
        .target(
            name: "RunAPI",
            dependencies: [
                "APIReference", "Ledger", "Registry", "Runs", "Traces", "Workflows", crypto, hummingbird, httpTypes,
                logging, nioCore,
            ]
        ),
        .target(
            name: "App",
            dependencies: [
                "AdminAPI", "Administration", "Console", "Egress", "Ledger", "LedgerStore", "LogFiles",
                "LogPublishing", "Media", "ObjectStorage", "Observability", "OpenAPIFiles", "OpenTelemetry",
                "Payments", "Postgres", "Providers", "Registry", "RunAPI", "Runs", "Traces", "TransparencyLog",
                "Webhooks", "Workflows", asyncHTTPClient, configuration, coreMetrics, crypto, httpTypes, hummingbird,
                lifecycle, logging, nioCore, nioHTTP1, unixSignals,
            ]
        ),
        .target(
            name: "Benchmarking",
            dependencies: [
                "Ledger", "LedgerStore", "LocalCluster", "Runs", asyncHTTPClient, histogram, nioCore, nioHTTP1,
            ]
        ),
        .target(name: "CSpawn"),
        .target(name: "LocalCluster", dependencies: ["CSpawn"]),
        .target(name: "Observability", dependencies: [coreMetrics, logging]),
        .target(
            name: "Operations",
            dependencies: [
                "Administration", "App", "Exports", "Ledger", "LedgerStore", "LocalCluster", "Migrations", "Postgres",
                "Reconciliation", "Registry", "RunAPI", "Runs", "SQLFiles",
            ]
        ),
        .target(
            name: "Demo",
            dependencies: [
                "App", "Ledger", "LedgerStore", "LocalCluster", "Migrations", "Operations", "Registry", "Runs",
                asyncHTTPClient, crypto, httpTypes, hummingbird, logging, nioCore, nioHTTP1, unixSignals,
            ]
        ),
        .executableTarget(
            name: "runledger",
            dependencies: [
                "Administration", "App", "Benchmarking", "Demo", "Exports", "Ledger", "LedgerStore", "LocalCluster",
                "LogFiles", "LogPublishing", "Migrations", "ObjectStorage", "Observability", "Operations", "Postgres",
                "ProviderSimulator", "Reconciliation", "Registry", "RunAPI", "Runs", "SQLFiles", "TransparencyLog",
                "Witness", argumentParser, asyncHTTPClient, configuration, hummingbird, lifecycle, logging, nioCore,
                nioHTTP1,
            ]
        ),
        .target(name: "TestSupport", dependencies: ["LocalCluster"], path: "Tests/TestSupport"),
        .target(
            name: "LedgerTestSupport",
            dependencies: [
                "Ledger", "LedgerStore", "Postgres", "Migrations", "SQLFiles", "LocalCluster", "TestSupport",
            ],
            path: "Tests/LedgerTestSupport"
        ),
        .testTarget(
            name: "LedgerStoreTests",
            dependencies: [
                "Ledger", "LedgerStore", "Postgres", "SQLFiles", "LocalCluster", "TestSupport", "LedgerTestSupport",
            ]
        ),
        .testTarget(
            name: "ModelTests",
            dependencies: ["Ledger", "LedgerStore", "Postgres", "TestSupport", "LedgerTestSupport"]
        ),
        .target(
            name: "HistoryTestSupport",
            dependencies: ["Ledger", "Reconciliation"],
            path: "Tests/HistoryTestSupport"
        ),
        .testTarget(name: "LedgerTests", dependencies: ["HistoryTestSupport", "Ledger", "Reconciliation"]),
        .testTarget(
            name: "BooksTests",
            dependencies: [
                "Administration", "Books", "Console", "Exports", "HistoryTestSupport", "Ledger", "LedgerStore",
                "LedgerTestSupport", "LocalCluster", "Postgres", "Reconciliation", "Registry", "TestSupport",
                "TransparencyLog", "runledger", logging,
            ]
        ),
        .testTarget(name: "TransparencyLogTests", dependencies: ["Ledger", "TestSupport", "TransparencyLog"]),
        .testTarget(
            name: "LogPublishingTests",
            dependencies: [
                "Ledger", "LedgerStore", "LedgerTestSupport", "LocalCluster", "LogFiles", "LogPublishing",
                "NetworkTestSupport", "ObjectStorage", "TestSupport", "TransparencyLog", "Witness", asyncHTTPClient,
                hummingbird, lifecycle, logging, nioCore, nioHTTP1,
            ]
        ),
        .testTarget(name: "PostgresTests", dependencies: ["Postgres"]),
        .testTarget(name: "LocalClusterTests", dependencies: ["LocalCluster", "TestSupport"]),
        .testTarget(
            name: "ObservabilityTests",
            dependencies: ["Observability", "LocalCluster", "TestSupport", coreMetrics, logging]
        ),
        .testTarget(name: "OpenTelemetryTests", dependencies: ["Ledger", "OpenTelemetry", "Traces", tracing]),
        .testTarget(
            name: "MigrationsTests",
            dependencies: ["Migrations", "SQLFiles", "Postgres", "LocalCluster", "TestSupport"]
        ),
        .testTarget(
            name: "FenceTests",
            dependencies: ["Migrations", "SQLFiles", "Postgres", "Ledger", "LocalCluster", "TestSupport"]
        ),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "runledger", "NetworkTestSupport", "Operations", "Ledger", "LocalCluster", "Registry", "RunAPI",
                "TestSupport",
            ]
        ),
        .testTarget(name: "RegistryTests", dependencies: ["Registry", "Ledger", "TestSupport"]),
        .testTarget(name: "WorkflowsTests", dependencies: ["Workflows", "Ledger", "Registry"]),
        .testTarget(
            name: "ProvidersTests",
            dependencies: [
                "Providers", "ProviderSimulator", "Registry", "Runs", "Ledger", asyncHTTPClient, crypto, nioCore,
                nioHTTP1, nioPosix, logging, lifecycle,
            ]
        ),
        .testTarget(
            name: "ProviderSimulatorTests",
            dependencies: [
                "ProviderSimulator", "Registry", asyncHTTPClient, crypto, hummingbirdTesting, hummingbird, logging,
                httpTypes, nioCore, nioHTTP1,
            ],
            exclude: ["sdk"]
        ),
        .target(
            name: "NetworkTestSupport",
            dependencies: ["TestSupport", nioCore, nioPosix],
            path: "Tests/NetworkTestSupport"
        ),
        .testTarget(
            name: "EgressTests",
            dependencies: ["Egress", "NetworkTestSupport", asyncHTTPClient, nioCore, nioHTTP1]
        ),
        .testTarget(
            name: "ObjectStorageTests",
            dependencies: [
                "ObjectStorage", "NetworkTestSupport", "TestSupport", asyncHTTPClient, crypto, hummingbird,
                hummingbirdTesting, httpTypes, nioCore, nioHTTP1,
            ]
        ),
        .executableTarget(
            name: "MediaMemoryProbe",
            dependencies: ["Egress", "Ledger", "Media", "ObjectStorage", "Registry", asyncHTTPClient, crypto],
            path: "Tests/MediaMemoryProbe"
        ),
        .testTarget(
            name: "MediaTests",
            dependencies: [
                "Egress", "Ledger", "Media", "MediaMemoryProbe", "NetworkTestSupport", "ObjectStorage", "Registry",
                "Runs", "TestSupport", asyncHTTPClient, crypto,
            ]
        ),
        .testTarget(
            name: "WebhooksTests",
            dependencies: [
                "Egress", "Ledger", "LedgerStore", "LedgerTestSupport", "NetworkTestSupport", "Registry", "Runs",
                "TestSupport", "Webhooks", logging,
            ]
        ),
        .target(name: "RunTestSupport", dependencies: ["Runs", "Ledger", "Registry"], path: "Tests/RunTestSupport"),
        .testTarget(name: "RunsTests", dependencies: ["Runs", "RunTestSupport", "Ledger", "Registry"]),
        .testTarget(
            name: "APIReferenceTests",
            dependencies: ["APIReference", "Ledger", "OpenAPIFiles", "Registry", "TestSupport"]
        ),
        .testTarget(
            name: "RunAPITests",
            dependencies: [
                "RunAPI", "RunTestSupport", "Runs", "Ledger", "Registry", "Traces", hummingbird, hummingbirdTesting,
                httpTypes, logging, nioCore,
            ]
        ),
        .testTarget(
            name: "AsyncRunTests",
            dependencies: [
                "App", "Egress", "Ledger", "LedgerStore", "LedgerTestSupport", "NetworkTestSupport",
                "ProviderSimulator", "Providers", "Registry", "RunAPI", "RunTestSupport", "Runs", "TestSupport",
                asyncHTTPClient, crypto, hummingbird, hummingbirdTesting, httpTypes, lifecycle, logging, nioCore,
            ]
        ),
        .testTarget(
            name: "AdministrationTests",
            dependencies: [
                "runledger", "AdminAPI", "Administration", "App", "Ledger", "LedgerStore", "LedgerTestSupport",
                "LocalCluster", "Payments", "Postgres", "ProviderSimulator", "Providers", "Registry", "RunAPI",
                "RunTestSupport", "Runs", "TestSupport", asyncHTTPClient, crypto, hummingbird, hummingbirdTesting,
                httpTypes, logging, nioCore, nioHTTP1,
            ]
        ),
        .testTarget(name: "ConsoleTests", dependencies: ["Console", "Ledger", "LedgerStore", "Registry"]),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "runledger", "APIReference", "App", "Ledger", "LedgerStore", "LocalCluster", "NetworkTestSupport",
                "OpenAPIFiles", "Operations", "Registry", "Runs", "TestSupport", asyncHTTPClient, crypto, nioCore,
                nioHTTP1,
            ]
        ),
    ]
)

// Every module of ours is held to the same rules.
for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + settings
}
