import NIOHTTP1
import Operations
import Registry

/// The second act: one of every refusal of the run endpoint, in the order of decisions.
struct Refusals: Sendable {
    let caller: Caller
    let cast: Cast
    let stage: Stage

    private static let prompt = #"{"inputs":{"prompt":"Hello"}}"#
    private static let requestsPerMinute = 1_000

    private struct Scene: Sendable {
        let title: String
        let status: Int
        let code: String
        let call: Caller.Call

        init(_ title: String, _ status: Int, _ code: String, _ call: Caller.Call) {
            self.title = title
            self.status = status
            self.code = code
            self.call = call
        }
    }

    /// Shows them all; returns how many there were.
    func play() async throws(OperationError) -> Int {
        let table = TextTable(
            [
                .init("request", width: 28), .init("", width: 3), .init("code", width: 20),
                .init("what the customer is told", width: 30),
            ],
            indent: 2,
            terminal: stage.terminal
        )
        stage.terminal.line(table.heading)
        let scenes = beforeTheLimiter + [nil] + afterTheLimiter
        for scene in scenes {
            let title: String
            let reply: Reply
            if let scene {
                (title, reply) = try await show(scene)
            } else {
                (title, reply) = try await exceedTheLimit()
            }
            stage.terminal.line(
                table.row([
                    .init(title), .init("\(reply.status)", .red), .init(reply.code, .yellow),
                    .init(Self.told(reply), .dim),
                ])
            )
        }
        return scenes.count
    }

    private func show(_ scene: Scene) async throws(OperationError) -> (title: String, reply: Reply) {
        let reply = try await caller.send(scene.call)
        try expect(scene.title, reply, scene.status, scene.code)
        return (scene.title, reply)
    }

    private func expect(_ title: String, _ reply: Reply, _ status: Int, _ code: String) throws(OperationError) {
        guard reply.status == status, reply.code == code else {
            throw OperationError(
                .negative,
                "`\(title)` should have been refused with \(status) \(code): \(reply.status) \(reply.text)"
            )
        }
    }

    private func call(
        _ model: String,
        key: String?,
        body: String = prompt,
        query: String = ""
    ) -> Caller.Call {
        Caller.Call(model: model, key: key, body: body, query: query)
    }

    private var beforeTheLimiter: [Scene] {
        var get = call("gpt-5-4-mini", key: cast.key)
        get.method = .GET
        return [
            Scene("GET, not POST", 405, "METHOD_NOT_ALLOWED", get),
            Scene("no x-api-key", 401, "UNAUTHORIZED", call("gpt-5-4-mini", key: nil)),
            Scene("a revoked key", 401, "UNAUTHORIZED", call("gpt-5-4-mini", key: cast.revokedKey)),
            Scene(
                "a body above 1 MiB",
                413,
                "BODY_TOO_LARGE",
                call("gpt-5-4-mini", key: cast.key, body: String(repeating: " ", count: (1 << 20) + 1))
            ),
            Scene(
                "an account not approved yet",
                403,
                "ACCOUNT_NOT_APPROVED",
                call("gpt-5-4-mini", key: cast.waitingKey)
            ),
            Scene("model GPT_5", 400, "INVALID_SLUG", call("GPT_5", key: cast.key)),
            Scene(
                "a key for gpt-image-2 only",
                403,
                "CAPABILITY_DENIED",
                call("gpt-5-4-mini", key: cast.narrowKey)
            ),
        ]
    }

    private var afterTheLimiter: [Scene?] {
        let wrong = #"{"inputs":{"prompt":"","resolution":"8K","colour":"red"}}"#
        let dear = #"{"inputs":{"prompt":"Hello","n":4,"size":"1536x1024","quality":"high"}}"#
        return [
            Scene(
                "a body that is no JSON",
                400,
                "INVALID_BODY",
                call("gpt-5-4-mini", key: cast.key, body: "prompt=Hello")
            ),
            Scene(
                "three wrong inputs",
                400,
                "INVALID_INPUTS",
                call("gpt-image-2", key: cast.key, body: wrong)
            ),
            Scene("model gpt-9", 404, "MODEL_NOT_FOUND", call("gpt-9", key: cast.key)),
            Scene(
                "a model for Enterprise",
                403,
                "MODEL_TIER_REQUIRED",
                call("studio-preview", key: cast.key)
            ),
            Scene(
                "?async=true, not supported",
                400,
                "ASYNC_NOT_SUPPORTED",
                call("gpt-5-4-mini", key: cast.key, query: "?async=true")
            ),
            Scene(
                "a model whose grant is spent",
                402,
                "grant_exhausted",
                call(Cast.grantedModel, key: cast.key)
            ),
            Scene(
                "a run for 240 credits",
                402,
                "INSUFFICIENT_CREDITS",
                call("gpt-image-2-direct", key: cast.key, body: dear)
            ),
            Scene(
                "a provider that fails",
                500,
                "EXECUTION_FAILED",
                call("gpt-5-4-mini", key: cast.key, body: #"{"inputs":{"prompt":"Hello [[fault:fail]]"}}"#)
            ),
            Scene(
                "an answer that is lost",
                500,
                "EXECUTION_FAILED",
                call("gpt-5-4-mini", key: cast.key, body: #"{"inputs":{"prompt":"Hello [[fault:drop]]"}}"#)
            ),
        ]
    }

    /// Sends cheap requests until the minute is full; a minute that ends meanwhile is filled anew.
    private func exceedTheLimit() async throws(OperationError) -> (title: String, reply: Reply) {
        let call = call("gpt-5-4-mini", key: cast.hastyKey, body: "")
        var sent = 0
        while sent < 3 * Self.requestsPerMinute {
            stage.terminal.passing("  … \(Numbers.grouped(sent)) requests in this minute")
            let replies = await withTaskGroup(of: Reply?.self) { group in
                for _ in 0..<50 { group.addTask { try? await caller.send(call) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let refused = replies.compactMap { $0 }.first { $0.status == 429 }
            sent += replies.count
            if let refused {
                stage.terminal.clearPassing()
                let title = "request \(Numbers.grouped(Self.requestsPerMinute + 1)) of a minute"
                try expect(title, refused, 429, "RATE_LIMIT_EXCEEDED")
                return (title, refused)
            }
            guard replies.contains(where: { $0 != nil }), !Task.isCancelled else { break }
        }
        throw OperationError(.negative, "\(Numbers.grouped(sent)) requests were sent and none was refused with 429.")
    }

    /// What the answer says, and the numbers beside it.
    private static func told(_ reply: Reply) -> String {
        let json = reply.json
        var text = json["error"]?.stringValue ?? reply.text
        if let issues = json["issues"]?.arrayValue {
            text += issues.map { "\n· \($0["path"]?.stringValue ?? ""): \($0["message"]?.stringValue ?? "")" }.joined()
        }
        var facts: [String] = []
        for name in ["required", "tier", "retryAfter"] {
            if let value = json[name]?.scalarText, !text.contains(value) { facts.append("\(name) \(value)") }
        }
        if let grant = json["grant"]?.objectValue {
            facts += grant.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        }
        if json["unresolved"]?.boolValue == true { facts.append("unresolved true") }
        return facts.isEmpty ? text : "\(text) (\(facts.joined(separator: ", ")))"
    }
}
