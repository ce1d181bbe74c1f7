import Foundation
import Glibc
import LocalCluster
import Registry
import TestSupport
import Testing

/// Goal: models and workflows are run from a terminal as by any client, and programs are told by exit code and JSON how
/// that ended.
@Suite("runs from a terminal", .serialized, .timeLimit(.minutes(3)))
struct RunCommandTests {
    private static let document = """
        {"name":"Fox","nodes":[{"id":"in","type":"requestInput","data":{"fields":[{"name":"prompt","required":true}]}},
        {"id":"ask","type":"model","data":{"model":"\(Call.textModel)"}},{"id":"out","type":"responseOutput"}],
        "edges":[{"id":"1","source":"in","sourceHandle":"prompt","target":"ask","targetHandle":"prompt"},
        {"id":"2","source":"ask","target":"out"}]}
        """

    /// Runs a body with a service that has the workflow `fox`, and what runs a command with the key of its account.
    private static func with(
        _ body:
            @Sendable (
                Stack, RunningService, _ run: @Sendable (_ arguments: [String], _ exit: Int32) async throws -> String
            ) async throws -> Void
    ) async throws {
        try await Stack.with { stack in
            try await stack.script(["jobMilliseconds": 500])
            let rights = ["workflow:run", "workflow:write"]
            let customer = try await stack.openAccount(credits: 100, capabilities: rights)
            let service = try await stack.startService()
            let environment = ["RUNLEDGER_API_KEY": customer.key, "RUNLEDGER_URL": service.url]
            let url = service.url + "/api/workflows"
            let saved = await WorkflowCrashTests.post(stack, url, document, by: customer)
            #expect(saved?.status == 201)
            try await body(stack, service) { arguments, exit in
                let result = try await Program.run(arguments, databaseURL: stack.databaseURL, environment: environment)
                #expect(result.exit == .exited(code: exit), "\(arguments): \(result.output)")
                return result.output
            }
        }
    }

    @Test("a model and a workflow are run, waited for, refused and failed, once under a key")
    func commands() async throws {
        try await Self.with { stack, service, command in
            var service = service
            func run(_ arguments: String..., exit: Int32 = 0) async throws -> String {
                try await command(arguments, exit)
            }
            let text = try await run("model", "run", Call.textModel, "--inputs", #"{"prompt":"hi"}"#)
            #expect(text.contains("credit") && text.contains("text"), "\(text)")
            let inputs = "\(stack.folder)/inputs.json"
            try #"{"prompt":"a fox"}"#.write(toFile: inputs, atomically: true, encoding: .utf8)
            let named = ["workflow", "run", "fox", "--inputs", "@\(inputs)", "--json", "--idempotency-key", "fox-1"]
            let outputs = [try await command(named, 0), try await command(named, 0)]
            #expect(outputs[0] == outputs[1])
            #expect(try JSONValue(text: outputs[0])["result"]?["text"]?.arrayValue?.count == 1)

            let accepted = try JSONValue(
                text: try await run("workflow", "run", "fox", "--inputs", "@\(inputs)", "--async", "--json")
            )
            #expect(accepted["status"] == "processing")
            // The service dies while the command waits, and another one ends the run.
            async let waiting = run("model", "run", Call.imageModel, "--inputs", "@\(inputs)", "--wait", "--json")
            try await eventually("the run is with the provider") {
                try await stack.rows(
                    "SELECT count(*) FROM ledger.executions WHERE status = 'submitted' AND model = '\(Call.imageModel)'"
                ) == [["1"]]
            }
            await service.process.stop(SIGKILL)
            service = try await stack.startService(port: service.port)
            let waited = try JSONValue(text: try await waiting)
            #expect(waited["status"] == "completed" && waited["result"]?["images"] != nil, "\(waited)")

            let refused = try await run("workflow", "run", "fox", exit: 1)
            #expect(refused.contains("INVALID_INPUTS") && refused.contains("prompt"), "\(refused)")
            let failing = #"{"prompt":"[[fault:refuse]]"}"#
            let failed = try await run("workflow", "run", "fox", "--inputs", failing, exit: 1)
            #expect(failed.contains("EXECUTION_FAILED") && failed.contains("ask: failed, 0 credits"), "\(failed)")
            let json = try JSONValue(text: try await run("workflow", "run", "none", "--json", exit: 1))
            #expect(json["code"] == "WORKFLOW_NOT_FOUND")
            for wrong in ["[]", "@/no/such/file", "{"] {
                #expect(try await run("model", "run", "x", "--inputs", wrong, exit: 64).contains("--inputs"))
            }
            #expect(try await run("model", "run", "x", "--url", "ftp://x", exit: 64).contains("address"))
            #expect(try await run("model", "run", "x", "--url", "http://127.0.0.1:1", exit: 69).contains("no answer"))
            let keyless = try await Program.run(["model", "run", "x"], databaseURL: stack.databaseURL)
            #expect(keyless.exit == .exited(code: 64) && keyless.output.contains("RUNLEDGER_API_KEY"))
        }
    }
}
