import Administration
import ArgumentParser
import Ledger
import LedgerStore
import Operations
import Registry

/// Operators of the HTTP interface.
struct OperatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operator",
        abstract: "Add, list and remove operators of the HTTP interface under /admin, and show what they have done.",
        subcommands: [Add.self, List.self, Remove.self, Log.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add an operator and print the token, once: the ledger keeps only its SHA-256.",
            discussion: "Example: runledger operator add ann --role finance"
        )
        @Argument(help: "A name: 1 to 64 lower-case letters, digits, `.`, `_` and `-`.")
        var name: String
        @Option(help: "admin may do everything, finance may look, support may also approve accounts and give grants.")
        var role: OperatorRole
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let token = OperatorToken()
            try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in
                    _ = try await admin.addOperator(name, role: role, token: token, by: AccountDesk.actor)
                }
            }
            output.show(
                [("operator", name), ("role", role.rawValue), ("token", token.text)],
                next: "keep the token now, it is shown only once; it goes into the header Authorization: Bearer",
                [
                    "name": .string(name), "role": .string(role.rawValue), "token": .string(token.text),
                ]
            )
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List operators by name.")
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let operators = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in try await admin.operators() }
            }
            let values = operators.map { record -> JSONValue in
                [
                    "name": .string(record.name), "role": .string(record.role.rawValue),
                    "createdAt": .moment(record.createdAt),
                ]
            }
            output.show(["operators": .array(values)]) { terminal in
                if operators.isEmpty {
                    terminal.line("There are none. Add one with: runledger operator add NAME --role admin")
                }
                for record in operators {
                    terminal.line(
                        "\(record.name)  \(record.role.rawValue)  since \(AccountSheet.time(record.createdAt))"
                    )
                }
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take an operator's token away, effective at once.")
        @Argument(help: "The operator's name.")
        var name: String
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in
                    try await admin.removeOperator(name, by: AccountDesk.actor)
                }
            }
            output.show([("operator", name), ("removed", "now")], ["name": .string(name), "removed": true])
        }
    }
}

/// Alerts.
struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert",
        abstract: "Watch balances: list alerts, set an account's threshold, or take it away.",
        subcommands: [List.self, Set.self, Off.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the alerts that stand.")
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let alerts = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in try await admin.alerts() }
            }
            let values = alerts.map { alert -> JSONValue in
                [
                    "kind": .string(alert.kind.rawValue), "account": .string(alert.accountID.description),
                    "raisedAt": .moment(alert.raisedAt), "balance": alert.balance.map { .credits($0) } ?? .null,
                    "threshold": alert.threshold.map { .credits($0) } ?? .null,
                    "failures": alert.failures.map { .integer($0) } ?? .null,
                ]
            }
            output.show(["alerts": .array(values)]) { terminal in
                if alerts.isEmpty { terminal.line("No alert stands.") }
                for alert in alerts {
                    let words =
                        switch alert.kind {
                        case .lowBalance:
                            "balance \(alert.balance ?? .zero) is below \(alert.threshold ?? .zero)"
                        case .topUpStopped:
                            "topping up has stopped after \(Numbers.count(alert.failures ?? 0, "failure"))"
                        }
                    terminal.line("\(alert.accountID)  \(words)")
                }
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Raise an alert when an account's balance falls below a threshold.",
            discussion: "Example: runledger alert set ACCOUNT 100"
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Argument(help: "Credits: above 0, at most 6 decimals.", transform: Parse.amount)
        var threshold: Credits
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let state = try await withDesk { try await $0.change(account, .setAlertThreshold(threshold)) }
            output.show(
                [
                    ("account", "\(account)"), ("threshold", "\(threshold)"),
                    ("alert", state.account?.alertRaisedAt == nil ? "none" : "raised"),
                ],
                [
                    "account": .string(account.description), "threshold": .credits(threshold),
                    "raisedAt": .moment(state.account?.alertRaisedAt),
                ]
            )
        }
    }

    struct Off: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Watch an account's balance no more.")
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            _ = try await withDesk { try await $0.change(account, .setAlertThreshold(nil)) }
            output.show(
                [("account", "\(account)"), ("threshold", "none")],
                ["account": .string(account.description), "threshold": .null]
            )
        }
    }
}

