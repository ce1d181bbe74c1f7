import App
import ArgumentParser
import Configuration
import Foundation
import Glibc
import Hummingbird
import Logging
import Migrations
import NIOCore
import Observability
import Operations
import ProviderSimulator
import SQLFiles
import ServiceLifecycle

/// The service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the run API until SIGTERM or Ctrl-C; then finish what is under way.",
        discussion: """
            Refuses to start when migrations are pending or when the database is newer than this program.

            Settings from the environment; options win over them:
              RUNLEDGER_HOST, _PORT              where to listen (127.0.0.1, 8080)
              RUNLEDGER_MODELS                   folder of the models' definitions (models),
                                                 with the providers' in `providers` beside it
              RUNLEDGER_SIMULATOR_URL            stands in for every provider
              RUNLEDGER_DATABASE_URL             the database (the private one)
              RUNLEDGER_DATABASE_SESSIONS        connections to it (6)
              RUNLEDGER_SHUTDOWN_GRACE_SECONDS   for runs under way (30)
              RUNLEDGER_PUBLIC_URL               where customers reach the service (its own address)
              RUNLEDGER_ADMIN_TOKEN              lets the operator "environment" in; 32 characters or more
              RUNLEDGER_DATA_KEY                 wraps the keys of personal data: 32 bytes in Base64 or hexadecimal,
                                                 or file: and a path (none: kept unwrapped)
              RUNLEDGER_DATA_KEY_PREVIOUS        what wrapped them before, while they are wrapped anew
              RUNLEDGER_CONSOLE_SECRET           turns the console on and seals its sessions; 32 characters or more
              RUNLEDGER_CONSOLE_AUDITORS         operators of finance who are auditors in it, by name (none)
              RUNLEDGER_CONSOLE_DATABASE_URL     where it reads, such as a standby (the database)
              RUNLEDGER_STRIPE_WEBHOOK_SECRET    takes payment events of Stripe, signed with it
              RUNLEDGER_STRIPE_SECRET_KEY        tops accounts up by themselves, as Stripe's customer (nobody is charged)
              RUNLEDGER_STRIPE_UNITS_PER_1000_CREDITS, _STRIPE_CURRENCY
                                                 what credits cost then: 1000 and usd for a cent each
              RUNLEDGER_STRIPE_URL               where Stripe is (https://api.stripe.com)
              RUNLEDGER_TOP_UP_SECONDS           from one look at the accounts to the next (15)
              RUNLEDGER_METRICS_PORT, _HOST      where /metrics is served (nowhere, 127.0.0.1)
              RUNLEDGER_AUDIT_EVENTS_PER_SECOND  what the audit of the ledger may read (2000); 0 for none
              RUNLEDGER_AUDIT_PASS_SECONDS       from one pass over a journal to the next (600)
              OTEL_EXPORTER_OTLP_ENDPOINT        a collector of traces, by OTLP/HTTP (none: no traces)
              OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG
              RUNLEDGER_MEDIA_FOLDER             results' media, without a bucket (.runledger/media)
              RUNLEDGER_S3_BUCKET                results' media (knouds-media, once there is an access key)
              RUNLEDGER_S3_ACCESS_KEY_ID, _S3_SECRET_ACCESS_KEY, _S3_REGION (us-east-1), _S3_ENDPOINT (AWS's)
              RUNLEDGER_S3_URL_STYLE             virtual or path (virtual)
              RUNLEDGER_S3_PRESIGNED_SECONDS     life of signed URLs (URLs are public)
              RUNLEDGER_S3_PUBLIC_URL            base of public URLs (the bucket's)
              RUNLEDGER_TLOG_KEY                 file with the transparency log's signing key (no log)
              RUNLEDGER_TLOG_FOLDER, _TLOG_BUCKET  its files (.runledger/tlog); the bucket's keys are the _S3_ ones
              RUNLEDGER_TLOG_POLICY              file that says which witnesses must cosign (none)
              RUNLEDGER_TLOG_INTERVAL_MS         the longest that an event waits for a checkpoint (1000)
              RUNLEDGER_EGRESS_ALLOWS_LOOPBACK   true in tests only (false)
              RUNLEDGER_LOG_LEVEL                trace to critical (info)
              RUNLEDGER_LOG_FORMAT               json or text (json)
            and what the definitions name in ${…}: base URLs and keys of providers.

            Example: runledger serve --port 8080 --simulator http://127.0.0.1:9090
            """
    )
    @Option(help: "The address to listen on.")
    var host: String?
    @Option(help: "The port to listen on; 0 for any that is free.", transform: Parse.port)
    var port: Int?
    @Option(help: "The folder with the models' definition files.")
    var models: String?
    @Option(help: "The URL of the provider simulator, which then stands in for every provider.")
    var simulator: String?
    @Flag(help: .hidden)
    var untilInputEnds = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        try startLogging(environment)
        let database = LedgerDatabase()
        let logger = Logger(label: "runledger")
        for step in try await LedgerSetup(database).requireReady() {
            logger.warning("the database has another version of a file", metadata: ["file": "\(step.file.path)"])
        }
        var configuration = AppConfiguration(
            databaseURL: database.url,
            reading: ConfigReader(provider: EnvironmentVariablesProvider()),
            environment: environment
        )
        if let host { configuration.host = host }
        if let port { configuration.port = port }
        if let models { configuration.modelsFolder = models }
        if let simulator { configuration.simulatorURL = simulator }
        let listening = configuration
        if untilInputEnds { endWithInput() }
        do {
            let service = try await Serve.build(listening, logger: logger) { port in
                logger.info("listening", metadata: ["host": "\(listening.host)", "port": "\(port)"])
            }
            try await service.run()
        } catch {
            throw explained(error, host: listening.host, port: listening.port, database)
        }
    }
}

