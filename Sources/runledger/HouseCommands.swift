import Administration
import ArgumentParser
import Foundation
import Ledger
import LedgerStore
import NIOHTTP1
import Operations
import Registry

/// Where the ends of a key's asynchronous runs are reported.
struct WebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook",
        abstract: "Say where the ends of a key's asynchronous runs are reported, and see what came of it.",
        subcommands: [Show.self, Set.self, Test.self, Deliveries.self, Off.self]
    )

    /// Which key, and whom to ask.
    struct Options: ParsableArguments {
        @Argument(
            help: "The key's id, as `key issue` and `key list` print it.",
            transform: { try OperatorText.id($0, of: "a key") }
        )
        var keyID: KeyID
        @OptionGroup var service: ServiceOptions

        func ask(
            _ method: HTTPMethod,
            at path: String = "",
            headers: [String: String] = [:],
            body: JSONValue? = nil,
            done: JSONValue = .null,
            _ sheet: AnswerSheet
        ) async throws {
            try await service.ask(
                method,
                "/api/api-keys/\(keyID)/webhook\(path)",
                as: .operator,
                headers: headers,
                body: body,
                done: done,
                sheet
            )
        }
    }

    fileprivate static let settings = AnswerSheet(
        facts: [("url", "url"), ("since", "since"), ("turned off", "disabledAt"), ("secret", "secret")]
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a key's webhook; never its secret.",
            discussion: ServiceOptions.house + "\n\nExample: runledger webhook show KEYID"
        )
        @OptionGroup var options: Options

        func run() async throws { try await options.ask(.GET, WebhookCommand.settings) }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a key's webhook, and print the secret that signs its reports, once.",
            discussion: ServiceOptions.house + """
                 The key needs the capability `webhook:receive`.

                Example: runledger webhook set KEYID --to https://example.com/hooks/runs
                """
        )
        @OptionGroup var options: Options
        @Option(help: "Where to: https, at a public address.")
        var to: String
        @Option(help: "A file with the secret, 16 to 256 bytes (default: one is made).")
        var secretFile: String?

        func run() async throws {
            var members: [String: JSONValue] = ["url": .string(to)]
            if let secretFile {
                guard let text = try? String(contentsOfFile: secretFile, encoding: .utf8) else {
                    throw OperationError(.usage, "--secret-file: \(secretFile) can't be read.")
                }
                members["secret"] = .string(text.trimmingCharacters(in: .whitespacesAndNewlines))
            }
            try await options.ask(.PUT, body: .object(members), WebhookCommand.settings)
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a test to a key's webhook; `webhook deliveries` shows what came back.",
            discussion: ServiceOptions.house + "\n\nExample: runledger webhook test KEYID"
        )
        @OptionGroup var options: Options

        func run() async throws {
            try await options.ask(.POST, at: "/test", AnswerSheet(facts: [("delivery", "deliveryId")]))
        }
    }

    struct Deliveries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what was reported to a key's webhook, the latest first.",
            discussion: ServiceOptions.house + "\n\nExample: runledger webhook deliveries KEYID --limit 5"
        )
        @OptionGroup var options: Options
        @Option(help: "Deliveries at most, 1 to 200.", transform: { try OperatorText.number($0, in: 1...200) })
        var limit: Int64 = 50

        func run() async throws {
            let sheet = AnswerSheet(
                list: "deliveries",
                columns: [
                    .init("delivery", "id", width: 36), .init("event", "event", width: 20),
                    .init("state", "state", width: 10),
                    .init("attempts", width: 8) { "\($0["attempts"]?.arrayValue?.count ?? 0)" },
                    .init("last answer", width: 30) {
                        let last = $0["attempts"]?.arrayValue?.last
                        return last.map { AnswerSheet.text($0["status"]) + AnswerSheet.text($0["error"]) } ?? ""
                    },
                ]
            )
            try await options.ask(.GET, at: "/deliveries?limit=\(limit)", sheet)
        }
    }

    struct Off: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a key's webhook; nothing more is reported.",
            discussion: ServiceOptions.house + "\n\nExample: runledger webhook off KEYID"
        )
        @OptionGroup var options: Options

        func run() async throws {
            let done: JSONValue = ["keyId": .string(options.keyID.description), "on": false]
            try await options.ask(.DELETE, done: done, AnswerSheet(facts: [("key id", "keyId"), ("on", "on")]))
        }
    }
}