/// Topping up.
struct TopUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top-up",
        abstract: "Say when an account is topped up by itself.",
        subcommands: [Set.self, Off.self]
    )

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Buy credits whenever the balance falls below a threshold.",
            discussion: """
                Setting the rules anew also closes a breaker that failures have opened. Nothing is bought until the payment
                provider's customer and payment method are set too; without them, those that are set stay.

                Example: runledger top-up set ACCOUNT --below 100 --amount 1000 --customer cus_1 --payment-method pm_1
                """
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Option(help: "Credits below which an attempt is due.", transform: Parse.amount)
        var below: Credits
        @Option(help: "Credits that an attempt buys.", transform: Parse.amount)
        var amount: Credits
        @Option(help: "Attempts a UTC day, 1 to 24.", transform: { try OperatorText.number($0, in: 1...24) })
        var attemptsPerDay: Int64 = 3
        @Option(
            help: "Failures in a row that open the breaker, 1 to 10.",
            transform: { try OperatorText.number($0, in: 1...10) }
        )
        var failures: Int64 = 3
        @Option(help: "The payment provider's id of its customer.", transform: OperatorText.reference)
        var customer: String?
        @Option(help: "The payment provider's id of how that customer pays.", transform: OperatorText.reference)
        var paymentMethod: String?
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (customer == nil) == (paymentMethod == nil) else {
                throw ValidationError("--customer and --payment-method are needed together, or neither.")
            }
        }

        func run() async throws {
            let rules = AutoTopUp.Rules(
                threshold: below,
                amount: amount,
                attemptsPerDay: attemptsPerDay,
                failuresToOpen: failures
            )
            let given = customer.flatMap { customer in
                paymentMethod.flatMap { PaymentMethod(customer: customer, method: $0) }
            }
            let charged = try await withDesk { desk in
                try await desk.administer(account) { (admin) async throws(AdminFailure) in
                    try await admin.setTopUp(rules, charging: given, of: account, desk.call())
                    return try await admin.account(account).paymentMethod
                }
            }
            output.show(
                [
                    ("account", "\(account)"), ("below", "\(below)"), ("amount", "\(amount)"),
                    ("customer", charged?.customer ?? "none: nothing is bought"),
                    ("payment method", charged?.method ?? "none"),
                ],
                [
                    "account": .string(account.description), "threshold": .credits(below),
                    "amount": .credits(amount), "attemptsPerDay": .integer(attemptsPerDay),
                    "failuresToOpen": .integer(failures),
                    "customer": charged.map { .string($0.customer) } ?? .null,
                    "paymentMethod": charged.map { .string($0.method) } ?? .null,
                ]
            )
        }
    }

    struct Off: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Top an account up no more, and forget whom that charged."
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await withDesk { desk in
                try await desk.administer(account) { (admin) async throws(AdminFailure) in
                    try await admin.setTopUp(nil, charging: nil, of: account, desk.call())
                }
            }
            output.show(
                [("account", "\(account)"), ("top-up", "off")],
                ["account": .string(account.description), "on": false]
            )
        }
    }
}

/// Models that operators have switched.
struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "List models and run them; switch one off while services run, or on again.",
        subcommands: [Run.self, List.self, Switches.self, Disable.self, Enable.self]
    )

    struct Switches: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the models that were ever switched.")
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let switches = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in try await admin.switches() }
            }
            let values = switches.map { model -> JSONValue in
                [
                    "model": .string(model.model), "enabled": .bool(model.isEnabled),
                    "changedAt": .moment(model.changedAt), "changedBy": .string(model.changedBy),
                ]
            }
            output.show(["switches": .array(values)]) { terminal in
                if switches.isEmpty { terminal.line("No model was ever switched.") }
                for model in switches {
                    let state = model.isEnabled ? "on" : "off"
                    terminal.line(
                        "\(model.model)  \(state) since \(AccountSheet.time(model.changedAt)) by \(model.changedBy)"
                    )
                }
            }
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Switch a model off; runs under way go on. Services follow within seconds."
        )
        @Argument(help: "The model's internal name.", transform: Parse.model)
        var model: String
        @OptionGroup var output: OutputOptions

        func run() async throws { try await ModelCommand.set(model, isEnabled: false, output) }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Switch a model on again, if its definition says so. Services follow within seconds."
        )
        @Argument(help: "The model's internal name.", transform: Parse.model)
        var model: String
        @OptionGroup var output: OutputOptions

        func run() async throws { try await ModelCommand.set(model, isEnabled: true, output) }
    }

    private static func set(_ model: String, isEnabled: Bool, _ output: OutputOptions) async throws {
        let isChanged = try await withDesk { desk in
            try await desk.administer { admin async throws(AdminFailure) in
                try await admin.setSwitch(model, isEnabled: isEnabled, by: AccountDesk.actor)
            }
        }
        output.show(
            [("model", model), (isEnabled ? "on" : "off", isChanged ? "now" : "had been already")],
            ["model": .string(model), "enabled": .bool(isEnabled), "changed": .bool(isChanged)]
        )
    }
}
