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
    @Option(help: "The service's address (default: RUNLEDGER_URL, or http://127.0.0.1:8080).")
    var url: String?
    @OptionGroup var output: OutputOptions

    /// Asks for a run, and prints its answer.
    ///
    /// - Parameters:
    ///   - kind: `models` or `workflows`.
    ///   - name: which one.
    func run(_ kind: String, _ name: String) async throws {
        let inputs = try readInputs()
        let key = idempotencyKey ?? UUID().uuidString.lowercased()
        let answer = try await ServiceCaller.with(url) { service in
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

    private func readInputs() throws -> JSONValue {
        var text = inputs
        if inputs == "-" {
            text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        } else if inputs.hasPrefix("@") {
            do {
                text = try String(contentsOfFile: String(inputs.dropFirst()), encoding: .utf8)
            } catch {
                throw OperationError(.usage, "--inputs: \(inputs.dropFirst()) can't be read.")
            }
        }
        guard let json = try? JSONValue(text: text), json.objectValue != nil else {
            throw OperationError(.usage, #"--inputs takes a JSON object, such as {"prompt":"a fox"}."#)
        }
        return json
    }

    private func show(_ answer: ServiceCaller.Answer) throws {
        let json = answer.json
        guard answer.status < 300, json["status"] != "failed", json["status"] != "cancelled" else {
            if output.json {
                output.show(json) { _ in }
                throw ExitCode(answer.failure.kind.rawValue)
            }
            throw answer.failure
        }
        var facts: [(name: String, value: String)] = []
        if let id = json["executionId"]?.stringValue { facts.append(("run", id)) }
        if let cost = json["cost"]?.credits { facts.append(("cost", cost)) }
        if let time = json["ms"]?.scalarText { facts.append(("time", time + " ms")) }
        for (kind, values) in (json["result"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            for value in values.arrayValue ?? [values] { facts.append((kind, value.scalarText ?? value.description)) }
        }
        output.show(facts, json)
    }
}

extension ServiceCaller.Answer {
    /// Why there is no result, with what the service says of inputs and nodes.
    fileprivate var failure: OperationError {
        let error = json["error"]
        let code =
            json["code"]?.stringValue ?? error?["code"]?.stringValue ?? json["status"]?.stringValue ?? "\(status)"
        let message = error?.stringValue ?? error?["message"]?.stringValue ?? "The run has no result"
        let issues = (json["issues"]?.arrayValue ?? []).map { issue in
            [issue["node"], issue["path"], issue["message"]].compactMap { $0?.stringValue }.joined(separator: " ")
        }
        let nodes = (json["nodes"]?.arrayValue ?? []).map { node in
            let cost = node["cost"]?.credits.map { ", " + $0 } ?? ""
            return "\(node["id"]?.stringValue ?? ""): \(node["status"]?.stringValue ?? "")\(cost)"
        }
        return OperationError(
            status == 503 ? .unavailable : .negative,
            "\(code): \(message)",
            advice: json["cost"]?.credits.map { "Charged: \($0)." } ?? "",
            excerpt: (issues + nodes).joined(separator: "\n")
        )
    }
}

extension JSONValue {
    /// An amount of credits in words; nil for anything else.
    fileprivate var credits: String? { scalarText.map { $0 == "1" ? "1 credit" : $0 + " credits" } }
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