/// How many of the latest.
struct LatestOptions: ParsableArguments {
    @Option(help: "Rows at most, 1 to 1,000.", transform: { try OperatorText.number($0, in: 1...1_000) })
    var limit: Int64 = 100
    @OptionGroup var output: OutputOptions

    /// Prints the latest rows of a list.
    func show(
        _ name: String,
        _ columns: [AnswerSheet.Column],
        _ rows: (AdminDesk) async throws(AdminFailure) -> [JSONValue]
    ) async throws {
        let rows = try await withDesk { try await $0.administer(nil, rows) }
        let json: JSONValue = [name: .array(rows)]
        output.show(json) { AnswerSheet(list: name, columns: columns).show(json, on: $0) }
    }
}

/// The payment provider's events.
struct PaymentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payment",
        abstract: "List what the payment provider has told, and what became of it.",
        subcommands: [List.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the payment provider's events, the latest first.",
            discussion: "Example: runledger payment list --limit 20 --json"
        )
        @OptionGroup var options: LatestOptions

        func run() async throws {
            let columns: [AnswerSheet.Column] = [
                .init("event", "id", width: 28), .init("type", "type", width: 30),
                .init("received", "receivedAt", width: 27), .init("outcome", "outcome", width: 8),
                .init("account", "account", width: 36), .init("detail", "detail", width: 30),
            ]
            try await options.show("payments", columns) { (admin) async throws(AdminFailure) in
                try await admin.payments(limit: Int(options.limit)).map(Self.value)
            }
        }

        private static func value(_ event: PaymentEventRecord) -> JSONValue {
            [
                "id": .string(event.id), "type": .string(event.type), "receivedAt": .moment(event.receivedAt),
                "account": event.accountID.map { .string($0.description) } ?? .null,
                "outcome": .string(event.outcome.rawValue), "detail": .string(event.detail),
            ]
        }
    }
}

extension OperatorCommand {
    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what operators have done beside changes of accounts, the latest first.",
            discussion: "Example: runledger operator log --limit 20"
        )
        @OptionGroup var options: LatestOptions

        func run() async throws {
            let columns: [AnswerSheet.Column] = [
                .init("when", "recordedAt", width: 27), .init("who", "actor", width: 20),
                .init("what", "action", width: 20), .init("of", "subject", width: 24),
                .init("detail", "detail", width: 30),
            ]
            try await options.show("entries", columns) { (admin) async throws(AdminFailure) in
                try await admin.log(limit: Int(options.limit)).map(Self.value)
            }
        }

        private static func value(_ entry: OperatorLogEntry) -> JSONValue {
            [
                "recordedAt": .moment(entry.recordedAt), "actor": .string(entry.actor),
                "action": .string(entry.action), "subject": .string(entry.subject),
                "detail": entry.detail.map { .string($0) } ?? .null,
            ]
        }
    }
}

extension ModelCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the models of a service, with versions and prices in credits.",
            discussion: ServiceOptions.customer + """
                 With --all, those that are switched off too, with an operator's token in RUNLEDGER_ADMIN_TOKEN.

                Examples:
                  runledger model list
                  runledger model list --all --json
                """
        )
        @Flag(help: "As an operator: those that are switched off, too.")
        var all = false
        @OptionGroup var service: ServiceOptions

        func run() async throws {
            var sheet = AnswerSheet(
                list: "models",
                columns: [
                    .init("model", "internalName", width: 28), .init("version", "version", width: 7),
                    .init("plan", "requiredTier", width: 10),
                    .init("credits", width: 30) { Self.price($0["price"] ?? .null) },
                ]
            )
            if all {
                sheet.columns.insert(.init("on", width: 3) { $0["enabled"] == true ? "yes" : "no" }, at: 3)
                try await service.ask(.GET, "/admin/models", as: .operator, sheet)
            } else {
                try await service.ask(.GET, "/api/models", sheet)
            }
        }

        /// A price in words.
        private static func price(_ price: JSONValue) -> String {
            func text(_ name: String) -> String { AnswerSheet.text(price[name]) }
            if price["inputCreditsPerMillion"] != nil {
                return "\(text("inputCreditsPerMillion")) in, \(text("outputCreditsPerMillion")) out, a million tokens"
            }
            let range = text("creditsFrom") == text("creditsTo") ? "" : " to \(text("creditsTo"))"
            return "\(text("creditsFrom"))\(range) by \(text("basis"))"
        }
    }
}
