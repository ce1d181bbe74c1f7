import Ledger
import LedgerStore
import Operations
import Runs

/// The accounts and keys of the story.
struct Cast: Sendable {
    /// The customer whose history is told.
    let customer: AccountID
    /// May do what a customer's key can.
    let key: String
    /// The id of that key.
    let keyID: KeyID
    /// May run one model only.
    let narrowKey: String
    /// Of an account that sends too many requests.
    let hastyKey: String
    /// Of an account that waits for its approval.
    let waitingKey: String
    /// Of the customer, revoked.
    let revokedKey: String

    static let grantedModel = "nano-banana-2"
    static let narrowCapability = "model:gpt-image-2:run"

    /// Opens the accounts, showing the commands that do the same.
    static func enter(_ desk: AccountDesk, on stage: Stage) async throws(OperationError) -> Cast {
        let everyModel = [try OperatorText.capability("model:run")]
        let customer = try await desk.openAccount(tier: .business)
        let id = customer.description.prefix(8) + "…"
        stage.command("account open --tier business", result: customer.description)
        _ = try await desk.addCredits(
            Credits(whole: 200),
            to: customer,
            kind: .plan,
            expiresAt: OperatorText.moment("30d", now: SystemClock.now())
        )
        stage.command("credits add \(id) 200 --kind plan --expires 30d")
        _ = try await desk.addCredits(Credits(whole: 25), to: customer, kind: .topUp, reference: "invoice 1001")
        stage.command("credits add \(id) 25 --kind top_up --reference 'invoice 1001'")
        _ = try await desk.issueGrant(of: grantedModel, .runs(1), to: customer)
        stage.command("grant issue \(id) \(grantedModel) --runs 1")
        let capabilities = try customerCapabilities()
        let key = try await desk.issueKey(to: customer, name: "demo", capabilities: capabilities)
        stage.command("key issue \(id) --name demo \\")
        let options = capabilities.map { "--capability \($0)" }
        stage.line("      \(options.prefix(2).joined(separator: " ")) \\")
        let result = stage.terminal.styled("→ \(key.text.prefix(20))…", .dim)
        stage.line("      \(options.dropFirst(2).joined(separator: " "))  \(result)")

        // Those who only appear to be refused are not introduced.
        let narrow = try await desk.issueKey(
            to: customer,
            name: "images only",
            capabilities: [try OperatorText.capability(narrowCapability)]
        )
        let revoked = try await desk.issueKey(to: customer, name: "left in a notebook", capabilities: everyModel)
        _ = try await desk.revokeKey(revoked.keyID)
        let hasty = try await desk.openAccount(tier: .business)
        let waiting = try await desk.openAccount(tier: .business, isApproved: false)
        return Cast(
            customer: customer,
            key: key.text,
            keyID: key.keyID,
            narrowKey: narrow.text,
            hastyKey: try await desk.issueKey(to: hasty, name: "hasty", capabilities: everyModel).text,
            waitingKey: try await desk.issueKey(to: waiting, name: "waiting", capabilities: everyModel).text,
            revokedKey: revoked.text
        )
    }

    /// What a customer's key can do: run every model, ask about runs, cancel them, have webhooks.
    static func customerCapabilities() throws(OperationError) -> [Capability] {
        var capabilities: [Capability] = []
        for name in ["model:run", "execution:read", "execution:cancel", "webhook:receive"] {
            capabilities.append(try OperatorText.capability(name))
        }
        return capabilities
    }
}
