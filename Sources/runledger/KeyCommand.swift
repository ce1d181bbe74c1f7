import ArgumentParser
import Ledger
import Operations
import Registry
import Runs

/// API keys.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Issue an API key, or revoke one.",
        subcommands: [Issue.self, Revoke.self]
    )

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a key and print it, once: the ledger keeps only its SHA-256.",
            discussion: """
                Examples:
                  runledger key issue ACCOUNT
                  runledger key issue ACCOUNT --name worker --capability model:gpt-image-2:run
                """
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Option(help: "A label, one line of 1 to 100 bytes; no personal data.", transform: Parse.keyName)
        var name = "key"
        @Option(
            help: ArgumentHelp(
                "What it may do; may be given several times (default: model:run).",
                discussion: "Such as model:run, model:gpt-image-2:run, workflow:run, execution:read."
            ),
            transform: Parse.capability
        )
        var capability: [Capability] = []
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var capabilities = capability
            if capabilities.isEmpty { capabilities = [try OperatorText.capability("model:run")] }
            let secret = try await withDesk {
                try await $0.issueKey(to: account, name: name, capabilities: capabilities)
            }
            output.show(
                [
                    ("key", secret.text), ("key id", "\(secret.keyID)"), ("name", name),
                    ("may do", capabilities.map(\.text).joined(separator: ", ")),
                ],
                next: "keep the key now, it is shown only once; it goes into the header x-api-key",
                [
                    "account": .string(account.description), "key": .string(secret.text),
                    "keyId": .string(secret.keyID.description), "name": .string(name),
                    "capabilities": .array(capabilities.map { .string($0.text) }),
                ]
            )
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a key, effective at once.",
            discussion: "Example: runledger key revoke 019ab5d0-7c1e-7000-8f3a-5b1c2d3e4f50"
        )
        @Argument(
            help: "The key's id, as `key issue` and `replay` print it.",
            transform: { try OperatorText.id($0, of: "a key") }
        )
        var keyID: KeyID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let (account, wasRevoked) = try await withDesk { try await $0.revokeKey(keyID) }
            output.show(
                [
                    ("key id", "\(keyID)"), ("account", "\(account)"),
                    ("revoked", wasRevoked ? "had been already" : "now"),
                ],
                [
                    "account": .string(account.description), "keyId": .string(keyID.description),
                    "alreadyRevoked": .bool(wasRevoked),
                ]
            )
        }
    }
}
