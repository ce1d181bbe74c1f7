import ArgumentParser
import Ledger
import Operations
import Registry
import Runs

/// Workflows of accounts.
struct WorkflowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workflow",
        abstract: "Save, delete and run workflows of a key's account; list an account's, with the nodes of their runs.",
        subcommands: [
            Create.self, Update.self, Delete.self, Schema.self, Run.self, List.self, Show.self, Nodes.self,
        ]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List workflows, the latest saved first.")
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let workflows = try await withDesk { try await $0.workflows(of: account) }
            output.show(
                ["account": .string(account.description), "workflows": .array(workflows.map(\.json))]
            ) { terminal in
                let table = TextTable(
                    [.init("slug", width: 40), .init("version", width: 7, isRight: true), .init("saved", width: 23)],
                    terminal: terminal
                )
                terminal.line(table.heading)
                for stored in workflows {
                    terminal.line(
                        table.row([
                            .init(stored.workflow.slug), .init("\(stored.workflow.version)"),
                            .init(AccountSheet.time(stored.workflow.savedAt)),
                        ])
                    )
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a workflow's latest document.")
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Argument(help: "The workflow's slug.", transform: Parse.model)
        var slug: String
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let stored = try await withDesk { try await $0.workflow(slug, of: account) }
            output.show(stored.json) { $0.line(stored.text) }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a workflow of the key's account, and print its result.",
            discussion: RunOptions.discussion + """


                Examples:
                  runledger workflow run fox-painter --inputs '{"prompt":"a fox"}'
                  runledger workflow run fox-painter --inputs @inputs.json --wait --json
                """
        )
        @Argument(help: "The workflow's slug.", transform: Parse.model)
        var slug: String
        @OptionGroup var options: RunOptions

        func run() async throws { try await options.run("workflows", slug) }
    }

    struct Nodes: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the model nodes of a workflow's run, with what each has cost."
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Argument(help: "The run's id, as `usage` shows it.", transform: Parse.execution)
        var execution: ExecutionID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let nodes = try await withDesk { try await $0.nodes(of: execution, account: account) }
            output.show(
                ["execution": .string(execution.description), "nodes": .array(nodes.map(\.summary))]
            ) { terminal in
                let table = TextTable(
                    [
                        .init("node", width: 24), .init("model", width: 24), .init("status", width: 10),
                        .init("credits", width: 12, isRight: true), .init("error", width: 20),
                    ],
                    terminal: terminal
                )
                terminal.line(table.heading)
                for node in nodes {
                    terminal.line(
                        table.row([
                            .init(node.node.place.node), .init(node.node.model),
                            .init(UsageStatus(node.execution.status).rawValue), .init("\(node.execution.charged)"),
                            .init(node.execution.errorCode ?? ""),
                        ])
                    )
                }
            }
        }
    }
}
