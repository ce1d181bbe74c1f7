import App
import ArgumentParser
import Demo
import Foundation
import Operations

/// The program.
@main
struct Runledger: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runledger",
        abstract: "A run API for AI models, and the ledger that can prove every number of it.",
        discussion: """
            See it work:       runledger demo
            Try it yourself:   runledger up

            A ledger from nothing, step by step:
              runledger init
              runledger account open --tier business
              runledger credits add ACCOUNT 1000
              runledger key issue ACCOUNT --capability model:run
              runledger simulator --port 9090
              runledger serve --simulator http://127.0.0.1:9090
              runledger replay --account ACCOUNT
              runledger verify

            RUNLEDGER_DATABASE_URL chooses the database. Without it, the one of a \
            private PostgreSQL in .runledger/ is used; RUNLEDGER_FOLDER names another \
            folder.

            Exit codes: 0 done, 1 the answer is no (refused, damaged, pending), 64 the \
            command makes no sense, 69 what it needs is not there now.
            """,
        version: AppConfiguration.version,
        groupedSubcommands: [
            CommandGroup(name: "Try it", subcommands: [DemoCommand.self, UpCommand.self]),
            CommandGroup(
                name: "Set it up",
                subcommands: [
                    DatabaseCommand.self, InitCommand.self, MigrateCommand.self, CompletionCommand.self,
                ]
            ),
            CommandGroup(name: "Serve", subcommands: [ServeCommand.self, SimulatorCommand.self]),
            CommandGroup(
                name: "Accounts",
                subcommands: [
                    AccountCommand.self, CreditsCommand.self, PlanCommand.self, GrantCommand.self, KeyCommand.self,
                    UsageCommand.self, AlertCommand.self, TopUpCommand.self, WebhookCommand.self,
                ]
            ),
            CommandGroup(
                name: "Run",
                subcommands: [ModelCommand.self, WorkflowCommand.self, ExecutionCommand.self, WhoAmICommand.self]
            ),
            CommandGroup(
                name: "Operate",
                subcommands: [
                    OperatorCommand.self, PaymentCommand.self, PeriodCommand.self, ReconcileCommand.self,
                    DataKeyCommand.self,
                ]
            ),
            CommandGroup(
                name: "Audit",
                subcommands: [
                    VerifyCommand.self, ReplayCommand.self, BalanceCommand.self, WhyCommand.self, RerateCommand.self,
                    RebuildCommand.self, ExportCommand.self, AuditCommand.self, WitnessCommand.self,
                ]
            ),
            CommandGroup(name: "Measure:", subcommands: [BenchCommand.self]),
        ]
    )

    /// Parses, runs, and turns whatever is thrown into a message and an exit code.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asyncCommand = command as? any AsyncParsableCommand {
                try await asyncCommand.run()
            } else {
                try command.run()
            }
        } catch let error as OperationError {
            report(error)
            Foundation.exit(error.kind.rawValue)
        } catch is Interrupted {
            // 128 and the number of SIGINT, as a shell would say.
            Foundation.exit(130)
        } catch {
            exit(withError: error)
        }
    }

    private static func report(_ error: OperationError) {
        let terminal = Terminal.error
        terminal.clearPassing()
        terminal.line(terminal.styled("error:", .red, .bold) + " \(error.message)")
        if !error.advice.isEmpty { terminal.line("       \(error.advice)") }
        for line in error.excerpt.split(separator: "\n") {
            terminal.line("       " + terminal.styled("| \(line)", .dim))
        }
    }
}
