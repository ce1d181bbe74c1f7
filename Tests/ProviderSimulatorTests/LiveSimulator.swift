import AsyncHTTPClient
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import ProviderSimulator
import Registry
import Testing

/// A simulator that listens on a port of its own.
struct LiveSimulator: Sendable {
    let url: String

    /// Runs a simulator for as long as the body runs.
    static func run<Outcome: Sendable>(
        _ script: SimulatorScript = .fast,
        settings: SimulatorSettings = SimulatorSettings(),
        clock: SimulatorClock = .system,
        body: @Sendable @escaping (LiveSimulator) async throws -> Outcome
    ) async throws -> Outcome {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() }
        let simulator = buildSimulator(
            port: 0,
            script: script,
            settings: settings,
            clock: clock,
            logger: logger,
            onListening: { continuation.yield($0) }
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await simulator.run() }
            defer { group.cancelAll() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            return try await body(LiveSimulator(url: "http://127.0.0.1:\(port)"))
        }
    }

    /// An answer.
    struct Answer: Sendable {
        let status: UInt
        let headers: HTTPHeaders
        let body: ByteBuffer

        var json: JSONValue { (try? JSONValue(parsing: body.readableBytesView)) ?? .null }
    }

    enum Verb: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    /// Asks it.
    func ask(
        _ verb: Verb,
        _ path: String,
        _ json: JSONValue? = nil,
        key: String? = "Bearer k",
        headers: [(String, String)] = []
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: path.hasPrefix("http") ? path : url + path)
        request.method = HTTPMethod(rawValue: verb.rawValue)
        request.headers = HTTPHeaders(headers)
        if let key { request.headers.add(name: "authorization", value: key) }
        if let json {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: json.canonicalBytes))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 80 << 20)
        return Answer(status: response.status.code, headers: response.headers, body: body)
    }

    /// The books of a vendor.
    func books(_ provider: String) async throws -> JSONValue {
        try await ask(.get, "/_simulator/books").json["providers"]?[provider] ?? .null
    }

    /// Asks until an answer is as it should be, for a minute at most.
    func eventually(_ what: String, _ isSo: @Sendable () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try await isSo() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("never came: \(what)")
    }
}

/// Receives callbacks.
struct Receiver: Sendable {
    let url: String
    private let calls: Calls

    struct Call: Sendable {
        let headers: [String: String]
        let bytes: [UInt8]

        var json: JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }
    }

    actor Calls {
        private(set) var all: [Call] = []

        func add(_ call: Call) { all.append(call) }
    }

    /// Runs a receiver for as long as the body runs.
    static func run<Outcome: Sendable>(
        body: @Sendable @escaping (Receiver) async throws -> Outcome
    ) async throws -> Outcome {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let calls = Calls()
        let router = Router()
        router.post("/callback") { request, _ in
            let bytes = try await request.body.collect(upTo: 1 << 20)
            let headers = request.headers.map { ($0.name.canonicalName, $0.value) }
            await calls.add(
                Call(headers: Dictionary(headers) { $1 }, bytes: Array(bytes.readableBytesView))
            )
            return HTTPResponse.Status.ok
        }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) },
            logger: Logger(label: "receiver") { _ in SwiftLogNoOpLogHandler() }
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            defer { group.cancelAll() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            return try await body(Receiver(url: "http://127.0.0.1:\(port)/callback", calls: calls))
        }
    }

    /// The calls that say something new, once there are so many; waits for two minutes at most.
    ///
    /// A call whose answer took too long comes again.
    func wait(for count: Int) async throws -> [Call] {
        let deadline = ContinuousClock.now + .seconds(120)
        while await distinct.count < count, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        let all = await distinct
        try #require(all.count >= count, "\(all.count) callbacks of \(count)")
        return all
    }

    private var distinct: [Call] {
        get async {
            var seen: Set<[UInt8]> = []
            return await calls.all.filter { seen.insert($0.bytes).inserted }
        }
    }
}
