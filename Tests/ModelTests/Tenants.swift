import Ledger
import LedgerStore
import TestSupport

/// An account of the run, in both worlds, with the names of all that was made for it.
struct ModelTenant {
    let account: AccountID
    let journal: JournalID
    let key: KeyID
    var naive: NaiveAccount
    /// The sequence of its last event that was compared.
    var sequence: Int64 = 0
    // In the order in which they were made, so that a seed gives the same run again.
    var runs: [String] = []
    var pots: [String] = []
    var grants: [String] = []
    var doneWishes: [Wish] = []

    var openRuns: [String] { runs.filter { naive.runs[$0]?.isOpen ?? false } }
}

/// Turns wishes into the ledger's commands.
enum Translation {
    private static let tiers: [Tier] = [.free, .creator, .pro, .business, .enterprise]

    static func command(_ wish: Wish, of tenant: ModelTenant, requestID: RequestID) -> Command {
        Command(
            id: identifier(wish.id),
            accountID: tenant.account,
            requestID: requestID,
            action: action(wish.kind, tenant)
        )
    }

    private static func identifier<ID: LedgerIdentifier>(_ text: String) -> ID { ID(text: text)! }

    private static func time(_ microseconds: Int64?) -> Timestamp? {
        microseconds.map { Timestamp(microseconds: $0) }
    }

    private static func action(_ kind: Wish.Kind, _ tenant: ModelTenant) -> Command.Action {
        switch kind {
        case .run: .admitRun(run(kind, tenant))
        case .submitted(let id):
            .recordSubmission(RecordSubmission(executionID: identifier(id), providerRequestID: "job"))
        case .succeed(let id, let cost):
            settle(
                id,
                .succeeded(
                    cost: Credits(microcredits: cost),
                    providerCost: MicroUSD(microdollars: 5),
                    resultDigest: nil,
                    durationMilliseconds: 3
                )
            )
        case .fail(let id): settle(id, .failed(code: "PROVIDER_ERROR", durationMilliseconds: 3))
        case .unresolved(let id): settle(id, .unresolved(reason: "connection lost"))
        case .expire(let id): .expireHold(identifier(id))
        case .add(let pot, let amount, let isPlan, let expires):
            .addCredits(
                AddCredits(
                    potID: identifier(pot),
                    kind: isPlan ? .plan : .topUp,
                    amount: Credits(microcredits: amount),
                    expiresAt: time(expires),
                    externalReference: nil
                )
            )
        case .adjust(let pot, let amount):
            .adjustCredits(
                AdjustCredits(
                    potID: identifier(pot),
                    amount: Credits(microcredits: amount),
                    reason: "correction",
                    correctsSequence: nil
                )
            )
        case .giveRuns(let grant, let model, let runs, let expires):
            give(grant, model, .runs(runs), expires)
        case .giveTime(let grant, let model, let seconds, let expires):
            give(grant, model, .window(seconds: seconds), expires)
        case .takeBack(let grant): .revokeGrant(identifier(grant))
        case .tier(let rank): .changeTier(tiers[rank])
        case .approve(let isApproved): .setApproval(isApproved)
        case .close: .closeAccount
        default: fund(kind)
        }
    }

    private static func fund(_ kind: Wish.Kind) -> Command.Action {
        switch kind {
        case .buy(let pot, let amount, let reference):
            .addCredits(
                AddCredits(
                    potID: identifier(pot),
                    kind: .topUp,
                    amount: Credits(microcredits: amount),
                    expiresAt: nil,
                    externalReference: reference
                )
            )
        case .renew(let pot, let period, let amount, let expires):
            .renewPlan(
                RenewPlan(
                    potID: identifier(pot),
                    period: period,
                    allowance: Credits(microcredits: amount),
                    expiresAt: time(expires)
                )
            )
        case .refund(let reference, let tenths):
            .refundPayment(RefundPayment(reference: reference, refundedUnits: tenths, paidUnits: 10))
        case .watch(let below): .setAlertThreshold(below.map { Credits(microcredits: $0) })
        case .topUp(let below, let amount):
            .setTopUpRules(
                below.map {
                    AutoTopUp.Rules(
                        threshold: Credits(microcredits: $0),
                        amount: Credits(microcredits: amount),
                        failuresToOpen: 2
                    )
                }
            )
        case .startTopUp(let pot): .startTopUp(identifier(pot))
        case .endTopUp(let pot, let isPaid):
            .endTopUp(
                EndTopUp(
                    attempt: identifier(pot),
                    outcome: isPaid
                        ? .paid(amount: Credits(whole: 1), reference: "paid \(pot)", expiresAt: nil)
                        : .failed(code: "declined")
                )
            )
        default: preconditionFailure("no wish about funds")
        }
    }

    private static func settle(_ id: String, _ outcome: RunOutcome) -> Command.Action {
        .settleRun(SettleRun(executionID: identifier(id), outcome: outcome, providerRequestID: nil))
    }

    private static func give(
        _ grant: String,
        _ model: String,
        _ allowance: Grant.Allowance,
        _ expires: Int64?
    ) -> Command.Action {
        .issueGrant(
            IssueGrant(grantID: identifier(grant), model: model, allowance: allowance, expiresAt: time(expires))
        )
    }

    private static func run(_ kind: Wish.Kind, _ tenant: ModelTenant) -> AdmitRun {
        guard case .run(let id, let model, let quote, let lasts, let isCharged, let fault) = kind else {
            preconditionFailure("not a run")
        }
        let terms = RunQuote(
            amount: Credits(microcredits: quote),
            priceVersion: "1",
            definitionVersion: 1,
            requiredTier: fault == .enterpriseOnly ? .enterprise : .pro,
            supportsAsync: false,
            deadlineSeconds: 10,
            unresolvedHoldSeconds: lasts - 10,
            unresolvedPolicy: isCharged ? .charge : .release
        )
        let preflight: Preflight =
            switch fault {
            case .invalidBody: .invalidBody
            case .invalidInputs: .invalidInputs(problems: 2)
            case .unknownModel: .modelNotFound
            default: .quoted(terms)
            }
        let unknown = KeyID(Identifier128(high: tenant.key.value.high, low: 1))
        return AdmitRun(
            executionID: identifier(id),
            keyID: fault == .unknownKey ? unknown : tenant.key,
            model: model,
            inputsDigest: nil,
            preflight: preflight,
            isAsync: fault == .cannotWait
        )
    }
}
