public import Ledger
public import LedgerStore
public import Registry
import Runs

/// What operators do, whichever way they ask for it: one command of the ledger for each change of an account.
public struct AdminDesk: Sendable {
    /// Something that a change has made, or that an earlier one had.
    public struct Made<Value: Sendable>: Sendable {
        /// What it is.
        public let value: Value
        /// Whether another request had made it, and nothing was added now. The same request, made again under its key, is
        /// told what the first was.
        public let isRepeat: Bool
    }

    /// An account as operators see it.
    public struct AccountView: Sendable {
        /// The account with its pots that have credits, and its grants.
        public let state: LedgerState
        /// How it is topped up by itself.
        public let topUp: AutoTopUp?
        /// Whom topping it up charges; nil when nobody.
        public let paymentMethod: PaymentMethod?
        /// Credits that refunds could not take back.
        public let short: Credits
    }

    let store: LedgerStore
    let models: ModelCatalogue?
    let clock: @Sendable () -> Timestamp

    /// Makes a desk.
    ///
    /// - Parameters:
    ///   - store: the ledger.
    ///   - models: the models in use; nil where none are.
    ///   - clock: the wall clock.
    public init(store: LedgerStore, models: ModelCatalogue?, clock: @escaping @Sendable () -> Timestamp) {
        self.store = store
        self.models = models
        self.clock = clock
    }

    // MARK: Accounts

    /// Opens an account.
    public func openAccount(_ opening: OpenAccount, _ call: AdminCall) async throws(AdminFailure) -> Made<AccountID> {
        let account = AccountID(call.identifier("account"))
        _ = try await carryOut(.openAccount(opening), for: account, call)
        return Made(value: account, isRepeat: false)
    }

    /// Up to `limit` accounts after an id, in order of their ids.
    public func accounts(after: AccountID?, limit: Int) async throws(AdminFailure) -> [Account] {
        try await asking { () async throws(LedgerStoreError) in
            try await store.accounts(after: after, limit: limit)
        }
    }

    /// An account as it stands.
    public func account(_ account: AccountID) async throws(AdminFailure) -> AccountView {
        let state = try await state(of: account)
        return try await asking { () async throws(LedgerStoreError) in
            let short = try await store.pots(of: account).reduce(Credits.zero) { $0 + $1.short }
            return AccountView(
                state: state,
                topUp: try await store.topUp(of: account),
                paymentMethod: try await store.paymentMethod(of: account),
                short: short
            )
        }
    }

    /// A page of an account's events: up to 1,000 after a sequence.
    public func events(of account: AccountID, after sequence: Int64) async throws(AdminFailure) -> [Event] {
        _ = try await state(of: account)
        return try await asking { () async throws(LedgerStoreError) in
            try await store.events(of: account, after: sequence)
        }
    }

