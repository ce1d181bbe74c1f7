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
    /// A workflow that asks the text model once.
    static let document = """
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
            let rights = ["workflow:run", "workflow:read", "workflow:write"]
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

    @Test("workflows, runs, models and webhooks are looked after from a terminal, and refusals say why")
    func others() async throws {
        try await Self.with { stack, service, command in
            func run(_ arguments: String..., exit: Int32 = 0) async throws -> String {
                try await command(arguments, exit)
            }
            func json(_ arguments: String..., exit: Int32 = 0) async throws -> JSONValue {
                try JSONValue(text: try await command(arguments + ["--json"], exit))
            }
            let who = try await json("whoami")["user"]
            #expect(who?["tier"] == "business" && who?["approved"] == true)
            #expect(try await run("whoami").contains("business"))

            let file = "\(stack.folder)/fox.json"
            try Self.document.write(toFile: file, atomically: true, encoding: .utf8)
            let create = ["workflow", "create", "@\(file)", "--idempotency-key", "second", "--json"]
            let made = [try await command(create, 0), try await command(create, 0)]
            #expect(made[0] == made[1])
            let slug = try #require(try JSONValue(text: made[0])["slug"]?.stringValue)
            #expect(try await run("workflow", "update", slug, "@\(file)").contains("version   2"))
            #expect(try await run("workflow", "schema", slug).contains("prompt"))
            #expect(try await json("workflow", "schema", slug)["fields"]?.arrayValue?.count == 1)
            let broken = Self.document.replacing(Call.textModel, with: "none")
            let issues = try await run("workflow", "update", slug, broken, exit: 1)
            #expect(issues.contains("INVALID_WORKFLOW") && issues.contains("| ask "), "\(issues)")
            #expect(try await run("workflow", "create", "[]", exit: 64).contains("DOCUMENT takes a JSON object"))
            #expect(try await json("workflow", "delete", slug) == ["deleted": true, "slug": .string(slug)])
            #expect(try await run("workflow", "schema", slug, exit: 1).contains("WORKFLOW_NOT_FOUND"))

            let fox = #"{"prompt":"a fox"}"#
            let ended = try await json("workflow", "run", "fox", "--inputs", fox, "--wait")
            let done = try #require(ended["executionId"]?.stringValue)
            let shown = try await run("execution", "show", done)
            #expect(shown.contains("completed") && shown.contains("ask ") && shown.contains("text"), "\(shown)")
            #expect(try await run("execution", "cancel", done, exit: 1).contains("EXECUTION_NOT_CANCELLABLE"))
            let slow = try await json("model", "run", Call.imageModel, "--inputs", fox, "--async")
            let id = try #require(slow["executionId"]?.stringValue)
            #expect(try await json("execution", "cancel", id)["executionId"] == slow["executionId"])
            #expect(try await run("execution", "show", "fox", exit: 64).contains("no id of a run"))

            let models = try await run("model", "list")
            #expect(models.contains(Call.textModel) && models.contains("a million tokens"), "\(models)")
            #expect(try await json("model", "list")["models"]?.arrayValue?.first?["version"] != nil)
        }
    }

    @Test("an operator looks after models and webhooks from a terminal")
    func house() async throws {
        try await Stack.with { stack in
            let customer = try await stack.openAccount(capabilities: ["webhook:receive"])
            let service = try await stack.startService(environment: [
                "RUNLEDGER_ADMIN_TOKEN": ReferenceTests.adminToken, "RUNLEDGER_EGRESS_ALLOWS_LOOPBACK": "true",
            ])
            let id = "\(customer.keyID)"
            func run(_ arguments: String..., token: String = ReferenceTests.adminToken, exit: Int32 = 0) async throws
                -> String
            {
                let environment = ["RUNLEDGER_ADMIN_TOKEN": token, "RUNLEDGER_URL": service.url]
                let result = try await Program.run(arguments, databaseURL: stack.databaseURL, environment: environment)
                #expect(result.exit == .exited(code: exit), "\(arguments): \(result.output)")
                return result.output
            }
            _ = try await run("model", "disable", Call.textModel)
            #expect(try await run("model", "switches").contains(Call.textModel))
            #expect(try await run("model", "list", "--all").contains(Call.textModel))
            #expect(try await run("operator", "log").contains("model.disabled"))
            #expect(try await run("payment", "list", "--json") == #"{"payments":[]}"# + "\n")

            let url = "http://127.0.0.1:9/runs"
            let set = try JSONValue(text: try await run("webhook", "set", id, "--to", url, "--json"))
            #expect(set["url"]?.stringValue == url && set["secret"] != nil, "\(set)")
            #expect(try await run("webhook", "show", id).contains(url))
            let sent = try JSONValue(text: try await run("webhook", "test", id, "--json"))["deliveryId"]?.stringValue
            #expect(try await run("webhook", "deliveries", id).contains(try #require(sent)))
            #expect(try await run("webhook", "off", id, "--json").contains(#""on":false"#))
            #expect(try await run("webhook", "deliveries", id, "--limit", "0", exit: 64).contains("limit"))
            #expect(try await run("webhook", "show", id, exit: 1).contains("WEBHOOK_NOT_FOUND"))
            #expect(try await run("webhook", "set", id, "--to", "ftp://x", exit: 1).contains("INVALID_WEBHOOK"))
            #expect(try await run("webhook", "show", id, token: "", exit: 64).contains("RUNLEDGER_ADMIN_TOKEN"))
            #expect(try await run("webhook", "show", id, token: "other", exit: 1).contains("UNAUTHORIZED"))
        }
    }
}
