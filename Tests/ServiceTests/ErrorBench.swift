import AsyncHTTPClient
import Crypto
import Foundation
import Ledger
import NIOCore
import NIOHTTP1
import Registry
import Synchronization
import TestSupport
import Testing

/// A request, and the code of its answer.
struct ErrorRow {
    let code: String
    let method: HTTPMethod
    let path: String
    /// Whose key is sent.
    let sender: String
    let body: String
    let header: (name: String, value: String)?

    /// Reads `code | method path | sender | body | name: value`, the last two of which may be missing.
    init(_ line: some StringProtocol) {
        var cells = line.components(separatedBy: " | ").map { $0.trimmingCharacters(in: .whitespaces) }
        // An empty cell between two bars has one space only.
        cells = cells.flatMap { $0.hasPrefix("| ") ? ["", String($0.dropFirst(2))] : [$0] }
        let words = cells[1].split(separator: " ").map(String.init)
        let pair = cells.count > 4 ? cells[4].components(separatedBy: ": ") : []
        (code, sender, body) = (cells[0], cells[2], cells.count > 3 ? cells[3] : "")
        (method, path) = (HTTPMethod(rawValue: words[0]), words[1])
        header = pair.isEmpty ? nil : (pair[0], pair.dropFirst().joined(separator: ": "))
    }
}

/// A service, and accounts in every state that leads to an error.
final class ErrorBench: Sendable {
    static let token = "an-operators-token-of-40-characters-0001"
    static let stripeSecret = "whsec_0123456789abcdef"

    private let stack: Stack
    private let url: String
    private let state = Mutex(State())

    private struct State {
        var seen: Set<String> = []
        var words: [String: String] = [
            "$NOBODY": "0198e0ae-7c55-7d22-9c1f-0005f4b3a2c1", "$RUN": "/api/models/\(Call.textModel)/run",
            "$INPUTS": #"{"inputs":{"prompt":"hi"}}"#,
        ]
        var keys: [String: String] = ["nobody": ""]
    }

    /// The codes that came.
    var seen: Set<String> { state.withLock(\.seen) }

    init(_ stack: Stack) async throws {
        self.stack = stack
        self.url = try await stack.startService(environment: [
            "RUNLEDGER_ADMIN_TOKEN": Self.token, "RUNLEDGER_STRIPE_WEBHOOK_SECRET": Self.stripeSecret,
            "RUNLEDGER_TLOG_KEY": try await stack.makeLogKey(), "RUNLEDGER_TLOG_FOLDER": "\(stack.folder)/tlog",
        ]).url
        try await openAccounts()
        try await prepare()
    }

    private func openAccounts() async throws {
        let rich = try await stack.openAccount(credits: 100)
        let busy = try await stack.openAccount(credits: 100)
        let waiting = try await stack.openAccount()
        let closed = try await stack.openAccount()
        let free = try await stack.openAccount(tier: .free, isKeyless: true)
        let huge = try await stack.openAccount(tier: .enterprise)
        let graphs = ["workflow:read", "workflow:write"]
        let drawing = try await stack.openAccount(capabilities: graphs)
        let full = try await stack.openAccount(capabilities: graphs)
        _ = try await stack.rows(
            """
            INSERT INTO ledger.workflows (journal, account_id, slug, version, digest, created_at, saved_at)
            SELECT journal, account_id, 'w' || n, 1, decode(repeat('00', 32), 'hex'), now(), now()
            FROM ledger.accounts, generate_series(1, 1000) n WHERE account_id = '\(full.account)'
            """
        )
        let (poor, tried) = (try await stack.openAccount(), try await stack.openAccount(credits: 5, freeRuns: 1))
        state.withLock { state in
            state.keys["rich"] = rich.key
            state.keys["drawing"] = drawing.key
            state.keys["full"] = full.key
            state.keys["busy"] = busy.key
            state.keys["waiting"] = waiting.key
            state.keys["poor"] = poor.key
            state.keys["tried"] = tried.key
            state.words["$BUSY"] = "/admin/accounts/\(busy.account)"
            state.words["$OPENID"] = "\(busy.account)"
            state.words["$FREE"] = "\(free.account)"
            state.words["$HUGE"] = "\(huge.account)"
            state.words["$CLOSED"] = "\(closed.account)"
            state.words["$WAITING"] = "\(waiting.account)"
            state.words["$KEYS"] = "/api/api-keys?account=\(rich.account)"
            state.words["$RICHKEY"] = "\(rich.keyID)"
            state.words["$MEGABYTE"] = String(repeating: "[", count: 1 << 20 + 1)
        }
        _ = try await stack.submit(busy, to: url)
        let refund = Self.refund(busy)
        state.withLock { state in
            state.words["$REFUND"] = refund.body
            state.words["$SIGNATURE"] = refund.signature
        }
        _ = try await ask("- | POST $RUN | rich | $INPUTS | idempotency-key: a")
        let ended = try await stack.rows(
            "SELECT execution_id FROM ledger.executions WHERE account_id = '\(rich.account)' LIMIT 1"
        )
        let id = try #require(ended.first?.first)
        state.withLock { $0.words["$ENDED"] = id }
    }

