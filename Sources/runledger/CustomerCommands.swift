import ArgumentParser
import Foundation
import Ledger
import NIOHTTP1
import Operations
import Registry

/// Whose key it is.
struct WhoAmICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami",
        abstract: "Tell whose key it is.",
        discussion: ServiceOptions.customer + "\n\nExample: runledger whoami --url https://ledger.example.com"
    )
    @OptionGroup var service: ServiceOptions

    func run() async throws {
        let facts = [
            ("account", "user.id"), ("plan", "user.tier"), ("role", "user.role"), ("approved", "user.approved"),
            ("email", "user.email"),
        ]
        try await service.ask(.GET, "/api/whoami", AnswerSheet(facts: facts))
    }
}

/// Runs of the key's account.
struct ExecutionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "execution",
        abstract: "Show a run of the key's account, or cancel it.",
        subcommands: [Show.self, Cancel.self]
    )

    fileprivate static let sheet = AnswerSheet(
        facts: [
            ("run", "executionId"), ("status", "status"), ("workflow", "workflowSlug"), ("models", "modelIds"),
            ("asked for", "createdAt"), ("ended", "completedAt"), ("credits", "cost"), ("ms", "ms"),
            ("error", "error.code"), ("reason", "error.message"), ("result", "result"),
        ],
        list: "nodes",
        columns: [
            .init("node", "id", width: 24), .init("model", "model", width: 24), .init("status", "status", width: 10),
            .init("credits", "cost", width: 12), .init("error", "error.code", width: 20),
        ]
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how far a run has come, what it has cost, and its result.",
            discussion: ServiceOptions.customer + "\n\nExample: runledger execution show EXECUTION --json"
        )
        @Argument(help: "The run's id.", transform: Parse.execution)
        var execution: ExecutionID
        @OptionGroup var service: ServiceOptions

        func run() async throws {
            try await service.ask(.GET, "/api/executions/\(execution)", ExecutionCommand.sheet)
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask for the end of a run before its time; a result that comes nevertheless is charged.",
            discussion: ServiceOptions.customer + "\n\nExample: runledger execution cancel EXECUTION"
        )
        @Argument(help: "The run's id.", transform: Parse.execution)
        var execution: ExecutionID
        @OptionGroup var service: ServiceOptions

        func run() async throws {
            try await service.ask(.POST, "/api/executions/\(execution)/cancel", ExecutionCommand.sheet)
        }
    }
}

extension WorkflowCommand {
    /// A document to save.
    struct DocumentOptions: ParsableArguments {
        @Argument(help: "The document, a JSON object; `@FILE` reads a file, `-` standard input.")
        var document: String
        @OptionGroup var service: ServiceOptions

        func save(_ method: HTTPMethod, _ path: String, headers: [String: String] = [:]) async throws {
            let example = #"{"name":"Fox","nodes":[],"edges":[]}"#
            let document = try JSONValue(given: document, as: "DOCUMENT", such: example)
            let sheet = AnswerSheet(
                facts: [("workflow", "slug"), ("name", "name"), ("version", "version"), ("saved", "updatedAt")]
            )
            try await service.ask(method, path, headers: headers, body: document, sheet)
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Save a new workflow of the key's account.",
            discussion: ServiceOptions.customer + "\n\nExample: runledger workflow create @fox.json"
        )
        @OptionGroup var options: DocumentOptions
        @Option(help: "Names the request, so that one workflow comes of it however often it is given.")
        var idempotencyKey: String?

        func run() async throws {
            let key = idempotencyKey ?? UUID().uuidString.lowercased()
            try await options.save(.POST, "/api/workflows", headers: ["idempotency-key": key])
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Save a workflow's next version, in the place of the whole document.",
            discussion: ServiceOptions.customer + "\n\nExample: runledger workflow update fox @fox.json"
        )
        @Argument(help: "The workflow's slug.", transform: Parse.model)
        var slug: String
        @OptionGroup var options: DocumentOptions

        func run() async throws { try await options.save(.PUT, "/api/workflows/\(slug)") }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a workflow of the key's account; runs under way go on.",
            discussion: ServiceOptions.customer + "\n\nExample: runledger workflow delete fox"
        )
        @Argument(help: "The workflow's slug.", transform: Parse.model)
        var slug: String
        @OptionGroup var service: ServiceOptions

        func run() async throws {
            try await service.ask(
                .DELETE,
                "/api/workflows/\(slug)",
                done: ["slug": .string(slug), "deleted": true],
                AnswerSheet(facts: [("workflow", "slug"), ("deleted", "deleted")])
            )
        }
    }

    struct Schema: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a workflow takes, and what a run costs at most where that is known.",
            discussion: ServiceOptions.customer + "\n\nExample: runledger workflow schema fox --json"
        )
        @Argument(help: "The workflow's slug.", transform: Parse.model)
        var slug: String
        @OptionGroup var service: ServiceOptions

        func run() async throws {
            let sheet = AnswerSheet(
                facts: [("name", "name"), ("about", "description"), ("credits at most", "estimatedCreditCost")],
                list: "fields",
                columns: [
                    .init("field", "name", width: 24), .init("type", "type", width: 12),
                    .init("required", "required", width: 8), .init("default", "default", width: 30),
                ],
                none: "It takes no inputs."
            )
            try await service.ask(.GET, "/api/workflows/\(slug)/schema", sheet)
        }
    }
}