    /// Has something done to an account that makes nothing new: its plan, its role, its approval, its closing, its alert,
    /// how it is topped up, the end of a grant.
    ///
    /// - Returns: whether it had been done before.
    @discardableResult
    public func change(
        _ account: AccountID,
        _ action: Command.Action,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Bool {
        try await carryOut(action, for: account, call) == .alreadyDone
    }

    // MARK: Credits

    /// Fills a new pot, unless credits with that reference are there.
    public func addCredits(
        _ amount: Credits,
        to account: AccountID,
        kind: Pot.Kind,
        expiresAt: Timestamp?,
        reference: String?,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Made<Pot> {
        let addition = AddCredits(
            potID: PotID(call.identifier("pot")),
            kind: kind,
            amount: amount,
            expiresAt: expiresAt,
            externalReference: reference
        )
        return try await make(.addCredits(addition), addition.potID, for: account, call)
    }

    /// Gives a period's allowance of the plan, in the place of what is left of the one before.
    public func renewPlan(
        of account: AccountID,
        period: String,
        allowance: Credits?,
        expiresAt: Timestamp?,
        reference: String?,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Made<Pot> {
        let renewal = RenewPlan(
            potID: PotID(call.identifier("pot")),
            period: period,
            allowance: allowance,
            expiresAt: expiresAt,
            externalReference: reference
        )
        return try await make(.renewPlan(renewal), renewal.potID, for: account, call)
    }

    /// Corrects what a pot holds.
    ///
    /// - Returns: the pot afterwards, and whether the same request had corrected it before.
    public func adjust(
        _ adjustment: AdjustCredits,
        of account: AccountID,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Made<Pot> {
        if let sequence = adjustment.correctsSequence {
            let last = try await state(of: account).account?.sequence ?? 0
            guard (1...max(1, last)).contains(sequence) else {
                throw .invalid("corrects", "the account's events are numbered from 1 to \(last)")
            }
        }
        return try await make(.adjustCredits(adjustment), adjustment.potID, for: account, call)
    }

    private func make(
        _ action: Command.Action,
        _ pot: PotID,
        for account: AccountID,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Made<Pot> {
        let verdict = try await carryOut(action, for: account, call)
        var (made, isRepeat) = (pot, false)
        if case .alreadyAdded(let first) = verdict { (made, isRepeat) = (first, true) }
        let pots = try await asking { () async throws(LedgerStoreError) in
            try await store.pots(of: account, including: made)
        }
        guard let row = pots.first(where: { $0.id == made }) else { throw .refused(.potUnknown) }
        return Made(value: row, isRepeat: isRepeat)
    }

    // MARK: Grants

    /// Gives free runs of a model.
    public func issueGrant(
        of model: String,
        _ allowance: Grant.Allowance,
        to account: AccountID,
        expiresAt: Timestamp?,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Made<GrantID> {
        let grant = IssueGrant(
            grantID: GrantID(call.identifier("grant")),
            model: model,
            allowance: allowance,
            expiresAt: expiresAt
        )
        _ = try await carryOut(.issueGrant(grant), for: account, call)
        return Made(value: grant.grantID, isRepeat: false)
    }

    // MARK: Asking the ledger

    func state(of account: AccountID) async throws(AdminFailure) -> LedgerState {
        let state = try await asking { () async throws(LedgerStoreError) in try await store.state(of: account) }
        guard let state else { throw .refused(.accountUnknown) }
        return state
    }

    func carryOut(
        _ action: Command.Action,
        for account: AccountID,
        _ call: AdminCall
    ) async throws(AdminFailure) -> Verdict {
        try await pin(call)
        let command = Command(
            id: call.commandID,
            accountID: account,
            requestID: call.requestID,
            actor: call.actor,
            action: action
        )
        let verdict = try await asking { () async throws(LedgerStoreError) in try await store.submit(command) }
        guard case .refused(let refusal, _) = verdict else { return verdict }
        try await unpin(call)
        throw .refused(refusal)
    }

    /// Takes a request's key for what is asked under it.
    ///
    /// - Throws: `.keyReused` when something else was.
    func pin(_ call: AdminCall) async throws(AdminFailure) {
        guard let fingerprint = call.fingerprint else { return }
        let isFirst = try await asking { () async throws(LedgerStoreError) in
            try await store.keepRequest(call.commandID, fingerprint: fingerprint, at: clock())
        }
        guard isFirst else { throw .keyReused }
    }

    /// Gives a request's key free again: a refusal does not pin it, so the request may be corrected and made again.
    func unpin(_ call: AdminCall) async throws(AdminFailure) {
        guard call.fingerprint != nil else { return }
        try await asking { () async throws(LedgerStoreError) in try await store.forgetRequest(call.commandID) }
    }

    /// Has something done under a request's key.
    public func pinning<Value>(
        _ call: AdminCall,
        _ body: () async throws(AdminFailure) -> Value
    ) async throws(AdminFailure) -> Value {
        try await pin(call)
        do throws(AdminFailure) {
            return try await body()
        } catch {
            // Of what is unavailable nobody knows whether it was done.
            if case .unavailable = error { throw error }
            try await unpin(call)
            throw error
        }
    }

    // MARK: Answers

    /// The answer that a request was given; nil when none is known, or another was asked for under its id.
    public func keptAnswer(
        to command: CommandID,
        fingerprint: Digest
    ) async throws(AdminFailure) -> RecordedAnswer? {
        try await asking { () async throws(LedgerStoreError) in
            try await store.operatorAnswer(to: command, fingerprint: fingerprint)
        }
    }

    /// Keeps the answer to a request, unless one is kept already.
    ///
    /// - Returns: the one that is kept now.
    public func keepAnswer(
        _ answer: RecordedAnswer,
        to call: AdminCall,
        fingerprint: Digest
    ) async throws(AdminFailure) -> RecordedAnswer {
        try await asking { () async throws(LedgerStoreError) in
            try await store.keepOperatorAnswer(
                answer,
                to: call.commandID,
                fingerprint: fingerprint,
                request: call.requestID,
                at: clock()
            )
        }
    }

    func asking<Value>(
        _ body: () async throws(LedgerStoreError) -> Value
    ) async throws(AdminFailure) -> Value {
        do throws(LedgerStoreError) {
            return try await body()
        } catch {
            throw AdminFailure(error)
        }
    }
}
