public import Ledger
import LedgerStore

/// What an attempt to top an account up asks of a payment provider.
public struct TopUpCharge: Hashable, Sendable {
    /// The attempt; the provider's idempotency key, and `metadata.attempt`.
    public let attempt: PotID
    /// Whose account; `metadata.account`.
    public let accountID: AccountID
    /// Credits that are bought; `metadata.credits`.
    public let amount: Credits
    /// Makes a charge.
    public init(attempt: PotID, accountID: AccountID, amount: Credits) {
        self.attempt = attempt
        self.accountID = accountID
        self.amount = amount
    }
}

/// Who takes payments.
public protocol PaymentProvider: Sendable {
    /// Charges the account's holder for an attempt. The same attempt again is the same charge, never a second one.
    ///
    /// - Throws: when what became of it is not known; it is asked again then.
    func charge(_ charge: TopUpCharge) async throws -> PaymentOutcome
}

/// What a payment provider says to a charge.
public enum PaymentOutcome: Hashable, Sendable {
    /// It is paid; the provider's id of the payment.
    case paid(reference: String)
    /// It is refused, under a code.
    case failed(code: String)
    /// It is not known yet; an event of the provider will tell.
    case pending
}

/// Starts attempts to top accounts up where they are due, and asks the payment provider until each has ended.
public struct TopUpWorker: Sendable {
    /// Seconds after which an attempt without an end is asked for again: whoever started it may have died.
    public static let patienceSeconds: Int64 = 60
    /// Seconds after which an attempt without an end is given up. A payment that comes in later still buys its credits.
    public static let longestSeconds: Int64 = 86_400

    private let desk: AdminDesk
    private let provider: any PaymentProvider
    private let actor: Actor

    /// Makes a worker.
    public init(_ desk: AdminDesk, provider: any PaymentProvider) {
        guard let actor = Actor("payments:top-up") else { preconditionFailure("the name of the actor is none") }
        self.desk = desk
        self.provider = provider
        self.actor = actor
    }

    /// Looks once at every account.
    ///
    /// - Returns: the attempts that were started.
    @discardableResult
    public func look() async throws(AdminFailure) -> Int {
        let now = desk.clock()
        let open = try await desk.asking { () async throws(LedgerStoreError) in
            try await desk.store.openTopUps(startedBefore: now.adding(seconds: -Self.patienceSeconds))
        }
        for (account, topUp) in open {
            guard let attempt = topUp.attempt else { continue }
            let charge = TopUpCharge(attempt: attempt.id, accountID: account, amount: attempt.amount)
            if try await !ask(charge), attempt.startedAt.adding(seconds: Self.longestSeconds) <= now {
                try await end(charge, .failed(code: "timed_out"))
            }
        }
        let due = try await desk.asking { () async throws(LedgerStoreError) in
            try await desk.store.accountsToTopUp(at: now)
        }
        var started = 0
        for account in due where try await start(account) { started += 1 }
        return started
    }

    /// Starts an attempt if it is due: the ledger decides, so that two processes start one.
    private func start(_ account: AccountID) async throws(AdminFailure) -> Bool {
        var generator = SystemRandomNumberGenerator()
        let command = CommandID(Identifier128(high: generator.next(), low: generator.next()))
        let call = AdminCall(actor: actor, requestID: nil, commandID: command)
        let attempt = PotID(call.identifier("attempt"))
        do throws(AdminFailure) {
            try await desk.change(account, .startTopUp(attempt), call)
        } catch {
            guard case .refused = error else { throw error }
            return false
        }
        let topUp = try await desk.asking { () async throws(LedgerStoreError) in
            try await desk.store.topUp(of: account)
        }
        guard let open = topUp?.attempt, open.id == attempt else { return true }
        _ = try await ask(TopUpCharge(attempt: attempt, accountID: account, amount: open.amount))
        return true
    }

    /// Asks the provider; says whether the attempt has ended.
    private func ask(_ charge: TopUpCharge) async throws(AdminFailure) -> Bool {
        let outcome: PaymentOutcome
        do {
            outcome = try await provider.charge(charge)
        } catch {
            return false
        }
        switch outcome {
        case .pending: return false
        case .failed(let code): try await end(charge, .failed(code: String(code.prefix(40))))
        case .paid(let reference):
            let expiresAt = desk.clock().adding(seconds: StripeEvent.topUpDays * 86_400)
            try await end(charge, .paid(amount: charge.amount, reference: reference, expiresAt: expiresAt))
        }
        return true
    }

    private func end(_ charge: TopUpCharge, _ outcome: EndTopUp.Outcome) async throws(AdminFailure) {
        let command = CommandID(AdminCall.identifier("top-up end", charge.attempt.description, "\(outcome)"))
        let call = AdminCall(actor: actor, requestID: nil, commandID: command)
        do throws(AdminFailure) {
            try await desk.change(
                charge.accountID,
                .endTopUp(EndTopUp(attempt: charge.attempt, outcome: outcome)),
                call
            )
        } catch {
            // The provider's event was faster, or the account has been closed meanwhile.
            guard case .refused = error else { throw error }
        }
    }
}