    private func prepare() async throws {
        _ = try await ask(#"- | PUT /admin/accounts/$WAITING/approval | operator | {"approved":false}"#)
        _ = try await ask("- | POST /admin/accounts/$CLOSED/close | operator")
        _ = try await ask("- | POST $RUN | tried | $INPUTS")
        let ann = try await ask(#"- | POST /admin/operators | operator | {"name":"ann","role":"finance"}"#)
        let pot = try await ask(#"- | POST $BUSY/credits | operator | {"amount":1,"reference":"r"}"#)
        state.withLock { state in
            state.words["$ANN"] = ann.json["token"]?.stringValue
            state.words["$POT"] = pot.json["pot"]?["pot"]?.stringValue
        }
    }

    /// The refund of a payment that nobody has told of, as Stripe signs it.
    private static func refund(_ customer: Customer) -> (body: String, signature: String) {
        let now = Int64(Date().timeIntervalSince1970)
        let body = """
            {"id":"evt_1","type":"charge.refunded","created":\(now),"data":{"object":{"payment_intent":"pi_1","amount":100,\
            "amount_refunded":100,"currency":"usd","metadata":{"account":"\(customer.account)","credits":"10"}}}}
            """
        let key = SymmetricKey(data: Array(stripeSecret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array("\(now).\(body)".utf8), using: key)
        let hex = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return (body, "t=\(now),v1=\(hex)")
    }

    /// Spoils what the transparency log has signed, and asks for a receipt.
    func unreadableLogLines() async throws -> [String] {
        let log = "\(stack.folder)/tlog"
        try await eventually("the run is in the log") {
            try await ask("- | GET /api/executions/$ENDED/receipt | rich").status == .ok
        }
        let files = try FileManager.default.subpathsOfDirectory(atPath: log)
        let checkpoints = files.filter { $0.hasSuffix("checkpoint") }
        try #require(!checkpoints.isEmpty)
        for file in checkpoints { try Data("spoilt".utf8).write(to: URL(filePath: "\(log)/\(file)")) }
        return try await lines(of: ErrorRow("RECEIPT_UNAVAILABLE | GET /api/executions/$ENDED/receipt | rich"))
    }

    // MARK: Answers

    struct Said {
        let status: HTTPResponseStatus
        let headers: HTTPHeaders
        let body: String
        var json: JSONValue { (try? JSONValue(text: body)) ?? .null }
    }

    @discardableResult
    private func ask(_ line: String) async throws -> Said { try await ask(ErrorRow(line)) }

    private func ask(_ row: ErrorRow, accepting type: String = "application/json") async throws -> Said {
        let (words, keys) = state.withLock { ($0.words, $0.keys) }
        func filled(_ text: String) -> String {
            // Longer words first: one may begin as another does.
            words.keys.sorted { $0.count > $1.count }.reduce(text) { $0.replacing($1, with: words[$1] ?? "") }
        }
        var request = HTTPClientRequest(url: url + filled(row.path))
        request.method = row.method
        request.headers.add(name: "accept", value: type)
        if let header = row.header { request.headers.add(name: header.name, value: filled(header.value)) }
        if row.sender == "operator" {
            request.headers.add(name: "authorization", value: "Bearer \(Self.token)")
        } else if let key = keys[row.sender], !key.isEmpty {
            request.headers.add(name: "x-api-key", value: key)
        }
        if !row.body.isEmpty { request.body = .bytes(ByteBuffer(string: filled(row.body))) }
        let response = try await stack.http.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return Said(status: response.status, headers: response.headers, body: String(buffer: bytes))
    }

    /// What a row is answered in both forms, as the golden file has it.
    func lines(of row: ErrorRow) async throws -> [String] {
        try await lines(of: row) { type in try await ask(row, accepting: type) }
    }

    private func lines(of row: ErrorRow, _ answer: (_ type: String) async throws -> Said) async throws -> [String] {
        var lines = ["# \(row.code)"]
        for type in ["application/json", "application/problem+json"] {
            let said = try await answer(type)
            #expect(said.json["code"]?.stringValue == row.code, "\(row.code): \(said.body)")
            #expect(said.headers.first(name: "content-type") == type, "\(row.code)")
            #expect(said.headers.first(name: "x-request-id") == said.json["requestId"]?.stringValue, "\(row.code)")
            state.withLock { _ = $0.seen.insert(said.json["code"]?.stringValue ?? "") }
            lines += Self.transcript(said)
        }
        return lines + [""]
    }

    private static func transcript(_ said: Said) -> [String] {
        let skipped: Set<String> = ["date", "server", "content-length", "connection", "x-request-id"]
        let fields = said.headers.map { (name: $0.name.lowercased(), value: $0.value) }
            .filter { !skipped.contains($0.name) }.sorted { $0.name < $1.name }
        let lines = fields.map { field in
            let value =
                switch field.name {
                case "x-ratelimit-remaining", "x-ratelimit-reset": "N"
                case "retry-after" where said.status == .tooManyRequests: "N"
                case "ratelimit": field.value.replacing(/(r|t)=\d+/) { "\($0.1)=N" }
                default: field.value
                }
            return "\(field.name): \(value)"
        }
        let body = said.body.replacing(said.headers.first(name: "x-request-id") ?? "-", with: "REQUEST")
            .replacing(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "ID")
            .replacing(/"retryAfter":\d+/, with: #""retryAfter":N"#)
        return ["\(said.status.code)"] + lines + [body]
    }

    /// A run under way that is asked for again under its key.
    func busyLines() async throws -> [String] {
        let line = "POST /api/models/\(Call.imageModel)/run | busy | $INPUTS | idempotency-key: slow"
        let before = try await stack.simulatorCount("total")
        let first = Task { try await ask("- | " + line) }
        try await eventually("the run has begun") { try await stack.simulatorCount("total") > before }
        let lines = try await lines(of: ErrorRow("IDEMPOTENCY_IN_FLIGHT | " + line))
        first.cancel()
        _ = try? await first.value
        return lines
    }

    /// Saves of one workflow at the same moment, until one of them was overtaken as often as it was tried.
    func contendedLines() async throws -> [String] {
        let document = #"{"name":"crowd","nodes":[],"edges":[]}"#
        _ = try await ask("- | POST /api/workflows | drawing | \(document)")
        let row = ErrorRow("WORKFLOW_CHANGED | PUT /api/workflows/crowd | drawing | \(document)")
        return try await lines(of: row) { type in
            for _ in 0..<10 {
                let overtaken = try await withThrowingTaskGroup(of: Said.self) { group in
                    for _ in 0..<32 { group.addTask { try await self.ask(row, accepting: type) } }
                    return try await group.reduce(into: [Said]()) { if $1.status == .conflict { $0.append($1) } }
                }
                if let said = overtaken.first { return said }
            }
            throw NeverOvertaken()
        }
    }

    private struct NeverOvertaken: Error {}

    /// Reads of an account on a small plan until there were too many in a minute.
    func exceededLines() async throws -> [String] {
        let customer = try await stack.openAccount(tier: .pro, isKeyless: true)
        let wish = #"{"name":"k","capabilities":["execution:read"]}"#
        let made = try await ask("- | POST /admin/accounts/\(customer.account)/keys | operator | \(wish)")
        state.withLock { $0.keys["small"] = made.json["key"]?.stringValue }
        // Limits are of clock minutes, and what follows has to be within one.
        let second = Int(Date().timeIntervalSince1970) % 60
        if second > 45 { try await Task.sleep(for: .seconds(61 - second)) }
        try await eventually("the reads of a minute are used up") {
            try await ask("- | GET /api/usage | small").status == .tooManyRequests
        }
        return try await lines(of: ErrorRow("RATE_LIMIT_EXCEEDED | GET /api/usage | small"))
    }
}
