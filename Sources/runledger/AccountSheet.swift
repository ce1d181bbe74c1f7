import Ledger
import Operations
import RunAPI

/// An account on a terminal.
struct AccountSheet {
    private let state: LedgerState
    private let email: String?

    init(_ state: LedgerState, email: String? = nil) {
        self.state = state
        self.email = email
    }

    /// A moment to the second.
    static func time(_ moment: Timestamp) -> String {
        let text = moment.rfc3339
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC"
    }

    func show(on terminal: Terminal) {
        guard let account = state.account else { return }
        var facts = FactList(terminal: terminal)
        facts.add("account", "\(account.id)")
        let standing = account.isClosed ? "closed" : account.isApproved ? "approved" : "not approved"
        facts.add("plan", "\(account.tier.rawValue), \(account.role.rawValue), \(standing)")
        if let email { facts.add("email", email) }
        facts.add("opened", Self.time(account.openedAt))
        facts.add("balance", "\(account.posted) credits, \(account.held) on hold, \(account.available) available")
        facts.add("events", Numbers.grouped(account.sequence))
        for line in facts.lines { terminal.line(line) }
        showPots(on: terminal)
        showGrants(on: terminal)
    }

    private func showPots(on terminal: Terminal) {
        if state.pots.isEmpty { return }
        let table = TextTable(
            [
                .init("pots with credits", width: 36), .init("kind", width: 6), .init("left", width: 12, isRight: true),
                .init("held", width: 10, isRight: true), .init("added", width: 12, isRight: true),
                .init("expires", width: 23),
            ],
            terminal: terminal
        )
        terminal.line("\n" + table.heading)
        for pot in state.pots.values.sorted(by: Pot.drawsBefore) {
            terminal.line(
                table.row([
                    .init("\(pot.id)"), .init(pot.kind.rawValue), .init("\(pot.remaining)"), .init("\(pot.held)"),
                    .init("\(pot.added)"), .init(pot.expiresAt.map(Self.time) ?? "never"),
                ])
            )
        }
    }

    private func showGrants(on terminal: Terminal) {
        if state.grants.isEmpty { return }
        let table = TextTable(
            [
                .init("grants", width: 36), .init("model", width: 20), .init("gives", width: 22),
                .init("used", width: 6, isRight: true), .init("expires", width: 23),
            ],
            terminal: terminal
        )
        terminal.line("\n" + table.heading)
        for grant in state.grants.values.sorted(by: { $0.id < $1.id }) {
            terminal.line(
                table.row([
                    .init("\(grant.id)"), .init(grant.model), .init(Self.allowance(grant)), .init("\(grant.used)"),
                    .init(grant.isRevoked ? "revoked" : grant.expiresAt.map(Self.time) ?? "never"),
                ])
            )
        }
    }

    private static func allowance(_ grant: Grant) -> String {
        switch grant.allowance {
        case .runs(let runs): Numbers.count(runs, "run")
        case .window(let seconds):
            Numbers.count(seconds / 86_400, "day") + (grant.openedAt == nil ? ", not opened" : ", opened")
        }
    }
}
