public import Ledger
public import LedgerStore

/// Takes the payment provider's events, each once.
public struct PaymentDesk: Sendable {
    /// What became of an event.
    public enum Answer: Hashable, Sendable {
        /// It is kept, with what came of it; `isRepeat` when it had been taken before.
        case taken(PaymentEventRecord, isRepeat: Bool)
        /// It is about a payment that nobody has told of yet. It is not kept, so that it may come again.
        case tooEarly
    }

    private static let actor = Actor("payments:stripe")

    private let desk: AdminDesk

    /// Makes a desk that does what payments ask for at another.
    public init(_ desk: AdminDesk) { self.desk = desk }

    /// Takes one event whose signature was checked.
    public func take(_ event: StripeEvent, requestID: RequestID?) async throws(AdminFailure) -> Answer {
        let before = try await desk.asking { () async throws(LedgerStoreError) in
            try await desk.store.paymentEvent(event.id)
        }
        if let before { return .taken(before, isRepeat: true) }
        guard let actor = Self.actor else { preconditionFailure("the name of the actor is none") }
        // The command's id comes of the event's, so that a crash before the event is kept does no harm.
        let call = AdminCall(
            actor: actor,
            requestID: requestID,
            commandID: CommandID(AdminCall.identifier("stripe", event.id))
        )
        guard let result = try await carryOut(event.wish, call) else { return .tooEarly }
        let record = PaymentEventRecord(
            id: event.id,
            type: event.type,
            receivedAt: desk.clock(),
            accountID: result.account,
            outcome: result.outcome,
            detail: result.detail
        )
        try await desk.asking { () async throws(LedgerStoreError) in try await desk.store.keepPaymentEvent(record) }
        return .taken(record, isRepeat: false)
    }

    private struct Result {
        var account: AccountID?
        var outcome = PaymentEventRecord.Outcome.applied
        var detail: String
    }

    /// Nil when the payment it is about is not known yet.
    private func carryOut(_ wish: StripeEvent.Wish, _ call: AdminCall) async throws(AdminFailure) -> Result? {
        switch wish {
        case .nothing(let reason): return Result(outcome: .ignored, detail: reason)
        case .unclear(let reason): return Result(outcome: .refused, detail: reason)
        case .topUp(let account, let amount, let reference, let expiresAt):
            let addition = AddCredits(
                potID: PotID(call.identifier("pot")),
                kind: .topUp,
                amount: amount,
                expiresAt: expiresAt,
                externalReference: reference
            )
            return try await give(.addCredits(addition), to: account, call)
        case .renewal(let account, let period, let allowance, let reference, let expiresAt):
            let renewal = RenewPlan(
                potID: PotID(call.identifier("pot")),
                period: period,
                allowance: allowance,
                expiresAt: expiresAt,
                externalReference: reference
            )
            return try await give(.renewPlan(renewal), to: account, call)
        case .topUpEnd(let account, let end): return try await give(.endTopUp(end), to: account, call)
        case .refund(let account, let references, let refunded, let paid):
            return try await takeBack(account, references, refunded, paid, call)
        }
    }

    private func give(
        _ action: Command.Action,
        to account: AccountID,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Result {
        do throws(AdminFailure) {
            switch try await desk.carryOut(action, for: account, call) {
            case .alreadyAdded(let pot): return Result(account: account, detail: "added before: pot \(pot)")
            case .takenBack(let taken, let short):
                return Result(account: account, detail: "took back \(taken) credits, \(short) were spent")
            default: return Result(account: account, detail: "done")
            }
        } catch .refused(let refusal) {
            return Result(account: account, outcome: .refused, detail: refusal.code)
        }
    }

    private func takeBack(
        _ account: AccountID?,
        _ references: [String],
        _ refunded: Int64,
        _ paid: Int64,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Result? {
        for reference in references {
            let owner = try await desk.asking { () async throws(LedgerStoreError) in
                try await desk.store.account(withReference: reference)
            }
            guard let owner else { continue }
            guard account == nil || account == owner else {
                return Result(account: owner, outcome: .refused, detail: "metadata.account is not whose payment it was")
            }
            let refund = RefundPayment(reference: reference, refundedUnits: refunded, paidUnits: paid)
            return try await give(.refundPayment(refund), to: owner, call)
        }
        return account == nil ? Result(outcome: .ignored, detail: "no credits were bought with it") : nil
    }
}
