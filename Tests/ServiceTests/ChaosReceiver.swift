import AsyncHTTPClient
import Crypto
import Foundation
import Ledger
import NIOCore
import NIOHTTP1
import NetworkTestSupport
import Registry
import Synchronization
import Testing

/// The customers' receiver of webhooks: keeps what came, checks both signatures, and at first refuses some of it once.
final class ChaosReceiver: Sendable {
    static let adminToken = "the-token-of-an-operator-in-a-test"

    /// A report that came.
    struct Report: Sendable {
        let execution: String
        let body: JSONValue
    }

    private struct State {
        var isTroubled = true
        var refused: Set<String> = []
        /// By the number in the path.
        var secrets: [String] = []
        var keys: Set<String> = []
    }

    private let server: LoopbackServer
    private let state: Shared

    private final class Shared: Sendable {
        let state = Mutex(State())
    }

    static func with(_ body: (ChaosReceiver) async throws -> Void) async throws {
        let shared = Shared()
        try await LoopbackServer.with(
            answer: { head in isRefused(head, shared) ? .answer("503 Service Unavailable") : .answer("204 No Content")
            },
            { server in try await body(ChaosReceiver(server, shared)) }
        )
    }

    private init(_ server: LoopbackServer, _ state: Shared) {
        self.server = server
        self.state = state
    }

    /// Every fourth report of the first time is refused once; more would not be tried again within the test.
    private static func isRefused(_ head: String, _ shared: Shared) -> Bool {
        let id = value(of: "webhook-id", in: head)
        return shared.state.withLock { state in
            guard state.isTroubled, let digit = id.last, "0123".contains(digit) else { return false }
            return state.refused.insert(id).inserted
        }
    }

    /// Refuses nothing any more.
    func recover() { state.state.withLock { $0.isTroubled = false } }

    /// How many reports were refused.
    var refusedCount: Int { state.state.withLock(\.refused.count) }

    /// Whether the end of a key's runs is to be reported.
    func expects(key: String) -> Bool { state.state.withLock { $0.keys.contains(key) } }

    /// Makes this the webhook of a customer's key: with a secret of the customer's, and then with one of the service's.
    func subscribe(_ customer: Customer, _ stack: Stack, at url: String) async throws {
        let number = state.state.withLock(\.secrets.count)
        let own = number.isMultiple(of: 2) ? "chosen-by-customer-\(number)" : nil
        var body: [String: JSONValue] = ["url": .string("http://127.0.0.1:\(server.port)/hooks/\(number)")]
        if let own { body["secret"] = .string(own) }
        var request = HTTPClientRequest(url: "\(url)/api/api-keys/\(customer.keyID)/webhook")
        request.method = .PUT
        request.headers.add(name: "authorization", value: "Bearer \(Self.adminToken)")
        request.body = .bytes(ByteBuffer(string: JSONValue.object(body).description))
        let response = try await stack.http.execute(request, timeout: .seconds(60))
        let answer = try await JSONValue(parsing: response.body.collect(upTo: 1 << 20).readableBytesView)
        try #require(response.status == .ok, "\(answer)")
        let secret = try #require(own ?? answer["secret"]?.stringValue)
        state.state.withLock { state in
            state.secrets.append(secret)
            state.keys.insert("\(customer.keyID)")
        }
    }

    /// Every report that came, in order; each must be signed, in both ways, by the secret of its receiver.
    func reports() -> [Report] {
        let secrets = state.state.withLock(\.secrets)
        return server.messages.compactMap { message in
            guard let number = message.head.firstMatch(of: #/^POST /hooks/(\d+) /#).flatMap({ Int($0.1) }),
                secrets.indices.contains(number), let body = try? JSONValue(text: message.body)
            else {
                Issue.record("a request that is no report: \(message.head)")
                return nil
            }
            #expect(Self.isSigned(message, secret: secrets[number]), "\(message.head)")
            let execution = body["executionId"]?.stringValue ?? ""
            #expect(Self.value(of: "webhook-id", in: message.head) == "msg_\(execution)")
            return Report(execution: execution, body: body)
        }
    }

    private static func isSigned(_ message: LoopbackServer.Message, secret: String) -> Bool {
        let (id, time) = (value(of: "webhook-id", in: message.head), value(of: "webhook-timestamp", in: message.head))
        let standardKey =
            secret.hasPrefix("whsec_") ? Data(base64Encoded: String(secret.dropFirst(6))) : Data(secret.utf8)
        guard let standardKey else { return false }
        let standard = Data(mac("\(id).\(time).\(message.body)", key: standardKey)).base64EncodedString()
        let older = mac("\(time).\(message.body)", key: Data(secret.utf8)).map { String(format: "%02x", $0) }.joined()
        return value(of: "webhook-signature", in: message.head) == "v1,\(standard)"
            && value(of: "x-knouds-signature", in: message.head) == "t=\(time),v1=\(older)"
    }

    private static func mac(_ text: String, key: Data) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: key))
    }

    /// A header's value; empty when there is none.
    private static func value(of name: String, in head: String) -> String {
        for line in head.split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == name else { continue }
            return parts[1].trimmingCharacters(in: .whitespaces)
        }
        return ""
    }
}
