import Administration
import Ledger
import LedgerStore
import Registry
import RunAPI

extension JSONValue {
    static func optionalCredits(_ amount: Credits?) -> JSONValue { amount.map { .credits($0) } ?? .null }

    static func optionalText(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    /// An account as a list shows it.
    static func account(_ account: Account) -> JSONValue {
        [
            "account": .string(account.id.description), "tier": .string(account.tier.rawValue),
            "role": .string(account.role.rawValue), "approved": .bool(account.isApproved),
            "closed": .bool(account.isClosed), "balance": .credits(account.posted), "held": .credits(account.held),
            "available": .credits(account.available), "sequence": .integer(account.sequence),
            "openedAt": .time(account.openedAt), "alertThreshold": .optionalCredits(account.alertThreshold),
            "alertRaisedAt": .time(account.alertRaisedAt),
        ]
    }

    /// A pot.
    static func pot(_ pot: Pot) -> JSONValue {
        [
            "pot": .string(pot.id.description), "kind": .string(pot.kind.rawValue), "added": .credits(pot.added),
            "remaining": .credits(pot.remaining), "held": .credits(pot.held), "expiresAt": .time(pot.expiresAt),
            "addedAt": .time(pot.addedAt), "reference": .optionalText(pot.reference),
            "period": .optionalText(pot.period), "refunded": .credits(pot.refunded), "short": .credits(pot.short),
        ]
    }

    /// A grant.
    static func grant(_ grant: Grant) -> JSONValue {
        var runs: JSONValue = .null
        var seconds: JSONValue = .null
        switch grant.allowance {
        case .runs(let number): runs = .integer(number)
        case .window(let number): seconds = .integer(number)
        }
        return [
            "grant": .string(grant.id.description), "model": .string(grant.model), "runs": runs, "seconds": seconds,
            "used": .integer(grant.used), "held": .integer(grant.held), "tier": .string(grant.tier.rawValue),
            "revoked": .bool(grant.isRevoked), "openedAt": .time(grant.openedAt), "closesAt": .time(grant.closesAt),
            "expiresAt": .time(grant.expiresAt),
        ]
    }

    /// How an account is topped up by itself; null when it never was to be. Whom that charges may lead to a person, and
    /// answers are kept: they say only whether it is set.
    static func topUp(_ topUp: AutoTopUp?, charging method: PaymentMethod?) -> JSONValue {
        guard let topUp else { return .null }
        return [
            "on": .bool(topUp.rules != nil), "phase": .string(topUp.phase.rawValue),
            "threshold": .optionalCredits(topUp.rules?.threshold), "amount": .optionalCredits(topUp.rules?.amount),
            "attemptsPerDay": topUp.rules.map { .integer($0.attemptsPerDay) } ?? .null,
            "failuresToOpen": topUp.rules.map { .integer($0.failuresToOpen) } ?? .null,
            "attempt": topUp.attempt.map { .string($0.id.description) } ?? .null,
            "attemptStartedAt": .time(topUp.attempt?.startedAt), "failures": .integer(topUp.failures),
            "paymentMethodSet": .bool(method != nil),
        ]
    }

    /// An event of an account.
    static func event(_ event: Event) -> JSONValue {
        let content = event.content
        return [
            "sequence": .integer(event.sequence), "type": .string(content.type.rawValue),
            "recordedAt": .time(content.recordedAt), "actor": .optionalText(content.detail?["actor"]?.stringValue),
            "requestId": .optionalText(content.requestID?.description), "amount": .optionalCredits(content.amount),
            "balanceAfter": .optionalCredits(content.balanceAfter), "heldAfter": .optionalCredits(content.heldAfter),
            "pot": .optionalText(content.potID?.description), "grant": .optionalText(content.grantID?.description),
            "model": .optionalText(content.model), "execution": .optionalText(content.executionID?.description),
            "detail": content.detail.flatMap { try? JSONValue(parsing: Array($0.text.utf8)) } ?? .null,
            "hash": .string(event.hash.description),
        ]
    }

    /// An operator.
    static func `operator`(_ record: OperatorRecord) -> JSONValue {
        [
            "name": .string(record.name), "role": .string(record.role.rawValue),
            "createdAt": .time(record.createdAt),
        ]
    }

    /// An event of the payment provider.
    static func payment(_ event: PaymentEventRecord) -> JSONValue {
        [
            "id": .string(event.id), "type": .string(event.type), "receivedAt": .time(event.receivedAt),
            "account": .optionalText(event.accountID?.description), "outcome": .string(event.outcome.rawValue),
            "detail": .string(event.detail),
        ]
    }

    /// A model.
    static func model(_ model: AdminDesk.ModelView) -> JSONValue {
        let definition = model.definition
        return [
            "internalName": .string(definition.internalName), "displayName": .string(definition.displayName),
            "enabled": .bool(model.isEnabled), "enabledByDefinition": .bool(definition.isEnabled),
            "version": .integer(Int64(definition.version)), "price": definition.price.summary,
            "requiredTier": .string(definition.requiredTier.rawValue),
            "provider": .string(definition.provider.kind.rawValue),
            "switchedAt": .time(model.latestSwitch?.changedAt),
            "switchedBy": .optionalText(model.latestSwitch?.changedBy),
        ]
    }
}
