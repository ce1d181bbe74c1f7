import ArgumentParser
import Foundation
import NIOHTTP1
import Operations
import Registry

/// What the commands that run something take. They ask a service, as any client does: it decides, dispatches and charges.
struct RunOptions: ParsableArguments {
    static let discussion = """
        The service is asked over HTTP, with the key in RUNLEDGER_API_KEY. A run that fails, or is refused, ends with exit \
        code 1; one whose answer was lost is run once all the same when it is asked for again under its idempotency key.
        """

    @Option(help: "What it takes, as a JSON object; `@FILE` reads a file, `-` standard input.")
    var inputs = "{}"
    @Flag(name: .customLong("async"), help: "Print the run's id at once, and let it go on.")
    var isAsync = false
    @Flag(help: "Let it go on by itself and ask until it has ended, over lost connections too; needs `execution:read`.")
    var wait = false
    @Option(help: "Names the request, so that it is run once however often it is given (default: a new name).")
    var idempotencyKey: String?
    @OptionGroup var service: ServiceOptions

    /// Asks for a run, and prints its answer.
    ///
    /// - Parameters:
    ///   - kind: `models` or `workflows`.
    ///   - name: which one.
    func run(_ kind: String, _ name: String) async throws {
        let inputs = try JSONValue(given: inputs, as: "--inputs", such: #"{"prompt":"a fox"}"#)
        let key = idempotencyKey ?? UUID().uuidString.lowercased()
        let answer = try await ServiceCaller.with(service.url) { service in
            let asked: ServiceCaller.Answer
            do {
                asked = try await service.send(
                    .POST,
                    "/api/\(kind)/\(name)/run" + (isAsync || wait ? "?async=true" : ""),
                    headers: ["idempotency-key": key],
                    body: ["inputs": inputs]
                )
            } catch let error as OperationError {
                throw OperationError(
                    error.kind,
                    error.message,
                    advice: "It may be under way: `--idempotency-key \(key)` has it run once."
                )
            }
            guard wait, asked.status == 202, let id = asked.json["executionId"]?.stringValue else { return asked }
            return try await service.end(of: id)
        }
        try show(answer)
    }

    private func show(_ answer: ServiceCaller.Answer) throws {
        let json = answer.json
        guard answer.status < 300, json["status"] != "failed", json["status"] != "cancelled" else {
            try service.refuse(answer)
        }
        var facts: [(name: String, value: String)] = []
        if let id = json["executionId"]?.stringValue { facts.append(("run", id)) }
        if let cost = json["cost"]?.credits { facts.append(("cost", cost)) }
        if let time = json["ms"]?.scalarText { facts.append(("time", time + " ms")) }
        facts += AnswerSheet.facts(of: json["result"])
        service.output.show(facts, json)
    }
}

extension ModelCommand {
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a model for the key's account, and print its result.",
            discussion: RunOptions.discussion + """


                Examples:
                  runledger model run gpt-5-4-mini --inputs '{"prompt":"a fox"}'
                  runledger model run gpt-image-2 --inputs @inputs.json --wait --json
                """
        )
        @Argument(help: "The model's internal name.", transform: Parse.model)
        var model: String
        @OptionGroup var options: RunOptions

        func run() async throws { try await options.run("models", model) }
    }
}
