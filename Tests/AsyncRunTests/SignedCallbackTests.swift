import App
import AsyncHTTPClient
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Ledger
import LedgerStore
import LedgerTestSupport
import Logging
import NIOCore
import NetworkTestSupport
import Providers
import Registry
import RunAPI
import RunTestSupport
import Runs
import Synchronization
import TestSupport
import Testing

/// Goal: only whoever has the provider's key makes a run be polled, and where the provider has none, nobody can have it
/// polled at will.
/// Method: callbacks over HTTP to a service on PostgreSQL, signed by keys of our own, which a server of keys publishes.
@Suite("Callbacks that providers sign", .gated, .database(LedgerDatabase.template(journals: 4)))
struct SignedCallbackTests {
    private static let secret = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
    private static let body = #"{"status":"OK"}"#
    private static let taken = #"202 {"success":true}"#
    private static let refused =
        #"401 {"success":false,"error":"The callback does not carry the provider's signature","#
        + #""code":"INVALID_SIGNATURE","requestId":"<request>"}"#

    /// A run that was polled once and then let go, and a provider's way to call back for it.
    private struct Scene: Sendable {
        let bench: AsyncBench
        let clock: TestClock
        let path: String
        let post: @Sendable ([(String, String)], String) async throws -> String

        var polls: Int { bench.provider.count("poll") }
        var seconds: Int64 { clock.now.microseconds / 1_000_000 }

        func send(_ headers: [(String, String)], _ body: String = SignedCallbackTests.body) async throws -> String {
            try await post(headers, body)
        }

        /// The run's task, as it stands.
        func task() async throws -> String {
            try await psql("SELECT state, attempts, claims, next_action_at, hinted, claimed_by FROM ledger.run_tasks")
        }

        /// Returns once the run was polled so often, and is let go for an hour.
        func wait(polls number: Int) async throws {
            try await eventually("it was polled \(number) times, and let go") {
                let sql = """
                    SELECT count(*) FROM ledger.run_tasks
                    WHERE claimed_by IS NULL AND next_action_at > now() + interval '1 minute'
                    """
                return try await count(sql) == 1 && polls == number
            }
        }

        /// Sends what is no callback of the provider's; nothing may come of it.
        func expectRefused(_ headers: [(String, String)], _ body: String = SignedCallbackTests.body) async throws {
            let (task, polls) = (try await task(), polls)
            #expect(try await send(headers, body) == SignedCallbackTests.refused, "\(headers)")
            #expect(try await self.task() == task, "\(headers)")
            #expect(self.polls == polls, "\(headers)")
        }
    }

    /// Runs a body with a run of one model whose provider then stays silent.
    private static func with(
        model: String,
        keysPort: Int = 1,
        pause: Duration = CallbackDesk.unverifiedPause,
        _ body: @Sendable @escaping (Scene) async throws -> Void
    ) async throws {
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .providers())
        do {
            try await AsyncBench.with { bench in
                bench.provider.follow { $0.poll = { _, _ in .pending(retryAfter: .seconds(3_600)) } }
                let service = try bench.service(
                    publicURL: "https://runs.example",
                    registry: try registry(keysPort: keysPort)
                )
                let clock = TestClock()
                let callbacks = ProviderCallbacks(client: http) { clock.now }
                let router = RunAPI.router(
                    service: service,
                    authenticator: KeyAuthenticator(ledger: bench.store),
                    callbacks: CallbackDesk(for: service, verifier: callbacks, unverifiedPause: pause),
                    clock: { SystemClock.now() },
                    logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() },
                    isReady: { true }
                )
                try await withWorker(service) {
                    _ = try await bench.submit(service, model)
                    let url = try #require(bench.provider.callbackURLs.first)
                    let path = String(url.dropFirst("https://runs.example".count))
                    try await Application(router: router).test(.live) { client in
                        let scene = Scene(bench: bench, clock: clock, path: path) { headers, text in
                            var fields: HTTPFields = [.contentType: "application/json"]
                            for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
                            let answer = try await client.execute(
                                uri: path,
                                method: .post,
                                headers: fields,
                                body: ByteBuffer(string: text)
                            )
                            #expect(answer.headers[.contentType] == "application/json")
                            let said = String(buffer: answer.body)
                                .replacing(/"requestId":"[0-9a-f-]{36}"/, with: #""requestId":"<request>""#)
                            return "\(answer.status.code) \(said)"
                        }
                        try await scene.wait(polls: 1)
                        try await body(scene)
                    }
                }
            }
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }

    /// Models of a provider that signs with a key, of one that signs with a secret, and of one whose secret nobody made.
    private static func registry(keysPort: Int) throws -> ModelRegistry {
        let rules = [
            "keyed": "{verifier: falEd25519, keysURL: \"http://127.0.0.1:\(keysPort)/keys\"}",
            "hooked": "{verifier: standardWebhooks, secrets: \"\(secret)\"}",
            "bare": "{verifier: standardWebhooks}",
        ]
        return try ModelRegistry.load(
            files: rules.keys.sorted().map { definition($0, deadline: 300, provider: $0) },
            providers: rules.sorted { $0.key < $1.key }.map { name, rule in
                let text = polledProvider.text.replacing("name: polled", with: "name: \(name)")
                return DefinitionFile(name: "\(name).yaml", text: "\(text)\ncallback: \(rule)\n")
            },
            variables: [:]
        )
    }

