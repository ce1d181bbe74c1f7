import AsyncHTTPClient
import Foundation
import Ledger
import Logging
import NIOCore
import ProviderSimulator
import Providers
import Registry
import Runs
import ServiceLifecycle
import Synchronization

/// The shipped models and providers, spoken to at one port, and polled every few milliseconds.
///
/// - Parameters:
///   - port: where every provider listens.
///   - models: more definitions of models.
func registry(port: Int, models: [DefinitionFile] = vendorModels) throws -> ModelRegistry {
    var variables = ["FAL_JWKS_URL": "http://127.0.0.1:\(port)/.well-known/jwks.json"]
    for name in ["KIE", "TEXT", "IMAGE", "FAL", "ANTHROPIC", "OPENAI", "ARK", "SUNO", "KLING", "REPLICATE"] {
        variables[name + "_BASE_URL"] = "http://127.0.0.1:\(port)"
        for key in ["API_KEY", "API_TOKEN", "ACCESS_KEY", "SECRET_KEY"] {
            variables["\(name)_\(key)"] = "key-of-\(name)"
        }
    }
    return try ModelRegistry.load(
        files: shippedModels.get() + models,
        providers: shippedProviders.get(),
        variables: variables
    )
}

/// Read once: most tests need them.
private let shippedModels = Result { try definitions("models") }
private let shippedProviders = Result { try definitions("providers") }

private func definitions(_ folder: String) throws -> [DefinitionFile] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: folder)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
    return try names.sorted().map { name in
        var text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        for (key, value) in [("first", 2), ("interval", 5), ("ceiling", 20)] {
            text.replace(try Regex("\(key)Milliseconds: [0-9]+"), with: "\(key)Milliseconds: \(value)")
        }
        return DefinitionFile(name: name, text: text)
    }
}

/// Everything an adapter needs, pointed at one port.
struct Bench: Sendable {
    let registry: ModelRegistry
    let router: ProviderRouter
    let client: HTTPClient
    let port: Int

    /// Runs a model once and returns how it ended.
    func run(
        _ name: String,
        _ inputs: JSONValue,
        id: ExecutionID = anyExecutionID(),
        seconds: Double = 5,
        submitted: @escaping @Sendable (ProviderTask) async -> Void = { _ in }
    ) async throws -> DispatchOutcome {
        await router.run(try request(name, inputs, id: id, seconds: seconds), submitted: submitted)
    }

    /// A request for a model.
    func request(
        _ name: String,
        _ inputs: JSONValue,
        id: ExecutionID = anyExecutionID(),
        seconds: Double = 5,
        callbackURL: String? = nil,
        history: SubmitHistory = SubmitHistory()
    ) throws -> DispatchRequest {
        guard let model = registry.model(named: name), case .valid(let valid) = model.validate(inputs) else {
            throw NotRunnable()
        }
        return DispatchRequest(
            executionID: id,
            model: model,
            inputs: valid,
            deadline: .now + .milliseconds(Int(seconds * 1_000)),
            callbackURL: callbackURL,
            history: history
        )
    }

    /// Asks the simulator.
    func get(_ path: String) async throws -> JSONValue {
        let response = try await client.get(url: "http://127.0.0.1:\(port)\(path)").get()
        return try JSONValue(parsing: response.body.map { Array($0.readableBytesView) } ?? [])
    }

    struct NotRunnable: Error {}
}

func anyExecutionID() -> ExecutionID {
    ExecutionID(Identifier128(unixMilliseconds: 1, journal: JournalID(3), random: .random(in: .min ... .max)))
}

/// Gives a body adapters that speak to whatever listens at a port.
func withBench<Outcome>(
    port: Int,
    maximumAnswerBytes: Int = 1 << 20,
    body: (Bench) async throws -> Outcome
) async throws -> Outcome {
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .providers())
    do {
        let router = ProviderRouter(client: client, maximumAnswerBytes: maximumAnswerBytes)
        let bench = Bench(registry: try registry(port: port), router: router, client: client, port: port)
        let outcome = try await body(bench)
        try await client.shutdown()
        return outcome
    } catch {
        try await client.shutdown()
        throw error
    }
}

/// Gives a body adapters, and a server that answers them by a script.
func withScript<Outcome>(
    _ script: String,
    body: (Bench, ScriptedServer) async throws -> Outcome
) async throws -> Outcome {
    let server = try await ScriptedServer.start(script: script)
    let outcome: Outcome
    do {
        outcome = try await withBench(port: server.port) { try await body($0, server) }
    } catch {
        try await server.stop()
        throw error
    }
    try await server.stop()
    return outcome
}

/// Runs a simulator on a free port for as long as the body runs.
func withSimulator<Outcome: Sendable>(
    _ script: SimulatorScript = .fast,
    body: @Sendable @escaping (Bench) async throws -> Outcome
) async throws -> Outcome {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    var logger = Logger(label: "simulator")
    logger.logLevel = .critical
    let simulator = buildSimulator(port: 0, script: script, logger: logger) { continuation.yield($0) }
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await simulator.run() }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else { throw Bench.NotRunnable() }
        let outcome: Outcome
        do {
            outcome = try await withBench(port: port, body: body)
        } catch {
            group.cancelAll()
            throw error
        }
        group.cancelAll()
        return outcome
    }
}

/// Collects what a callback was called with.
final class Recorder: Sendable {
    private let state = Mutex<[String]>([])

    var all: [String] { state.withLock { $0 } }

    func record(_ text: String) { state.withLock { $0.append(text) } }
}

/// A text that says how a dispatch ended, for tables.
func describe(_ outcome: DispatchOutcome) -> String {
    switch outcome {
    case .succeeded(let success):
        let key = success.result.objectValue?.keys.first ?? "?"
        return "\(success.result[key]?.arrayValue?.count ?? 0) \(key)"
    case .failed(let failure): return "failed \(failure.failureClass) \(failure.providerCode ?? "-")"
    case .unresolved(let reason, let id): return "unresolved \(reason)\(id == nil ? "" : " with id")"
    }
}
