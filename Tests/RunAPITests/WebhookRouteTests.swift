import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Ledger
import Logging
import NIOCore
import RunAPI
import RunTestSupport
import Runs
import Synchronization
import Testing

@Suite("The routes of webhooks")
struct WebhookRouteTests {
    /// Keeps one key's webhook in memory, and counts what it was asked.
    final class Directory: WebhookAdministration {
        static let key = KeyID(Identifier128(high: 1, low: 2))
        private let state = Mutex<(settings: WebhookSettings?, calls: Int)>((nil, 0))
        var calls: Int { state.withLock(\.calls) }

        private func with<Value>(
            _ key: KeyID,
            _ body: (inout WebhookSettings?) throws(WebhookRefusal) -> sending Value
        ) throws(WebhookRefusal) -> Value {
            try state.withLock { state throws(WebhookRefusal) in
                state.calls += 1
                guard key == Self.key else { throw .noKey }
                return try body(&state.settings)
            }
        }

        func webhook(of key: KeyID) async throws(WebhookRefusal) -> WebhookSettings {
            try with(key) { settings throws(WebhookRefusal) in
                guard let settings else { throw .noWebhook }
                return settings
            }
        }

        func setWebhook(
            of key: KeyID,
            url: String,
            secret: String?
        ) async throws(WebhookRefusal) -> WebhookSettings {
            try with(key) { settings throws(WebhookRefusal) in
                guard url.hasPrefix("https:") else { throw .invalid(path: "/url", message: "the scheme is refused") }
                let at = Timestamp(microseconds: 0)
                settings = WebhookSettings(url: url, validFrom: at, disabledAt: nil, newSecret: nil)
                return WebhookSettings(
                    url: url,
                    validFrom: at,
                    disabledAt: nil,
                    newSecret: secret == nil ? "whsec_x" : nil
                )
            }
        }

        func removeWebhook(of key: KeyID) async throws(WebhookRefusal) {
            try with(key) { settings throws(WebhookRefusal) in
                guard settings != nil else { throw .noWebhook }
                settings = nil
            }
        }

        func testWebhook(of key: KeyID, for request: Digest?) async throws(WebhookRefusal) -> Identifier128 {
            try with(key) { _ throws(WebhookRefusal) in Identifier128(high: 3, low: 4) }
        }

        func deliveries(of key: KeyID, limit: Int) async throws(WebhookRefusal) -> [WebhookDelivery] {
            let at = Timestamp(microseconds: 0)
            let attempt = DeliveryAttempt(number: 1, startedAt: at, milliseconds: 7, status: 500, error: nil)
            return [
                WebhookDelivery(
                    id: "msg_1",
                    event: "webhook.test",
                    executionID: nil,
                    state: "waiting",
                    createdAt: at,
                    nextAttemptAt: at,
                    attempts: [attempt]
                )
            ]
        }
    }

    private static let token = "an-admin-token-of-32-characters!"
    private static let bearer = ("authorization", "Bearer \(token)")
    private static let path = "/api/api-keys/\(Directory.key)/webhook"

    private func ask(
        _ directory: Directory,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ headers: [(String, String)],
        body: String = "",
        token: String? = token
    ) async throws -> String {
        let said = try await transcript(directory, method, path, headers, body: body, token: token)
        let parts = said.split(separator: "\n\n", maxSplits: 1, omittingEmptySubsequences: false)
        return "\(said.prefix(3)) \(parts.count > 1 ? parts[1] : "")"
    }

    /// Asks once; the answer as the bench writes answers down, with a word in place of the request's id.
    private func transcript(
        _ directory: Directory,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ headers: [(String, String)],
        body: String = "",
        token: String? = token
    ) async throws -> String {
        let bench = try APIBench()
        let router = RunAPI.router(
            service: bench.service,
            authenticator: KeyAuthenticator(ledger: bench.ledger),
            webhookAdministration: directory,
            adminToken: token.flatMap { AdminToken($0) },
            clock: { bench.ledger.now },
            logger: Logger(label: "api") { _ in SwiftLogNoOpLogHandler() },
            isReady: { true }
        )
        return try await Application(router: router, logger: Logger(label: "api") { _ in SwiftLogNoOpLogHandler() })
            .test(.router) { client in
                let request = APIRequest(path, method: method, key: .none, headers: headers, body: body)
                let response = try await client.execute(
                    uri: path,
                    method: method,
                    headers: request.fields(key: ""),
                    body: ByteBuffer(bytes: request.body)
                )
                return bench.transcript(response)
            }
    }