/// The provider simulator.
struct SimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulator",
        abstract: "Stand in for the providers of the shipped models until SIGTERM or Ctrl-C.",
        discussion: """
            It speaks the vendors' own wires, each below a path of its own: /fal, /anthropic, /openai, /ark, /suno, \
            /kie, /kling, /replicate. A prompt with a marker brings a fault: [[fault:fail]], [[fault:drop]], \
            [[fault:hang]], [[fault:refuse]], [[fault:error500]], [[fault:slow]], [[fault:garbage]] …
            What it was asked to do: GET /_simulator/count, /_simulator/runs and /_simulator/books.
            All faults and settings: docs/simulator.md.

            Example: runledger simulator --port 9090 --latency 50 --job 2000
            """
    )
    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"
    @Option(help: "The port to listen on; 0 for any that is free (default: 9090).", transform: Parse.port)
    var port = 9_090
    @Option(help: "Milliseconds that every answer takes (default: 0).", transform: Parse.milliseconds)
    var latency = 0
    @Option(help: "Milliseconds from a job's acceptance to its end (default: 0).", transform: Parse.milliseconds)
    var job = 0
    @Option(help: "The share of runs that meet a fault, from 0 to 1 (default: 0).", transform: Self.share)
    var chaos = 0.0
    @Option(help: "What the draws of faults begin with (default: 1).")
    var seed: UInt64 = 1
    @Flag(help: .hidden)
    var untilInputEnds = false

    func run() async throws {
        try startLogging(ProcessInfo.processInfo.environment)
        let logger = Logger(label: "simulator")
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        if untilInputEnds { endWithInput() }
        let host = host
        var script = SimulatorScript.chaos(chaos, seed: seed)
        script.latencyMilliseconds = latency
        script.jobMilliseconds = job
        let application = buildSimulator(
            host: host,
            port: port,
            script: script,
            logger: quiet,
            onListening: { port in
                logger.info("listening", metadata: ["host": "\(host)", "port": "\(port)"])
            }
        )
        do {
            try await application.runService()
        } catch {
            throw explained(error, host: host, port: port, nil)
        }
    }

    private static func share(_ text: String) throws -> Double {
        guard let share = Double(text), (0...1).contains(share) else {
            throw ValidationError("The share must be a number from 0 to 1, for example 0.2.")
        }
        return share
    }
}

/// Sets up the log as `RUNLEDGER_LOG_LEVEL` and `RUNLEDGER_LOG_FORMAT` say.
func startLogging(_ environment: [String: String]) throws(OperationError) {
    func choice<Value: CaseIterable & RawRepresentable>(
        _ name: String,
        _ fallback: Value
    ) throws(OperationError) -> Value where Value.RawValue == String {
        guard let text = environment[name], !text.isEmpty else { return fallback }
        guard let value = Value(rawValue: text.lowercased()) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw OperationError(.usage, "\(name) is `\(text)`; it can be \(known).")
        }
        return value
    }
    Observability.bootstrap(
        level: try choice("RUNLEDGER_LOG_LEVEL", Logger.Level.info),
        format: try choice("RUNLEDGER_LOG_FORMAT", Observability.LogFormat.json)
    )
}

/// Ends this process as SIGTERM does once standard input has ended: whoever started it holds the other end open.
func endWithInput() {
    Thread.detachNewThread {
        var byte: UInt8 = 0
        while true {
            let count = read(STDIN_FILENO, &byte, 1)
            if count == 0 || (count < 0 && errno != EINTR) { break }
        }
        kill(getpid(), SIGTERM)
    }
}

/// A port that is taken is the one failure that an operator meets every day.
func explained(_ error: any Error, host: String, port: Int, _ database: LedgerDatabase?) -> any Error {
    guard let error = error as? IOError else { return OperationError(error, database: database) }
    let isTaken = error.errnoCode == EADDRINUSE
    return OperationError(
        .unavailable,
        isTaken ? "Something listens on \(host):\(port) already." : "\(host):\(port) can't be listened on: \(error)",
        advice: "Choose another one with --host and --port; --port 0 takes any that is free."
    )
}
