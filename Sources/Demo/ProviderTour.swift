import Operations
import Registry

/// The second act: a model of every kind of provider, all at the same time.
struct ProviderTour: Sendable {
    let caller: Caller
    let cast: Cast
    let stage: Stage

    private struct Stop: Sendable {
        /// The wire, and what is particular about it.
        let wire: String
        let model: String
        let inputs: String
        /// What it must cost; nil when the provider's own count decides.
        let cost: String?
    }

    private struct Visit: Sendable {
        let reply: Reply
        let result: String
    }

    private static let prompt = #""prompt":"A ledger in the rain""#

    private let stops = [
        Stop(wire: "plain HTTP", model: "gpt-5-4-mini", inputs: prompt, cost: "1"),
        Stop(wire: "Kie's jobs, polled", model: "gpt-image-2", inputs: prompt + #","quality":"low""#, cost: "5"),
        Stop(wire: "Kling, signed JWT", model: "kling-2-5-turbo-pro", inputs: prompt, cost: "75"),
        Stop(wire: "Suno, two tracks", model: "suno-v5", inputs: prompt, cost: "14"),
        Stop(wire: "fal's queue", model: "seedream-v5", inputs: prompt, cost: "8"),
        Stop(
            wire: "OpenAI, Base64",
            model: "gpt-image-2-direct",
            inputs: prompt + #","quality":"low","n":2"#,
            cost: "8"
        ),
        Stop(wire: "Anthropic's stream", model: "claude-sonnet", inputs: prompt + #","max_tokens":500"#, cost: nil),
    ]

    /// Runs them; returns how many succeeded.
    func play() async throws(OperationError) -> Int {
        let table = TextTable(
            [
                .init("provider", width: 18), .init("model", width: 19), .init("credits", width: 7, isRight: true),
                .init("time", width: 6, isRight: true), .init("result", width: 30),
            ],
            indent: 2,
            terminal: stage.terminal
        )
        stage.terminal.line(table.heading)
        stage.terminal.passing("  … \(stops.count) runs under way")
        let visits = await visitAll()
        stage.terminal.clearPassing()
        for (stop, visit) in zip(stops, visits) {
            let visit = try visit.get()
            let milliseconds = visit.reply.json["ms"]?.integerValue ?? 0
            stage.terminal.line(
                table.row([
                    .init(stop.wire), .init(stop.model, .bold), .init(visit.reply.json["cost"]?.scalarText ?? ""),
                    .init(Numbers.elapsed(.milliseconds(milliseconds)), .dim), .init(visit.result, .dim),
                ])
            )
        }
        stage.line()
        stage.quiet("All at the same time. Media are copies of our own, fetched just now; no link is a provider's.")
        stage.quiet("The stream is charged by the tokens it counted; the rest of its hold was released.")
        return stops.count
    }

    /// How one stop went. A type of its own: optimized by Swift 6.3, a task group that hands on a pair with such a result
    /// loses the number beside it.
    private struct Arrival: Sendable {
        let place: Int
        let result: Result<Visit, OperationError>
    }

    private func visitAll() async -> [Result<Visit, OperationError>] {
        await withTaskGroup(of: Arrival.self) { group in
            for (place, stop) in stops.enumerated() { group.addTask { await arrive(at: stop, place) } }
            var arrivals: [Arrival] = []
            for await arrival in group { arrivals.append(arrival) }
            return arrivals.sorted { $0.place < $1.place }.map(\.result)
        }
    }

    private func arrive(at stop: Stop, _ place: Int) async -> Arrival {
        do throws(OperationError) {
            return Arrival(place: place, result: .success(try await visit(stop)))
        } catch {
            return Arrival(place: place, result: .failure(error))
        }
    }

    private func visit(_ stop: Stop) async throws(OperationError) -> Visit {
        let call = Caller.Call(model: stop.model, key: cast.key, body: #"{"inputs":{\#(stop.inputs)}}"#)
        let reply = try await caller.send(call)
        let cost = reply.json["cost"]?.scalarText ?? ""
        guard reply.status == 200, cost == stop.cost ?? cost, cost != "0" else {
            throw OperationError(
                .negative,
                "\(call.path) should have succeeded at a cost of \(stop.cost ?? "its tokens"): "
                    + "\(reply.status) \(reply.text)"
            )
        }
        return Visit(reply: reply, result: try await shown(reply.json["result"] ?? .null, of: stop))
    }

    /// A text, or the first of the media with its size, and how many more there are.
    private func shown(_ result: JSONValue, of stop: Stop) async throws(OperationError) -> String {
        guard let (kind, value) = result.objectValue?.first, let values = value.arrayValue,
            let first = values.first?.stringValue
        else { throw OperationError(.negative, "The run of \(stop.model) has no result: \(result)") }
        if kind == "text" { return first.count > 40 ? "“\(first.prefix(39))…”" : "“\(first)”" }
        guard first.hasPrefix(caller.baseURL + "/media/") else {
            throw OperationError(.negative, "The result of \(stop.model) is not a copy of our own: \(first)")
        }
        let media = try await caller.download(first)
        let parts = first.dropFirst(caller.baseURL.count).split(separator: "/")
        let path = "/media/…/\(parts.last ?? "")"
        let more = values.count > 1 ? ", +\(values.count - 1)" : ""
        return "\(path)  \(media.type), \(Numbers.grouped(media.byteCount)) B\(more)"
    }
}
