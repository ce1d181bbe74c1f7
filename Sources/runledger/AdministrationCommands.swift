import Administration
public import ArgumentParser
import Ledger
public import LedgerStore
import Operations
import Registry

extension OperatorRole: ExpressibleByArgument {}

/// What changes an account and answers with it.
extension AccountCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List accounts by id, a page at a time.")
        @Option(help: "Accounts after this id (default: from the first).", transform: Parse.account)
        var after: AccountID?
        @Option(help: "Accounts at most, 1 to 1,000.", transform: { try OperatorText.number($0, in: 1...1_000) })
        var limit: Int64 = 100
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let accounts = try await withDesk { desk in
                try await desk.administer { admin async throws(AdminFailure) in
                    try await admin.accounts(after: after, limit: Int(limit))
                }
            }
            let values = accounts.map { account -> JSONValue in
                [
                    "account": .string(account.id.description), "tier": .string(account.tier.rawValue),
                    "role": .string(account.role.rawValue), "approved": .bool(account.isApproved),
                    "closed": .bool(account.isClosed), "balance": .credits(account.posted),
                ]
            }
            output.show(["accounts": .array(values)]) { terminal in
                for account in accounts {
                    let standing = account.isClosed ? ", closed" : account.isApproved ? "" : ", not approved"
                    terminal.line("\(account.id)  \(account.tier.rawValue)  \(account.posted) credits\(standing)")
                }
            }
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Approve an account, or take the approval away.")
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Flag(help: "Take the approval away: its keys run nothing until it is approved again.")
        var revoke = false
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let state = try await withDesk { try await $0.change(account, .setApproval(!revoke)) }
            output.show(.account(state)) { AccountSheet(state).show(on: $0) }
        }
    }

    struct ChangeTier: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tier",
            abstract: "Put an account on another plan.",
            discussion: "Example: runledger account tier ACCOUNT business"
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Argument(help: "The plan.")
        var tier: Tier
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let state = try await withDesk { try await $0.change(account, .changeTier(tier)) }
            output.show(.account(state)) { AccountSheet(state).show(on: $0) }
        }
    }

    struct ChangeRole: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "role",
            abstract: "Make an account a platform admin, or a user again."
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Argument(help: "An admin is bound by no plan and no rate limit.")
        var role: Role
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let state = try await withDesk { try await $0.change(account, .changeRole(role)) }
            output.show(.account(state)) { AccountSheet(state).show(on: $0) }
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close an account, for good; refused while runs are under way."
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let state = try await withDesk { try await $0.change(account, .closeAccount) }
            output.show(.account(state)) { AccountSheet(state).show(on: $0) }
        }
    }
}

extension CreditsCommand {
    struct Adjust: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Correct what a pot holds, with a reason and the event it corrects.",
            discussion: """
                Nothing is ever edited: the correction is an event of its own. It can't take what runs have on hold.

                Example: runledger credits adjust ACCOUNT POT --reason 'double invoice' --corrects 12 -- -25
                """
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Argument(
            help: "The pot's id, as `account show` prints it.",
            transform: { try OperatorText.id($0, of: "a pot") }
        )
        var pot: PotID
        @Argument(help: "Credits to add, or to take when below 0.", transform: Parse.signedAmount)
        var amount: Credits
        @Option(help: "Why; one line of 1 to 500 bytes.", transform: { try OperatorText.label($0, longest: 500) })
        var reason: String
        @Option(
            help: "The sequence of the event that it corrects, as `replay` prints it.",
            transform: { try OperatorText.number($0, in: 1...CanonicalJSON.largestInteger) }
        )
        var corrects: Int64
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let adjustment = AdjustCredits(potID: pot, amount: amount, reason: reason, correctsSequence: corrects)
            let (made, state) = try await withDesk { desk in
                let made = try await desk.administer(account) { admin async throws(AdminFailure) in
                    try await admin.adjust(adjustment, of: account, desk.call())
                }
                return (made.value, try await desk.state(of: account))
            }
            PotAnswer(account: account, pot: made, state: state).show(output, [("corrected by", "\(amount)")])
        }
    }
}

/// The plan's allowance.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Renew the allowance of an account's plan.",
        subcommands: [Renew.self]
    )

    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a period's allowance in the place of what is left of the one before; top-ups stay.",
            discussion: """
                Once for each period: given again, it changes nothing.

                Example: runledger plan renew ACCOUNT --period 2026-11-01 --expires 35d
                """
        )
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Option(help: "Which period; 1 to 64 bytes.", transform: { try OperatorText.label($0, longest: 64) })
        var period: String
        @Option(help: "Credits (default: what the plan gives).", transform: Parse.amount)
        var allowance: Credits?
        @Option(help: "When what is left expires if no renewal comes before.", transform: Parse.expiry)
        var expires: Timestamp?
        @Option(help: "What it was paid with; 1 to 200 bytes.", transform: Parse.reference)
        var reference: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let (made, state) = try await withDesk { desk in
                let made = try await desk.administer(account) { admin async throws(AdminFailure) in
                    try await admin.renewPlan(
                        of: account,
                        period: period,
                        allowance: allowance,
                        expiresAt: expires,
                        reference: reference,
                        desk.call()
                    )
                }
                return (made, try await desk.state(of: account))
            }
            let renewed = made.isRepeat ? "had been already" : "now"
            PotAnswer(account: account, pot: made.value, state: state, isRepeat: made.isRepeat)
                .show(output, [("renewed", renewed)])
        }
    }
}

/// A pot and the balance, as commands that fill or correct one answer.
private struct PotAnswer {
    let account: AccountID
    let pot: Pot
    let state: LedgerState
    var isRepeat = false

    func show(_ output: OutputOptions, _ facts: [(name: String, value: String)]) {
        let balance = state.account?.posted ?? .zero
        output.show(
            facts + [
                ("pot", "\(pot.id)"), ("left in it", "\(pot.remaining)"),
                ("expires", pot.expiresAt.map(AccountSheet.time) ?? "never"), ("balance", "\(balance)"),
            ],
            [
                "account": .string(account.description), "pot": .string(pot.id.description),
                "remaining": .credits(pot.remaining), "added": .credits(pot.added),
                "expiresAt": .moment(pot.expiresAt), "balance": .credits(balance), "repeated": .bool(isRepeat),
            ]
        )
    }
}

extension GrantCommand {
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a grant back.")
        @Argument(help: "The account's id.", transform: Parse.account)
        var account: AccountID
        @Argument(
            help: "The grant's id, as `account show` prints it.",
            transform: { try OperatorText.id($0, of: "a grant") }
        )
        var grant: GrantID
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let state = try await withDesk { try await $0.change(account, .revokeGrant(grant)) }
            output.show(.account(state)) { AccountSheet(state).show(on: $0) }
        }
    }
}
