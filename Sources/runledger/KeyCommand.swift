import ArgumentParser
import Ledger
import Operations
import Registry
import Runs

/// API keys.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Issue an API key, list those of an account, or revoke one.",
        subcommands: [Issue.self, List.self, Revoke.self]
    )

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a key and print it, once: the ledger keeps only its SHA-256.",
            discussion: """
                Examples:
                  runledger key issue ACCOUNT
                  runledger key issue ACCOUNT --name worker --capability model:gpt-image-2:run
                  runledger key issue ACCOUNT --name deploy --preset workflow-deploy
                """
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Option(help: "A label, one line of 1 to 100 bytes; no personal data.", transform: Parse.keyName)
        var name = "key"
        @Option(
            help: ArgumentHelp(
                "What it may do; may be given several times (default: model:run, without a preset).",
                discussion: "Such as model:run, model:gpt-image-2:run, workflow:run, execution:read."
            ),
            transform: Parse.capability
        )
        var capability: [Capability] = []
        @Option(
            help: ArgumentHelp(
                "A set of capabilities.",
                discussion: """
                    read-only: workflow:read. workflow-deploy: workflow:run, workflow:read. webhook-receiver: \
                    webhook:receive. full-deploy: workflow:run, workflow:read, workflow:write. custom: those given.
                    """
            )
        )
        var preset: KeyPreset?
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard preset?.capabilities == nil || capability.isEmpty else {
                throw ValidationError("Give --capability with --preset custom or without a preset.")
            }
            guard preset != .custom || !capability.isEmpty else {
                throw ValidationError("--preset custom needs at least one --capability.")
            }
        }

        func run() async throws {
            var capabilities = preset?.capabilities ?? capability
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

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List an account's keys, the latest first: name, last use, capabilities.",
            discussion: "A use shows within a few seconds. Example: runledger key list ACCOUNT --json"
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let keys = try await withDesk { try await $0.keys(of: account) }
            output.show(["account": .string(account.description), "keys": .array(keys.map(JSONValue.key))]) {
                KeySheet(keys).show(on: $0)
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a key, effective at once.",
            discussion: "Example: runledger key revoke 019ab5d0-7c1e-7000-8f3a-5b1c2d3e4f50"
        )
        @Argument(
            help: "The key's id, as `key issue` and `key list` print it.",
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
