import Administration
import App
import ArgumentParser
import Foundation
import Ledger
import LedgerStore
import Operations
import Registry

extension AccountCommand {
    /// Erasing an account.
    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Erase what is kept of the persons behind a closed account, for good.",
            discussion: """
                Destroys the key that the account's personal data is sealed under, ends its API keys, and deletes the rows; \
                a running service removes the files of its results. Events stay, and every proof with them: they hold no \
                personal data. There is no way back. What is erased, what stays: docs/erasure.md.

                Example: runledger account erase ACCOUNT --confirm ACCOUNT
                """
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Option(help: "The account's id once more.", transform: Parse.account)
        var confirm: AccountID
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard confirm == account else { throw ValidationError("--confirm must be the account's id once more.") }
        }

        func run() async throws {
            let view = try await withDesk { desk in
                try await desk.administer(account) { admin async throws(AdminFailure) in
                    try await admin.erase(account, desk.call())
                }
            }
            output.show(view.json) { view.show(on: $0) }
        }
    }

    /// How far an erasure has come.
    struct Erasure: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how far an account's erasure has come, and its certificate."
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let view = try await withDesk { desk in
                try await desk.administer(account) { admin async throws(AdminFailure) in
                    try await admin.erasure(of: account)
                }
            }
            guard let view else {
                throw OperationError(
                    .negative,
                    "No erasure of account \(account) was decided.",
                    advice: "Erase a closed account with: runledger account erase \(account) --confirm \(account)"
                )
            }
            output.show(view.json) { view.show(on: $0) }
        }
    }
}

extension ErasureView {
    fileprivate func show(on terminal: Terminal) {
        var facts = FactList(terminal: terminal)
        facts.add("account", "\(event.content.accountID)")
        let isDone = progress.finishedAt != nil
        facts.add("state", isDone ? "erased" : "erasing: a running service removes the files, if there are any")
        facts.add("decided", AccountSheet.time(progress.decidedAt) + (isRepeat ? ", before" : ""))
        facts.add("certificate", "journal \(event.journal), position \(event.position), hash \(event.hash)")
        if let key = event.content.erasure?.keyFingerprint { facts.add("destroyed key", "\(key)") }
        for (table, count) in progress.rows.sorted(by: { $0.key < $1.key }) {
            facts.add(table, Numbers.count(count, "row"))
        }
        if progress.files > 0 { facts.add("files", Numbers.grouped(progress.files)) }
        if let finished = progress.finishedAt { facts.add("finished", AccountSheet.time(finished)) }
        for line in facts.lines { terminal.line(line) }
    }
}

/// The keys that personal data is sealed under.
struct DataKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data-key",
        abstract: "Make the master key that wraps the keys of personal data, and change it.",
        subcommands: [Make.self, Rewrap.self]
    )

    struct Make: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a master key for RUNLEDGER_DATA_KEY. It is shown, and kept nowhere."
        )
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let key = MasterKeys.makeSetting()
            output.show(["key": .string(key)]) { $0.line(key) }
        }
    }

    struct Rewrap: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Wrap every key of personal data with RUNLEDGER_DATA_KEY, beside running services.",
            discussion: """
                RUNLEDGER_DATA_KEY_PREVIOUS is what wrapped them so far, if anything did. Stopped, it goes on when it is run \
                again. Every service needs both settings until it is done: docs/erasure.md.
                """
        )
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let count: Int
            do {
                count = try await LedgerSetup(LedgerDatabase()).withLedger { connection in
                    try await connection.store.rewrapDataKeys()
                }
            } catch {
                throw OperationError(error)
            }
            output.show(["rewrapped": .integer(Int64(count))]) {
                $0.line("\(Numbers.count(Int64(count), "key")) wrapped anew.")
            }
        }
    }
}
