import Ledger
import LedgerStore

/// Starts attempts to top accounts up where they are due, and asks the payment provider until each has ended.
///
/// Any number of workers may look at the same ledger: it starts one attempt, whose id is the provider's idempotency key.
public struct TopUpWorker: Sendable {
    /// Something that a worker did.
    public enum Note: Sendable {
        /// The provider has answered to a charge; or to the question what became of it, with nil for no payment.
        case answered(TopUpCharge, PaymentOutcome?, isLookUp: Bool)
        /// The provider has not said what became of a charge.
        case failed(TopUpCharge, PaymentFailure, isLookUp: Bool)
    }

    /// Seconds after an attempt's start within which it may be charged. A payment provider forgets idempotency keys, Stripe
    /// those of 24 hours ago; a charge under a forgotten one would be a second charge.
    public static let chargeSeconds: Int64 = 72_000
    /// Seconds after which an attempt is given up, if the provider has no payment for it. One that comes in later still
    /// buys its credits.
    public static let longestSeconds: Int64 = 86_400
    /// Attempts that are asked for at a time.
    private static let width = 8

    private let desk: AdminDesk
    private let provider: any PaymentProvider
    private let price: CreditPrice
    private let patienceSeconds: Int64
    private let note: @Sendable (Note) -> Void
    private let actor: Actor

    /// Makes a worker.
    ///
    /// - Parameters:
    ///   - desk: starts and ends attempts.
    ///   - provider: takes payments.
    ///   - price: what credits cost.
    ///   - patienceSeconds: after which an attempt without an end is asked about: whoever started it may have died.
    ///   - note: is told what happens.
    public init(
        _ desk: AdminDesk,
        provider: any PaymentProvider,
        price: CreditPrice,
        patienceSeconds: Int64 = 60,
        note: @escaping @Sendable (Note) -> Void = { _ in }
    ) {
        guard let actor = Actor("payments:top-up") else { preconditionFailure("the name of the actor is none") }
        self.desk = desk
        self.provider = provider
        self.price = price
        self.patienceSeconds = patienceSeconds
        self.note = note
        self.actor = actor
    }

    /// Looks once at every account. What fails for one is told of when all others have been looked at.
    ///
    /// - Parameter goesOn: asked before each attempt; false leaves the others for later.
    /// - Returns: the attempts that were started.
    @discardableResult
    public func look(while goesOn: @escaping @Sendable () -> Bool = { true }) async throws(AdminFailure) -> Int {
        let now = desk.clock()
        let open = try await desk.asking { () async throws(LedgerStoreError) in
            try await desk.store.openTopUps(startedBefore: now.adding(seconds: -patienceSeconds))
        }
        let earlier = await each(open, while: goesOn) { row async throws(AdminFailure) in
            guard let attempt = row.topUp.attempt else { return .done }
            return try await goOn(with: attempt, of: row.account)
        }
        var begun: [Outcome] = []
        // What the provider refuses us is not started for ever more accounts.
        if !earlier.contains(where: \.isRefusal) {
            let due = try await desk.asking { () async throws(LedgerStoreError) in
                try await desk.store.accountsToTopUp(at: now)
            }
            begun = await each(due, while: goesOn) { account async throws(AdminFailure) in try await start(account) }
        }
        for case .failure(let failure) in earlier + begun { throw failure }
        return begun.count { $0 != .success(.notDue) }
    }

    /// How far one attempt was brought.
    fileprivate enum Step: Sendable {
        /// Asked, whatever the answer.
        case done
        /// The ledger sees none due.
        case notDue
        /// The provider refuses us.
        case refused
    }

    private typealias Outcome = Result<Step, AdminFailure>

    /// Takes some steps, a few at a time, until one says that the provider refuses us. One that fails holds up no other.
    private func each<Item: Sendable>(
        _ items: [Item],
        while goesOn: @escaping @Sendable () -> Bool,
        _ step: @escaping @Sendable (Item) async throws(AdminFailure) -> Step
    ) async -> [Outcome] {
        await withTaskGroup(of: Outcome.self) { group in
            var (waiting, outcomes, isRefused) = (items.makeIterator(), [Outcome](), false)
            func add() -> Bool {
                guard goesOn(), let item = waiting.next() else { return false }
                group.addTask {
                    do throws(AdminFailure) {
                        return .success(try await step(item))
                    } catch {
                        return .failure(error)
                    }
                }
                return true
            }
            for _ in 0..<Self.width where !add() { break }
            while let outcome = await group.next() {
                outcomes.append(outcome)
                if outcome.isRefusal { isRefused = true }
                if !isRefused { _ = add() }
            }
            return outcomes
        }
    }

    // MARK: One attempt

