import ArgumentParser
import Ledger
import LedgerStore
import Operations
import Registry

/// Accounts.
struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "Open accounts, list and show them, and change their plan, standing and address.",
        subcommands: [
            Open.self, Show.self, List.self, Approve.self, ChangeTier.self, ChangeRole.self, Close.self, Contact.self,
            Erase.self, Erasure.self,
        ]
    )

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open an account and print its id.",
            discussion: """
                Examples:
                  runledger account open --tier business
                  account=$(runledger account open --json | jq -r .account)
                """
        )
        @Option(help: "The plan. API keys start with pro; running models with business.")
        var tier = Tier.business
        @Option(help: "An admin is bound by no plan and no rate limit.")
        var role = Role.user
        @Flag(help: "Open it without approval: its keys run nothing yet.")
        var unapproved = false
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let account = try await withDesk {
                try await $0.openAccount(tier: tier, role: role, isApproved: !unapproved)
            }
            output.show(
                [
                    ("account", "\(account)"), ("tier", tier.rawValue), ("role", role.rawValue),
                    ("approved", unapproved ? "no" : "yes"),
                ],
                next: "runledger credits add \(account) 1000",
                [
                    "account": .string(account.description), "tier": .string(tier.rawValue),
                    "role": .string(role.rawValue), "approved": .bool(!unapproved),
                ]
            )
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an account's plan, balance, pots, grants and keys."
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let (state, keys, email) = try await withDesk { desk in
                (
                    try await desk.state(of: account), try await desk.keys(of: account),
                    try await desk.email(of: account)
                )
            }
            output.show(.account(state, keys: keys, email: email)) { terminal in
                AccountSheet(state, email: email).show(on: terminal)
                if !keys.isEmpty {
                    terminal.line("")
                    KeySheet(keys).show(on: terminal)
                }
            }
        }
    }

    struct Contact: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep the address of an account's owner, or forget it.",
            discussion: """
                It stands in no event and in no hash, and is sealed where it is kept.

                Examples:
                  runledger account contact ACCOUNT --email owner@example.com
                  runledger account contact ACCOUNT --forget
                """
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Option(help: "The owner's address of e-mail, at most 254 bytes.", transform: Parse.email)
        var email: String?
        @Flag(help: "Forget the address.")
        var forget = false
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (email != nil) != forget else { throw ValidationError("Give either --email or --forget.") }
        }

        func run() async throws {
            _ = try await withDesk { try await $0.setEmail(email, of: account) }
            output.show(
                [("account", "\(account)"), ("email", email ?? "none")],
                ["account": .string(account.description), "email": email.map { .string($0) } ?? .null]
            )
        }
    }
}

/// Credits.
struct CreditsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credits",
        abstract: "Add credits to an account, or correct what it has.",
        subcommands: [Add.self, Adjust.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fill a new pot of an account with credits.",
            discussion: """
                Pots are spent by earliest expiry, on a tie the plan's allowance first.

                Examples:
                  runledger credits add ACCOUNT 11329 --kind plan --expires 30d
                  runledger credits add ACCOUNT 500 --reference 'invoice 1001'
                """
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Argument(help: "Credits: above 0, at most 6 decimals.", transform: Parse.amount)
        var amount: Credits
        @Option(help: "Where they come from.")
        var kind = Pot.Kind.topUp
        @Option(
            help: "When what is left expires: 2027-01-31T12:00:00Z, 2027-01-31, 30d, 12h (default: never).",
            transform: Parse.expiry
        )
        var expires: Timestamp?
        @Option(
            help: "What they were bought with, such as an invoice's number; once an account, 1 to 200 bytes.",
            transform: Parse.reference
        )
        var reference: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let (pot, state) = try await withDesk { desk in
                let pot = try await desk.addCredits(
                    amount,
                    to: account,
                    kind: kind,
                    expiresAt: expires,
                    reference: reference
                )
                return (pot, try await desk.state(of: account))
            }
            let balance = state.account?.posted ?? .zero
            output.show(
                [
                    ("added", "\(amount) credits (\(kind.rawValue))"), ("pot", "\(pot)"),
                    ("expires", expires.map(AccountSheet.time) ?? "never"), ("balance", "\(balance)"),
                ],
                [
                    "account": .string(account.description), "pot": .string(pot.description),
                    "amount": .credits(amount), "kind": .string(kind.rawValue), "expiresAt": .moment(expires),
                    "balance": .credits(balance),
                ]
            )
        }
    }
}

/// Grants.
struct GrantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant",
        abstract: "Give an account free runs of a model, or take them back.",
        subcommands: [Issue.self, Revoke.self]
    )

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a number of free runs, or a span of days that the first run opens.",
            discussion: """
                While the grant has headroom a run of the model costs 0. Once it is spent the model is blocked for the \
                account until it is on a higher plan: more credits do not help.

                Examples:
                  runledger grant issue ACCOUNT nano-banana-2 --runs 3
                  runledger grant issue ACCOUNT gpt-image-2 --days 7 --expires 90d
                """
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Argument(help: "The model's internal name.", transform: Parse.model)
        var model: String
        @Option(help: "Free runs, 1 to 1,000,000,000.", transform: Parse.runs)
        var runs: Int64?
        @Option(help: "Days of free runs from the first run on, 1 to 3,650.", transform: Parse.days)
        var days: Int64?
        @Option(
            help: "When it is spent whatever is left: a time, a date or a span (default: never).",
            transform: Parse.expiry
        )
        var expires: Timestamp?
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (runs == nil) != (days == nil) else {
                throw ValidationError("Give either --runs or --days.")
            }
        }

        func run() async throws {
            let allowance: Grant.Allowance
            if let runs { allowance = .runs(runs) } else { allowance = .window(seconds: (days ?? 0) * 86_400) }
            let grant = try await withDesk {
                try await $0.issueGrant(of: model, allowance, to: account, expiresAt: expires)
            }
            output.show(
                [
                    ("grant", "\(grant)"), ("model", model),
                    ("gives", runs.map { Numbers.count($0, "run") } ?? Numbers.count(days ?? 0, "day")),
                    ("expires", expires.map(AccountSheet.time) ?? "never"),
                ],
                [
                    "account": .string(account.description), "grant": .string(grant.description),
                    "model": .string(model), "runs": runs.map { .integer($0) } ?? .null,
                    "days": days.map { .integer($0) } ?? .null, "expiresAt": .moment(expires),
                ]
            )
        }
    }
}
