public import Ledger
public import LedgerStore
public import Registry

/// What operators look after that is no account's: alerts, models, operators, payments.
extension AdminDesk {
    /// Something that an operator should look at.
    public struct Alert: Hashable, Sendable {
        /// What it is.
        public enum Kind: String, Hashable, Sendable {
            /// The balance is below the account's threshold.
            case lowBalance = "low_balance"
            /// Too many attempts to top the account up have failed in a row.
            case topUpStopped = "top_up_stopped"
        }

        /// What it is.
        public let kind: Kind
        /// Whose account.
        public let accountID: AccountID
        /// Since when, where that is known.
        public let raisedAt: Timestamp?
        /// Posted credits, for a low balance.
        public let balance: Credits?
        /// The threshold, for a low balance.
        public let threshold: Credits?
        /// Failures in a row, for topping up.
        public let failures: Int64?
    }

    /// Every alert that stands, low balances first, the latest first.
    public func alerts() async throws(AdminFailure) -> [Alert] {
        try await asking { () async throws(LedgerStoreError) in
            let low = try await store.alertedAccounts().map { account in
                Alert(
                    kind: .lowBalance,
                    accountID: account.id,
                    raisedAt: account.alertRaisedAt,
                    balance: account.posted,
                    threshold: account.alertThreshold,
                    failures: nil
                )
            }
            let stopped = try await store.brokenTopUps().map { row in
                Alert(
                    kind: .topUpStopped,
                    accountID: row.account,
                    raisedAt: nil,
                    balance: nil,
                    threshold: nil,
                    failures: row.topUp.failures
                )
            }
            return low + stopped
        }
    }

    // MARK: Models

    /// A model as operators see it.
    public struct ModelView: Sendable {
        /// Its definition, as the file says it.
        public let definition: ModelDefinition
        /// The latest switch; nil when it was never switched.
        public let latestSwitch: ModelSwitch?
        /// Whether it can be run now.
        public var isEnabled: Bool { definition.isEnabled && (latestSwitch?.isEnabled ?? true) }
    }

    /// Every model, by name.
    public func allModels() async throws(AdminFailure) -> [ModelView] {
        let switches = try await switches()
        let byName = Dictionary(uniqueKeysWithValues: switches.map { ($0.model, $0) })
        return models?.loaded.models.map { ModelView(definition: $0, latestSwitch: byName[$0.internalName]) } ?? []
    }

    /// Switches a model off for all processes, or on again if its definition says so. Runs under way go on.
    public func switchModel(_ name: String, isEnabled: Bool, by actor: Actor) async throws(AdminFailure) -> ModelView {
        guard models?.loaded.definition(named: name) != nil else { throw .notFound("a model of this name") }
        _ = try await setSwitch(name, isEnabled: isEnabled, by: actor)
        try await applySwitches()
        guard let model = try await allModels().first(where: { $0.definition.internalName == name }) else {
            throw .notFound("a model of this name")
        }
        return model
    }

    /// Switches a model whose definition this process need not know.
    ///
    /// - Returns: whether it was not switched so before.
    public func setSwitch(_ name: String, isEnabled: Bool, by actor: Actor) async throws(AdminFailure) -> Bool {
        guard Slug.isValid(name) else {
            throw .invalid("model", "1 to \(Slug.longest) lower-case letters, digits and hyphens are needed")
        }
        return try await asking { () async throws(LedgerStoreError) in
            try await store.switchModel(
                ModelSwitch(model: name, isEnabled: isEnabled, changedAt: clock(), changedBy: actor.description)
            )
        }
    }

    /// Every switch of a model.
    public func switches() async throws(AdminFailure) -> [ModelSwitch] {
        try await asking { () async throws(LedgerStoreError) in try await store.modelSwitches() }
    }

    /// Takes over what operators have switched, in whichever process.
    ///
    /// - Returns: what has changed by it.
    @discardableResult
    public func applySwitches() async throws(AdminFailure) -> RegistryChange {
        let switches = try await switches()
        return models?.switchOff(Set(switches.filter { !$0.isEnabled }.map(\.model))) ?? RegistryChange()
    }

    // MARK: Operators

    /// The operator whose token this is; nil when it is nobody's.
    public func `operator`(with token: OperatorToken) async throws(AdminFailure) -> Operator? {
        try await `operator`(with: token.digest)
    }

    /// The operator whose token has a SHA-256; nil when nobody's has.
    public func `operator`(with digest: Digest) async throws(AdminFailure) -> Operator? {
        let record = try await asking { () async throws(LedgerStoreError) in try await store.findOperator(digest) }
        return record.flatMap { Operator(name: $0.name, role: $0.role) }
    }

    /// Every operator, by name.
    public func operators() async throws(AdminFailure) -> [OperatorRecord] {
        try await asking { () async throws(LedgerStoreError) in try await store.operators() }
    }

    /// Adds an operator; the token is kept nowhere. To add one again with the same token changes nothing.
    public func addOperator(
        _ name: String,
        role: OperatorRole,
        token: OperatorToken,
        by actor: Actor
    ) async throws(AdminFailure) -> OperatorRecord {
        guard Operator.isName(name), name != Operator.environmentName else {
            let form = "1 to 64 lower-case letters, digits, `.`, `_` and `-`"
            throw .invalid("name", "it must have \(form), and not be \(Operator.environmentName)")
        }
        let record = OperatorRecord(name: name, role: role, createdAt: clock())
        let isNew = try await asking { () async throws(LedgerStoreError) in
            try await store.addOperator(record, digest: token.digest, by: actor)
        }
        if isNew { return record }
        let known = try await asking { () async throws(LedgerStoreError) in try await store.findOperator(token.digest) }
        guard let known else { throw .operatorExists }
        guard known.name == name, known.role == role else { throw .keyReused }
        return known
    }

    /// Takes an operator's token away, effective at once.
    public func removeOperator(_ name: String, by actor: Actor) async throws(AdminFailure) {
        let existed = try await asking { () async throws(LedgerStoreError) in
            try await store.removeOperator(name, by: actor, at: clock())
        }
        guard existed else { throw .notFound("an operator of this name") }
    }

    /// The latest entries of the operators' log, the newest first.
    public func log(limit: Int) async throws(AdminFailure) -> [OperatorLogEntry] {
        try await asking { () async throws(LedgerStoreError) in try await store.operatorLog(limit: limit) }
    }

    /// Notes something that an operator did and that changes neither the ledger nor a model.
    ///
    /// - Returns: its place in the log.
    public func note(_ action: String, of subject: String, by who: Operator) async throws(AdminFailure) -> Int64 {
        let entry = OperatorLogEntry(
            recordedAt: clock(),
            actor: who.actor.description,
            action: action,
            subject: subject
        )
        return try await asking { () async throws(LedgerStoreError) in try await store.note(entry) }
    }

    /// Whether something was noted of a subject after a place in the log.
    public func isNoted(
        _ action: String,
        of subject: String,
        after place: Int64
    ) async throws(AdminFailure) -> Bool {
        try await asking { () async throws(LedgerStoreError) in
            try await store.isNoted(action, of: subject, after: place)
        }
    }

    /// The latest events of the payment provider, the newest first.
    public func payments(limit: Int) async throws(AdminFailure) -> [PaymentEventRecord] {
        try await asking { () async throws(LedgerStoreError) in try await store.paymentEvents(limit: limit) }
    }
}
