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
        .target(name: "Ledger", dependencies: [crypto], swiftSettings: settings),
        .systemLibrary(
            name: "CLibpq",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"]), .brew(["libpq"])]
        ),
        .target(name: "Postgres", dependencies: ["CLibpq"], swiftSettings: settings),
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
        .target(
            name: "OpenAPIFiles",
            path: "openapi",
            sources: ["OpenAPIFiles.swift"],
            resources: [.copy("document.yaml"), .copy("errors.yaml"), .copy("paths"), .copy("docs.css")],
            swiftSettings: settings
        ),
        .target(name: "APIReference", dependencies: ["OpenAPIFiles", "Registry", yams], swiftSettings: settings),
        .target(name: "Migrations", dependencies: ["Postgres", "SQLFiles"], swiftSettings: settings),
        .target(name: "LedgerStore", dependencies: ["Ledger", "Postgres"], swiftSettings: settings),
        .target(name: "TransparencyLog", dependencies: ["Ledger", crypto], swiftSettings: settings),
        .target(
            name: "LogPublishing",
            dependencies: ["Ledger", "LedgerStore", "TransparencyLog"],
            swiftSettings: settings
        ),
        .target(name: "Registry", dependencies: ["Ledger", crypto, yams], swiftSettings: settings),
        .target(name: "Workflows", dependencies: ["Ledger", "Registry"], swiftSettings: settings),
        .target(name: "Runs", dependencies: ["Ledger", "Registry", crypto], swiftSettings: settings),
        .target(
            name: "Providers",
            dependencies: ["Ledger", "Registry", "Runs", asyncHTTPClient, crypto, nioCore, nioHTTP1],
            swiftSettings: settings
        ),
        .target(
            name: "Egress",
            dependencies: [asyncHTTPClient, nioCore, nioHTTP1, nioPosix, nioSSL],
            swiftSettings: settings
        ),
        .target(
            name: "ObjectStorage",
            dependencies: [
                asyncHTTPClient, crypto, hummingbird, httpTypes, nioCore, nioFoundationCompat, nioHTTP1, nioPosix,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Media",
            dependencies: [
                "Egress", "Ledger", "ObjectStorage", "Registry", "Runs", asyncHTTPClient, crypto, nioCore, nioHTTP1,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Webhooks",
            dependencies: [
                "Egress", "Ledger", "LedgerStore", "Postgres", "Registry", "Runs", asyncHTTPClient, crypto, lifecycle,
                logging,
                nioCore,
                nioHTTP1,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "ProviderSimulator",
            dependencies: [
                "Registry", asyncHTTPClient, crypto, hummingbird, httpTypes, logging, lifecycle, nioCore, nioHTTP1,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Administration",
            dependencies: ["Ledger", "LedgerStore", "Postgres", "Registry", "Runs", crypto],
            swiftSettings: settings
        ),
        .target(
            name: "AdminAPI",
            dependencies: [
                "Administration", "Ledger", "LedgerStore", "Registry", "RunAPI", "Runs", hummingbird, httpTypes,
                nioCore,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Console",
            dependencies: [
                "Administration", "Ledger", "LedgerStore", "Postgres", "Registry", "RunAPI", crypto, httpTypes,
                hummingbird,
                lifecycle, logging, mustache, nioCore,
            ],
            resources: [.copy("Pages")],
            swiftSettings: settings
        ),
        .target(
            name: "RunAPI",
            dependencies: [
                "APIReference", "Ledger", "Registry", "Runs", crypto, hummingbird, httpTypes, logging, nioCore,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "App",
            dependencies: [
                "AdminAPI", "Administration", "Console", "Egress", "Ledger", "LedgerStore", "Media", "ObjectStorage",
                "Observability", "OpenAPIFiles", "Postgres", "Providers", "Registry", "RunAPI", "Runs", "Webhooks",
                asyncHTTPClient, configuration, coreMetrics, crypto, httpTypes, hummingbird, lifecycle, logging,
                unixSignals,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Benchmarking",
            dependencies: [
                "Ledger", "LedgerStore", "LocalCluster", "Runs", asyncHTTPClient, histogram, nioCore, nioHTTP1,
            ],
            swiftSettings: settings
        ),
        .target(name: "CSpawn"),
        .target(name: "LocalCluster", dependencies: ["CSpawn"], swiftSettings: settings),
        .target(name: "Observability", dependencies: [coreMetrics, logging], swiftSettings: settings),
        .target(
            name: "Operations",
            dependencies: [
                "Administration", "App", "Ledger", "LedgerStore", "LocalCluster", "Migrations", "Postgres", "Registry",
                "RunAPI", "Runs",
                "SQLFiles",
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Demo",
            dependencies: [
                "App", "Ledger", "LedgerStore", "LocalCluster", "Migrations", "Operations", "Registry", "Runs",
                asyncHTTPClient, crypto, httpTypes, hummingbird, logging, nioCore, nioHTTP1, unixSignals,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "runledger",
            dependencies: [
                "Administration", "App", "Benchmarking", "Demo", "Ledger", "LedgerStore", "LocalCluster", "Migrations",
                "Observability",
                "Operations", "Postgres",
                "ProviderSimulator", "Registry", "RunAPI", "Runs", "SQLFiles", argumentParser, configuration,
                hummingbird,
                lifecycle, logging, nioCore,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "TestSupport",
            dependencies: ["LocalCluster"],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .target(
            name: "LedgerTestSupport",
            dependencies: [
                "Ledger", "LedgerStore", "Postgres", "Migrations", "SQLFiles", "LocalCluster", "TestSupport",
            ],
            path: "Tests/LedgerTestSupport",
            swiftSettings: settings
        ),
        .testTarget(
            name: "LedgerStoreTests",
            dependencies: [
                "Ledger", "LedgerStore", "Postgres", "SQLFiles", "LocalCluster", "TestSupport", "LedgerTestSupport",
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ModelTests",
            dependencies: ["Ledger", "LedgerStore", "Postgres", "TestSupport", "LedgerTestSupport"],
            swiftSettings: settings
        ),
        .testTarget(name: "LedgerTests", dependencies: ["Ledger"], swiftSettings: settings),
        .testTarget(
            name: "TransparencyLogTests",
            dependencies: ["Ledger", "TransparencyLog"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "LogPublishingTests",
            dependencies: [
                "Ledger", "LedgerStore", "LedgerTestSupport", "LocalCluster", "LogPublishing", "TestSupport",
                "TransparencyLog",
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "PostgresTests", dependencies: ["Postgres"], swiftSettings: settings),
        .testTarget(
            name: "LocalClusterTests",
            dependencies: ["LocalCluster", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ObservabilityTests",
            dependencies: ["Observability", "LocalCluster", "TestSupport", coreMetrics, logging],
            swiftSettings: settings
        ),
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
        .testTarget(
            name: "CommandLineTests",
            dependencies: ["runledger", "Operations", "Ledger", "LocalCluster", "Registry", "RunAPI", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RegistryTests",
            dependencies: ["Registry", "Ledger", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "WorkflowsTests",
            dependencies: ["Workflows", "Ledger", "Registry"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ProvidersTests",
            dependencies: [
                "Providers", "ProviderSimulator", "Registry", "Runs", "Ledger", asyncHTTPClient, crypto, nioCore,
                nioHTTP1, nioPosix, logging, lifecycle,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ProviderSimulatorTests",
            dependencies: [
                "ProviderSimulator", "Registry", asyncHTTPClient, crypto, hummingbirdTesting, hummingbird, logging,
                httpTypes, nioCore, nioHTTP1,
            ],
            exclude: ["sdk"],
            swiftSettings: settings
        ),
        .target(
            name: "NetworkTestSupport",
            dependencies: ["TestSupport", nioCore, nioPosix],
            path: "Tests/NetworkTestSupport",
            swiftSettings: settings
        ),
        .testTarget(
            name: "EgressTests",
            dependencies: ["Egress", "NetworkTestSupport", asyncHTTPClient, nioCore, nioHTTP1],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ObjectStorageTests",
            dependencies: [
                "ObjectStorage", "NetworkTestSupport", "TestSupport", asyncHTTPClient, crypto, hummingbird,
                hummingbirdTesting, httpTypes, nioCore, nioHTTP1,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "MediaMemoryProbe",
            dependencies: ["Egress", "Ledger", "Media", "ObjectStorage", "Registry", asyncHTTPClient, crypto],
            path: "Tests/MediaMemoryProbe",
            swiftSettings: settings
        ),
        .testTarget(
            name: "MediaTests",
            dependencies: [
                "Egress", "Ledger", "Media", "MediaMemoryProbe", "NetworkTestSupport", "ObjectStorage", "Registry",
                "Runs", "TestSupport", asyncHTTPClient, crypto,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "WebhooksTests",
            dependencies: [
                "Egress", "Ledger", "LedgerStore", "LedgerTestSupport", "NetworkTestSupport", "Registry", "Runs",
                "TestSupport", "Webhooks", logging,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "RunTestSupport",
            dependencies: ["Runs", "Ledger", "Registry"],
            path: "Tests/RunTestSupport",
            swiftSettings: settings
        ),
        .testTarget(
            name: "RunsTests",
            dependencies: ["Runs", "RunTestSupport", "Ledger", "Registry"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "APIReferenceTests",
            dependencies: ["APIReference", "Ledger", "OpenAPIFiles", "Registry", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RunAPITests",
            dependencies: [
                "RunAPI", "RunTestSupport", "Runs", "Ledger", "Registry", hummingbird, hummingbirdTesting, httpTypes,
                logging, nioCore,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "AsyncRunTests",
            dependencies: [
                "App", "Ledger", "LedgerStore", "LedgerTestSupport", "NetworkTestSupport", "ProviderSimulator",
                "Providers", "Registry", "RunAPI", "RunTestSupport", "Runs", "TestSupport", asyncHTTPClient, crypto,
                hummingbird, hummingbirdTesting, httpTypes, lifecycle, logging, nioCore,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "AdministrationTests",
            dependencies: [
                "AdminAPI", "Administration", "Ledger", "LedgerStore", "LedgerTestSupport", "Postgres", "Registry",
                "RunAPI", "RunTestSupport", "Runs", "TestSupport", crypto, hummingbird, hummingbirdTesting, httpTypes,
                logging, nioCore,
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "ConsoleTests", dependencies: ["Console", "Ledger", "LedgerStore"], swiftSettings: settings),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "runledger", "APIReference", "App", "Ledger", "LedgerStore", "LocalCluster", "NetworkTestSupport",
                "OpenAPIFiles", "Operations", "Registry", "Runs", "TestSupport", asyncHTTPClient, crypto, nioCore,
                nioHTTP1,
            ],
            swiftSettings: settings
        ),
    ]
)
