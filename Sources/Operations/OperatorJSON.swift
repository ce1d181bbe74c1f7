public import Ledger
public import LedgerStore
public import Registry
import RunAPI
public import Runs

extension JSONValue {
    /// Credits as a JSON number with at most six decimals.
    public static func credits(_ credits: Credits) -> JSONValue { .decimal(credits.description) }

    /// A moment as RFC 3339 in UTC; null when there is none.
    public static func moment(_ moment: Timestamp?) -> JSONValue { moment.map { .string($0.rfc3339) } ?? .null }

    /// An account as it stands, with its keys and its owner's address.
    public static func account(_ state: LedgerState, keys: [KeyListing], email: String?) -> JSONValue {
        guard case .object(var members) = account(state) else { return .null }
        members["keys"] = .array(keys.map(JSONValue.key))
        members["email"] = email.map { .string($0) } ?? .null
        return .object(members)
    }

    /// An account as it stands.
    public static func account(_ state: LedgerState) -> JSONValue {
        guard let account = state.account else { return .null }
        let pots = state.pots.values.sorted(by: Pot.drawsBefore)
        let grants = state.grants.values.sorted { $0.id < $1.id }
        let windows = state.windows.map { route, window in
            ["minute": .integer(window.minute), "count": .integer(window.count), "route": .string(route.rawValue)]
                as JSONValue
        }
        return [
            "account": .string(account.id.description), "tier": .string(account.tier.rawValue),
            "role": .string(account.role.rawValue), "approved": .bool(account.isApproved),
            "closed": .bool(account.isClosed), "balance": .credits(account.posted), "held": .credits(account.held),
            "available": .credits(account.available), "sequence": .integer(account.sequence),
            "openedAt": .moment(account.openedAt), "pots": .array(pots.map(JSONValue.pot)),
            "grants": .array(grants.map(JSONValue.grant)), "windows": .array(windows),
        ]
    }

    private static func pot(_ pot: Pot) -> JSONValue {
        [
            "pot": .string(pot.id.description), "kind": .string(pot.kind.rawValue), "added": .credits(pot.added),
            "remaining": .credits(pot.remaining), "held": .credits(pot.held), "expiresAt": .moment(pot.expiresAt),
        ]
    }

    private static func grant(_ grant: Grant) -> JSONValue {
        var members: [String: JSONValue] = [
            "grant": .string(grant.id.description), "model": .string(grant.model), "used": .integer(grant.used),
            "held": .integer(grant.held), "revoked": .bool(grant.isRevoked), "expiresAt": .moment(grant.expiresAt),
        ]
        switch grant.allowance {
        case .runs(let runs): members["runs"] = .integer(runs)
        case .window(let seconds):
            members["seconds"] = .integer(seconds)
            members["openedAt"] = .moment(grant.openedAt)
            members["closesAt"] = .moment(grant.closesAt)
        }
        return .object(members)
    }

    /// A key as it is listed.
    public static func key(_ listing: KeyListing) -> JSONValue {
        [
            "keyId": .string(listing.key.id.description), "name": .string(listing.key.name),
            "capabilities": .array(listing.key.capabilities.map { .string($0.text) }),
            "issuedAt": .moment(listing.key.issuedAt), "lastUsedAt": .moment(listing.lastUsedAt),
            "revokedAt": .moment(listing.key.revokedAt),
        ]
    }

    /// A run as a row of its account's usage; amounts in credits, the provider's cost in USD.
    public static func usage(_ run: Execution) -> JSONValue {
        [
            "id": .integer(run.usageID), "execution": .string(run.id.description), "model": .string(run.model),
            "status": .string(UsageStatus(run.status).rawValue), "credits": .credits(run.charged),
            "providerUSD": run.providerCost.map { .decimal($0.description) } ?? .null,
            "ms": run.durationMilliseconds.map { .integer($0) } ?? .null,
            "errorCode": run.errorCode.map { .string($0) } ?? .null,
            "providerRequest": run.providerRequestID.map { .string($0) } ?? .null,
            "createdAt": .moment(run.admittedAt), "endedAt": .moment(run.endedAt),
        ]
    }

    /// What a verification found.
    public static func verification(_ report: VerificationReport) -> JSONValue {
        let findings = report.findings.map { finding -> JSONValue in
            [
                "kind": .string(finding.kind.rawValue), "journal": .integer(Int64(finding.journal.number)),
                "position": finding.position.map { .integer($0) } ?? .null,
                "account": finding.account.map { .string($0.description) } ?? .null,
                "message": .string(finding.message),
            ]
        }
        return [
            "clean": .bool(report.isClean), "journals": .integer(Int64(report.journals)),
            "events": .integer(report.events), "accounts": .integer(Int64(report.accounts)),
            "openHolds": .integer(Int64(report.openHolds)),
            "unresolvedExecutions": .integer(Int64(report.unresolvedExecutions)),
            "balance": .credits(report.posted), "held": .credits(report.held), "findings": .array(findings),
        ]
    }

    /// What a replay of decisions found.
    public static func decisions(_ report: DecisionReport) -> JSONValue {
        let findings = report.findings.map { finding -> JSONValue in
            [
                "journal": .integer(Int64(finding.event.journal.number)), "position": .integer(finding.event.position),
                "account": .string(finding.event.content.accountID.description),
                "sequence": .integer(finding.event.sequence), "type": .string(finding.event.content.type.rawValue),
                "message": .string(finding.message),
            ]
        }
        return [
            "clean": .bool(report.isClean), "events": .integer(report.events), "commands": .integer(report.commands),
            "verdicts": .object(report.verdicts.mapValues { .integer($0) }), "findings": .array(findings),
        ]
    }
}