    // MARK: Signatures

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String(format: "%02x", $0) }.joined()
    }

    private static func keyed(
        _ key: Curve25519.Signing.PrivateKey,
        _ seconds: Int64,
        _ body: String = body
    ) throws -> [(String, String)] {
        let message = "request-1\nuser-1\n\(seconds)\n\(hex(SHA256.hash(data: Data(body.utf8))))"
        return [
            ("x-fal-webhook-request-id", "request-1"), ("x-fal-webhook-user-id", "user-1"),
            ("x-fal-webhook-timestamp", "\(seconds)"),
            ("x-fal-webhook-signature", hex(try key.signature(for: Data(message.utf8)))),
        ]
    }

    private static func keySet(_ key: Curve25519.Signing.PrivateKey) -> String {
        let text = key.publicKey.rawRepresentation.base64EncodedString()
        return #"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"\#(text)"}]}"#
    }

    private static func hooked(_ seconds: Int64, _ body: String = body, secret: String = secret) -> [(String, String)] {
        let key = SymmetricKey(data: Data(base64Encoded: String(secret.dropFirst(6))) ?? Data())
        let code = HMAC<SHA256>.authenticationCode(for: Data("msg-1.\(seconds).\(body)".utf8), using: key)
        return [
            ("webhook-id", "msg-1"), ("webhook-timestamp", "\(seconds)"),
            ("webhook-signature", "v1,\(Data(code).base64EncodedString())"),
        ]
    }

    // MARK: Tests

    @Test("a key that the provider publishes: nothing else is taken; a new one is fetched, once a minute at most")
    func keys() async throws {
        let (first, second) = (Curve25519.Signing.PrivateKey(), Curve25519.Signing.PrivateKey())
        let published = Mutex(Self.keySet(first))
        try await LoopbackServer.with(
            answer: { _ in .answer("200 OK", body: published.withLock { $0 }) },
            { server in
                let asked = { @Sendable in server.requests.count }
                try await Self.with(model: "keyed", keysPort: server.port) { scene in
                    let now = scene.seconds
                    let genuine = try Self.keyed(first, now)
                    try await scene.expectRefused([])
                    for index in genuine.indices {
                        var headers = genuine
                        headers.remove(at: index)
                        try await scene.expectRefused(headers)
                    }
                    try await scene.expectRefused(genuine, Self.body + " ")
                    try await scene.expectRefused(try Self.keyed(second, now))
                    for late in [now - 301, now + 301] { try await scene.expectRefused(try Self.keyed(first, late)) }
                    #expect(asked() == 1)
                    #expect(try await scene.send(genuine) == Self.taken)
                    try await scene.wait(polls: 2)
                    // A signed callback is not held back.
                    #expect(try await scene.send(try Self.keyed(first, now - 300)) == Self.taken)
                    try await scene.wait(polls: 3)
                    #expect(asked() == 1)

                    published.withLock { $0 = Self.keySet(second) }
                    try await scene.expectRefused(try Self.keyed(second, now))
                    #expect(asked() == 1)
                    scene.clock.advance(seconds: ProviderCallbacks.keyPauseSeconds)
                    #expect(try await scene.send(try Self.keyed(second, scene.seconds)) == Self.taken)
                    try await scene.wait(polls: 4)
                    #expect(asked() == 2)
                    try await scene.expectRefused(try Self.keyed(first, scene.seconds))
                    #expect(asked() == 2)
                }
            }
        )
    }

    @Test("a secret that the provider shares: nothing else is taken")
    func secrets() async throws {
        try await Self.with(model: "hooked") { scene in
            let now = scene.seconds
            let genuine = Self.hooked(now)
            try await scene.expectRefused([])
            for index in genuine.indices {
                var headers = genuine
                headers.remove(at: index)
                try await scene.expectRefused(headers)
            }
            try await scene.expectRefused(genuine, Self.body + " ")
            try await scene.expectRefused(Self.hooked(now, secret: "whsec_YW5vdGhlcg=="))
            for late in [now - 301, now + 301] { try await scene.expectRefused(Self.hooked(late)) }
            #expect(try await scene.send(genuine) == Self.taken)
            try await scene.wait(polls: 2)
        }
    }

    @Test("where nobody made a secret, an unsigned callback is taken, and only the first of many has the run polled")
    func unverified() async throws {
        try await Self.with(model: "bare") { scene in
            for _ in 0..<3 { #expect(try await scene.send([]) == Self.taken) }
            try await scene.wait(polls: 2)
            for _ in 0..<3 { #expect(try await scene.send(Self.hooked(1)) == Self.taken) }
            try await Task.sleep(for: .milliseconds(300))
            try await scene.wait(polls: 2)
        }
    }

    @Test("after a pause an unsigned callback has the run polled again")
    func pause() async throws {
        try await Self.with(model: "bare", pause: .milliseconds(50)) { scene in
            #expect(try await scene.send([]) == Self.taken)
            try await scene.wait(polls: 2)
            try await Task.sleep(for: .milliseconds(60))
            #expect(try await scene.send([]) == Self.taken)
            try await scene.wait(polls: 3)
        }
    }
}