    @Test("A webhook is set, shown without its secret, tested and removed")
    func life() async throws {
        let directory = Directory()
        let url = #"{"url":"https://x.example/"}"#
        let none = try await ask(directory, .get, Self.path, [Self.bearer])
        #expect(none.hasPrefix("404") && none.contains("WEBHOOK_NOT_FOUND"))
        let made = try await ask(directory, .put, Self.path, [Self.bearer], body: url)
        #expect(made.hasPrefix("200") && made.contains(#""secret":"whsec_x""#), "\(made)")
        let shown = try await ask(directory, .get, Self.path, [Self.bearer])
        #expect(shown.hasPrefix("200") && shown.contains("https://x.example/") && !shown.contains("secret"))
        let tested = try await ask(directory, .post, Self.path + "/test", [Self.bearer])
        #expect(tested.hasPrefix("202") && tested.contains(#""deliveryId":"msg_"#))
        let log = try await ask(directory, .get, Self.path + "/deliveries?limit=5", [Self.bearer])
        #expect(log.hasPrefix("200") && log.contains(#""status":500"#))
        #expect(try await ask(directory, .delete, Self.path, [Self.bearer]) == "204 ")
        #expect(try await ask(directory, .patch, Self.path, [Self.bearer]).hasPrefix("405"))
    }

    @Test("API keys are refused, and so is everybody without the token, before anything is looked up")
    func refused() async throws {
        let directory = Directory()
        let key = ("x-api-key", "knouds_live_x")
        for (headers, answer) in [
            ([key], "403"), ([key, Self.bearer], "403"), ([], "401"), ([("authorization", "Bearer wrong")], "401"),
            ([("authorization", "Basic \(Self.token)")], "401"), ([("authorization", Self.token)], "401"),
        ] as [([(String, String)], String)] {
            for (method, suffix) in [
                (HTTPRequest.Method.get, ""), (.put, ""), (.delete, ""), (.post, "/test"), (.get, "/deliveries"),
            ] {
                let said = try await ask(directory, method, Self.path + suffix, headers)
                #expect(said.hasPrefix(answer), "\(method) \(suffix) \(headers): \(said)")
            }
        }
        // Without a token nobody is let in, and one that is short is none.
        #expect(try await ask(directory, .get, Self.path, [("authorization", "Bearer ")], token: nil).hasPrefix("401"))
        #expect(AdminToken("short") == nil)
        #expect(directory.calls == 0)
    }

    @Test(
        "What can't be taken is refused by name",
        arguments: [
            ("", "INVALID_BODY"), ("[]", "INVALID_BODY"), ("{}", "/url"), (#"{"url":1}"#, "/url"),
            (#"{"url":"http://x/"}"#, "/url"), (#"{"url":"https://x/","secret":5}"#, "/secret"),
            (#"{"url":"https://x/","other":5}"#, "/other"),
        ]
    )
    func invalid(body: String, word: String) async throws {
        let said = try await ask(Directory(), .put, Self.path, [Self.bearer], body: body)
        #expect(said.hasPrefix("400") && said.contains(word), "\(said)")
    }

    @Test("A refusal of settings, and of a key that sets them, byte for byte")
    func exactly() async throws {
        let head = "Content-Type: application/json\nX-Request-Id: <request>"
        let bad = #"{"url":"https://x/","other":5}"#
        let invalid = try await transcript(Directory(), .put, Self.path, [Self.bearer], body: bad)
        #expect(
            invalid == """
                400 Bad Request
                \(head)

                {"success":false,"error":"The webhook's settings can't be taken: /other: there is no such setting",\
                "code":"INVALID_WEBHOOK","requestId":"<request>",\
                "issues":[{"message":"there is no such setting","path":"/other"}]}
                """
        )
        let directory = Directory()
        let key = ("x-api-key", "knouds_live_x")
        let refused = try await transcript(directory, .put, Self.path, [key, Self.bearer], body: bad)
        #expect(
            refused == """
                403 Forbidden
                \(head)

                {"success":false,"error":"An API key can't be used here",\
                "code":"API_KEY_NOT_ALLOWED","requestId":"<request>"}
                """
        )
        #expect(directory.calls == 0)
    }

    @Test("Ids of no key, and limits out of range")
    func unknown() async throws {
        let other = "/api/api-keys/\(KeyID(Identifier128(high: 9, low: 9)))/webhook"
        for path in [other, "/api/api-keys/nonsense/webhook"] {
            let said = try await ask(Directory(), .get, path, [Self.bearer])
            #expect(said.hasPrefix("404") && said.contains("API_KEY_NOT_FOUND"), "\(said)")
        }
        for limit in ["0", "201", "x"] {
            let said = try await ask(Directory(), .get, Self.path + "/deliveries?limit=\(limit)", [Self.bearer])
            #expect(said.hasPrefix("400"), "\(said)")
        }
    }
}