    /// Starts an attempt if it is due: the ledger decides, so that two processes start one.
    private func start(_ account: AccountID) async throws(AdminFailure) -> Step {
        var generator = SystemRandomNumberGenerator()
        let command = CommandID(Identifier128(high: generator.next(), low: generator.next()))
        let call = AdminCall(actor: actor, requestID: nil, commandID: command)
        let attempt = PotID(call.identifier("attempt"))
        do throws(AdminFailure) {
            try await desk.change(account, .startTopUp(attempt), call)
        } catch {
            guard case .refused = error else { throw error }
            return .notDue
        }
        let topUp = try await desk.asking { () async throws(LedgerStoreError) in
            try await desk.store.topUp(of: account)
        }
        guard let open = topUp?.attempt, open.id == attempt, topUp?.rules != nil,
            let charge = try await charge(for: open, of: account)
        else { return .done }
        return try await pay(charge)
    }

    /// Learns what became of an attempt, and asks for it again while that can't charge twice.
    private func goOn(
        with attempt: AutoTopUp.Attempt,
        of account: AccountID
    ) async throws(AdminFailure) -> Step {
        guard let charge = try await charge(for: attempt, of: account) else { return .done }
        let outcome: PaymentOutcome?
        do throws(PaymentFailure) {
            outcome = try await provider.outcome(of: charge)
        } catch {
            note(.failed(charge, error, isLookUp: true))
            return error.kind == .refused ? .refused : .done
        }
        note(.answered(charge, outcome, isLookUp: true))
        if let outcome {
            try await take(outcome, for: charge)
            return .done
        }
        // As it is now: nobody is charged after having switched it off.
        let topUp = try await desk.asking { () async throws(LedgerStoreError) in
            try await desk.store.topUp(of: account)
        }
        guard let topUp, topUp.attempt?.id == attempt.id else { return .done }
        if topUp.rules == nil {
            try await end(account, attempt.id, .failed(code: "switched_off"))
        } else if attempt.startedAt.adding(seconds: Self.longestSeconds) <= desk.clock() {
            try await end(account, attempt.id, .failed(code: "timed_out"))
        } else {
            return try await pay(charge)
        }
        return .done
    }

    /// What an attempt asks for; nil when it can't be asked for, and has failed.
    private func charge(
        for attempt: AutoTopUp.Attempt,
        of account: AccountID
    ) async throws(AdminFailure) -> TopUpCharge? {
        let units = price.units(for: attempt.amount)
        let payment: PaymentCharge? = try await desk.asking { () async throws(LedgerStoreError) in
            if let kept = try await desk.store.paymentCharge(of: attempt.id, account: account) { return kept }
            guard let units else { return nil }
            return try await desk.store.keepPaymentCharge(
                of: attempt.id,
                account: account,
                units: units,
                currency: price.currency
            )
        }
        if let payment { return TopUpCharge(amount: attempt.amount, startedAt: attempt.startedAt, payment: payment) }
        let code = units == nil ? "amount_too_large" : "payment_method_missing"
        try await end(account, attempt.id, .failed(code: code))
        return nil
    }

    /// Asks for a payment while that can't charge twice.
    private func pay(_ charge: TopUpCharge) async throws(AdminFailure) -> Step {
        guard desk.clock() < charge.startedAt.adding(seconds: Self.chargeSeconds) else { return .done }
        let outcome: PaymentOutcome
        do throws(PaymentFailure) {
            outcome = try await provider.charge(charge)
        } catch {
            note(.failed(charge, error, isLookUp: false))
            return error.kind == .refused ? .refused : .done
        }
        note(.answered(charge, outcome, isLookUp: false))
        try await take(outcome, for: charge)
        return .done
    }

    private func take(_ outcome: PaymentOutcome, for charge: TopUpCharge) async throws(AdminFailure) {
        switch outcome {
        case .pending: break
        case .failed(let code): try await end(charge.accountID, charge.attempt, .failed(code: String(code.prefix(40))))
        case .paid(let reference):
            let expiresAt = desk.clock().adding(seconds: StripeEvent.topUpDays * 86_400)
            let paid = EndTopUp.Outcome.paid(amount: charge.amount, reference: reference, expiresAt: expiresAt)
            try await end(charge.accountID, charge.attempt, paid)
        }
    }

    private func end(
        _ account: AccountID,
        _ attempt: PotID,
        _ outcome: EndTopUp.Outcome
    ) async throws(AdminFailure) {
        let command = CommandID(AdminCall.identifier("top-up end", attempt.description, "\(outcome)"))
        let call = AdminCall(actor: actor, requestID: nil, commandID: command)
        do throws(AdminFailure) {
            try await desk.change(account, .endTopUp(EndTopUp(attempt: attempt, outcome: outcome)), call)
        } catch {
            // The provider's event was faster, or the account has been closed meanwhile.
            guard case .refused = error else { throw error }
        }
    }
}

extension Result<TopUpWorker.Step, AdminFailure> {
    /// Whether the provider refuses us.
    fileprivate var isRefusal: Bool { self == .success(.refused) }
}
