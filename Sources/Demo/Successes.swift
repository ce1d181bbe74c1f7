import Operations
import Registry

/// The first act: runs that succeed.
struct Successes: Sendable {
    let caller: Caller
    let cast: Cast
    let stage: Stage

    /// Runs them; returns how many succeeded.
    func play() async throws(OperationError) -> Int {
        try await run(
            "Paid from credits: a text model, one HTTP request to the provider",
            model: "gpt-5-4-mini",
            inputs: #"{"prompt":"Why does a ledger only append?"}"#,
            cost: "1"
        )
        stage.line()
        try await run(
            "Paid from credits: an image model, whose job is polled until it has ended",
            model: "gpt-image-2",
            inputs: #"{"prompt":"A ledger as a tree","quality":"low"}"#,
            cost: "5"
        )
        stage.line()
        try await run(
            "Paid by the grant: cost 0, whatever the model costs",
            model: Cast.grantedModel,
            inputs: #"{"prompt":"A banana, notarised"}"#,
            cost: "0"
        )
        return 3
    }

    private func run(_ title: String, model: String, inputs: String, cost: String) async throws(OperationError) {
        let call = Caller.Call(model: model, key: cast.key, body: #"{"inputs":\#(inputs)}"#)
        let reply = try await caller.send(call)
        stage.exchange(title, call, reply)
        guard reply.status == 200, reply.json["cost"]?.scalarText == cost else {
            throw OperationError(
                .negative,
                "\(call.path) should have succeeded at a cost of \(cost): \(reply.status) \(reply.text)"
            )
        }
    }
}
