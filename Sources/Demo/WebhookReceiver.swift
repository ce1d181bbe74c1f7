import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Operations
import Registry

/// A customer's server: takes webhooks on the loopback address and checks both signatures, as one that is written by hand does.
struct WebhookReceiver: Sendable {
    /// A report as it came.
    struct Report: Sendable {
        let headers: [String: String]
        let body: [UInt8]

        /// The body; null when it is no JSON.
        var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }

        /// Whether `X-Knouds-Signature` is right: HMAC-SHA256 of `<t>.<body>` under the secret's characters, in hexadecimal.
        func hasKnoudsSignature(of secret: String) -> Bool {
            let parts = (headers["x-knouds-signature"] ?? "").split(separator: ",").map { $0.split(separator: "=") }
            let fields = Dictionary(parts.filter { $0.count == 2 }.map { ($0[0], String($0[1])) }) { $1 }
            guard let time = fields["t"], let given = fields["v1"], isRecent(time) else { return false }
            let digits = Array(given.utf8)
            guard digits.count == 64 else { return false }
            let code = stride(from: 0, to: 64, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
            }
            return isCode(code, of: "\(time).", key: Array(secret.utf8))
        }

        /// Whether `webhook-signature` is right: Standard Webhooks, HMAC-SHA256 of `<id>.<time>.<body>` under the bytes that
        /// follow `whsec_`, in Base64.
        func hasStandardSignature(of secret: String) -> Bool {
            guard let id = headers["webhook-id"], let time = headers["webhook-timestamp"], isRecent(time),
                let key = Data(base64Encoded: String(secret.dropFirst("whsec_".count)))
            else { return false }
            return (headers["webhook-signature"] ?? "").split(separator: " ").contains { signature in
                guard signature.hasPrefix("v1,"), let code = Data(base64Encoded: String(signature.dropFirst(3))) else {
                    return false
                }
                return isCode(Array(code), of: "\(id).\(time).", key: Array(key))
            }
        }

        private func isRecent(_ time: String) -> Bool {
            Double(time).map { abs($0 - Date().timeIntervalSince1970) <= 300 } ?? false
        }

        private func isCode(_ code: [UInt8], of prefix: String, key: [UInt8]) -> Bool {
            HMAC<SHA256>.isValidAuthenticationCode(
                code,
                authenticating: Array(prefix.utf8) + body,
                using: SymmetricKey(data: key)
            )
        }
    }

    /// Where webhooks go.
    let url: String
    private let reports: AsyncStream<Report>

    /// Listens while the body runs, and is closed when it has ended.
    static func withReceiver<Value: Sendable>(
        _ body: @escaping @Sendable (WebhookReceiver) async throws -> Value
    ) async throws -> Value {
        let (reports, incoming) = AsyncStream.makeStream(of: Report.self, bufferingPolicy: .bufferingNewest(16))
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let router = Router()
        router.post("/hooks") { request, _ in
            let bytes = try await request.body.collect(upTo: 1 << 20)
            let headers = Dictionary(request.headers.map { ($0.name.canonicalName, $0.value) }) { $1 }
            incoming.yield(Report(headers: headers, body: Array(buffer: bytes)))
            return HTTPResponse.Status.noContent
        }
        let server = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in listening.yield(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "receiver") { _ in SwiftLogNoOpLogHandler() }
        )
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                try await server.run()
                return nil
            }
            group.addTask {
                for await port in ports {
                    return try await body(WebhookReceiver(url: "http://127.0.0.1:\(port)/hooks", reports: reports))
                }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    /// The next report that came; waits half a minute for it.
    func next() async throws -> Report {
        try await withThrowingTaskGroup(of: Report?.self) { group in
            group.addTask { await reports.first { _ in true } }
            group.addTask {
                try await Task.sleep(for: .seconds(30))
                return nil
            }
            defer { group.cancelAll() }
            guard let report = try await group.next() ?? nil else {
                throw OperationError(.negative, "No webhook came to \(url).")
            }
            return report
        }
    }
}
