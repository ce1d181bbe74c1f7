import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Operations
import Registry

/// Asks a service over HTTP, with an API key or an operator's token.
struct ServiceCaller {
    /// Who asks.
    enum Caller {
        case account
        case `operator`

        /// Where the secret stands.
        var variable: String {
            switch self {
            case .account: "RUNLEDGER_API_KEY"
            case .operator: "RUNLEDGER_ADMIN_TOKEN"
            }
        }

        fileprivate var kind: String {
            switch self {
            case .account: "an API key"
            case .operator: "an operator's token"
            }
        }

        fileprivate var source: String {
            switch self {
            case .account: "runledger key issue"
            case .operator: "runledger operator add"
            }
        }

        fileprivate func header(_ secret: String) -> (name: String, value: String) {
            switch self {
            case .account: ("x-api-key", secret)
            case .operator: ("authorization", "Bearer \(secret)")
            }
        }
    }

    /// What the service said.
    struct Answer {
        let status: UInt
        /// The body; null if it is no JSON.
        let json: JSONValue
        /// Whether it may be another one in a moment.
        var isPassing: Bool { status >= 500 || status == 429 || status == 408 }
    }

    private static let longestAnswer = 64 << 20
    /// A run may take as long as its model may, which no client knows.
    private static let patience = TimeAmount.hours(2)

    private let client: HTTPClient
    private let base: String
    private let identity: (name: String, value: String)

    /// Asks within a body.
    ///
    /// - Parameters:
    ///   - url: the service's address; nil for that of the environment, or the usual one.
    ///   - caller: whose secret of the environment is sent.
    static func with<Value>(
        _ url: String?,
        as caller: Caller = .account,
        _ body: (ServiceCaller) async throws -> Value
    ) async throws -> Value {
        let environment = ProcessInfo.processInfo.environment
        guard let secret = environment[caller.variable], !secret.isEmpty else {
            throw OperationError(
                .usage,
                "\(caller.variable) is not set.",
                advice: "It takes \(caller.kind), as `\(caller.source)` prints it."
            )
        }
        guard secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw OperationError(.usage, "\(caller.variable) is not \(caller.kind).")
        }
        let base = url ?? environment["RUNLEDGER_URL"] ?? "http://127.0.0.1:8080"
        guard let parsed = URL(string: base), ["http", "https"].contains(parsed.scheme), parsed.host() != nil else {
            throw OperationError(.usage, "`\(base)` is no address of a service, such as https://ledger.example.com.")
        }
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let trimmed = base.hasSuffix("/") ? String(base.dropLast()) : base
            let value = try await body(ServiceCaller(client: client, base: trimmed, identity: caller.header(secret)))
            try await client.shutdown()
            return value
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// Sends a request once.
    ///
    /// - Throws: an `OperationError` when there is no answer; what was asked may have been done.
    func send(
        _ method: HTTPMethod,
        _ path: String,
        headers: [String: String] = [:],
        body: JSONValue? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers.add(name: identity.name, value: identity.value)
        request.headers.add(name: "user-agent", value: "runledger")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body.description))
        }
        do {
            let response = try await client.execute(request, timeout: Self.patience)
            let bytes = try await response.body.collect(upTo: Self.longestAnswer)
            return Answer(
                status: response.status.code,
                json: (try? JSONValue(parsing: bytes.readableBytesView)) ?? .null
            )
        } catch {
            throw OperationError(.unavailable, "\(base) gave no answer: \(error)")
        }
    }

    /// Asks for a run until it has ended; who does not answer is asked again.
    func end(of execution: String) async throws -> Answer {
        var pause: Int64 = 1
        while true {
            Terminal.error.passing("waiting for \(execution)")
            if let answer = try? await send(.GET, "/api/executions/\(execution)?wait=30"), !answer.isPassing {
                let state = answer.json["status"]?.stringValue
                if answer.status != 200 || ["completed", "failed", "cancelled"].contains(state) {
                    Terminal.error.clearPassing()
                    return answer
                }
                // The service has waited already.
                pause = 1
            } else {
                pause = min(pause * 2, 30)
            }
            try await Task.sleep(for: .seconds(pause))
        }
    }
}
