import NIOHTTP1
import Operations
import Registry

/// The third act: an asynchronous run with its webhook, and one that is cancelled.
struct Unattended: Sendable {
    let caller: Caller
    let cast: Cast
    let adminToken: String
    let stage: Stage

    /// Plays it; returns how many runs succeeded.
    func play() async throws(OperationError) -> Int {
        do {
            return try await WebhookReceiver.withReceiver { receiver in
                let secret = try await setWebhook(receiver)
                stage.line()
                try await complete(receiver, secret)
                stage.line()
                try await cancel(receiver, secret)
                return 1
            }
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.unavailable, "The receiver of webhooks failed: \(error)")
        }
    }

    private func setWebhook(_ receiver: WebhookReceiver) async throws(OperationError) -> String {
        let call = Caller.Call(
            .PUT,
            "/api/api-keys/\(cast.keyID)/webhook",
            adminToken: adminToken,
            body: #"{"url":"\#(receiver.url)"}"#
        )
        let reply = try await send(call, 200)
        guard let secret = reply.json["secret"]?.stringValue else {
            throw OperationError(.negative, "The webhook has no secret: \(reply.text)")
        }
        stage.line(stage.terminal.styled("An operator tells where the key's webhooks go", .bold))
        stage.line("  " + stage.terminal.styled("PUT \(call.path)", .cyan))
        stage.line("  \(call.body)")
        let answer = stage.terminal.styled("  in \(Numbers.elapsed(reply.duration)), with the secret", .dim)
        stage.line("  " + stage.terminal.styled("200 OK", .green) + answer + " \(secret.prefix(12))…")
        return secret
    }

    private func complete(_ receiver: WebhookReceiver, _ secret: String) async throws {
        let start = Caller.Call(
            model: "gpt-image-2",
            key: cast.key,
            body: #"{"inputs":{"prompt":"A ledger at night","quality":"low"}}"#,
            query: "?async=true"
        )
        let accepted = try await send(start, 202)
        stage.exchange("Accepted: the credits are on hold, the work goes on", start, accepted)
        stage.line()
        let poll = Caller.Call(.GET, "\(try pollURL(accepted))?wait=20", key: cast.key)
        let ended = try await send(poll, 200)
        try expect(ended.json["status"] == "completed" && ended.json["cost"] == 5, poll, ended)
        stage.exchange(
            "Asked once, with patience: answered when the run has ended",
            poll,
            ended,
            showing: ["status", "cost", "ms", "error", "result"]
        )
        stage.line()
        try await show(try await receiver.next(), "execution.completed", accepted, secret)
    }

    private func cancel(_ receiver: WebhookReceiver, _ secret: String) async throws {
        // The simulator never comes to an end with it.
        let start = Caller.Call(
            model: "flux-1-1-pro",
            key: cast.key,
            body: #"{"inputs":{"prompt":"[[fault:stall]]"}}"#,
            query: "?async=true"
        )
        let accepted = try await send(start, 202)
        stage.exchange("A run that takes too long …", start, accepted, showing: ["status", "executionId"])
        let url = try pollURL(accepted)
        let call = Caller.Call(.POST, "\(url)/cancel", key: cast.key)
        let asked = try await caller.send(call)
        try expect([200, 202].contains(asked.status), call, asked)
        stage.exchange("… is cancelled: the provider is told", call, asked, showing: ["status", "cost"])
        let poll = Caller.Call(.GET, "\(url)?wait=20", key: cast.key)
        let ended = try await send(poll, 200)
        try expect(ended.json["status"] == "cancelled" && ended.json["cost"] == 0, poll, ended)
        stage.exchange("… and nothing is paid", poll, ended, showing: ["status", "cost", "ms"])
        stage.line()
        try await show(try await receiver.next(), "execution.cancelled", accepted, secret)
    }

    /// A report as its receiver got it, with what the receiver made of its signatures.
    private func show(
        _ report: WebhookReceiver.Report,
        _ event: String,
        _ accepted: Reply,
        _ secret: String
    ) async throws(OperationError) {
        let json = report.json
        guard report.hasKnoudsSignature(of: secret), report.hasStandardSignature(of: secret),
            json["event"]?.stringValue == event, json["executionId"] == accepted.json["executionId"]
        else {
            let text = String(decoding: report.body, as: UTF8.self)
            throw OperationError(.negative, "The webhook is not a signed \(event): \(report.headers) \(text)")
        }
        stage.line(stage.terminal.styled("The webhook, as its receiver got it: \(event)", .bold))
        for name in ["X-Knouds-Signature", "webhook-signature"] {
            let value = report.headers[name.lowercased()] ?? ""
            let start = value.count > 58 ? value.prefix(57) + "…" : value
            stage.passed("\(name): " + stage.terminal.styled("\(start)", .dim))
        }
        stage.line("  " + stage.shortened(String(decoding: report.body, as: UTF8.self)))
    }

    private func send(_ call: Caller.Call, _ status: Int) async throws(OperationError) -> Reply {
        let reply = try await caller.send(call)
        try expect(reply.status == status, call, reply)
        return reply
    }

    private func expect(_ isRight: Bool, _ call: Caller.Call, _ reply: Reply) throws(OperationError) {
        guard isRight else {
            throw OperationError(
                .negative,
                "\(call.method) \(call.path) was not answered as it should be: \(reply.status) \(reply.text)"
            )
        }
    }

    private func pollURL(_ reply: Reply) throws(OperationError) -> String {
        guard let url = reply.json["pollUrl"]?.stringValue else {
            throw OperationError(.negative, "The answer does not tell where to ask: \(reply.text)")
        }
        return url
    }
}
