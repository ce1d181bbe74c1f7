/// A command as its events recorded it: with everything that the decision looked at.
///
/// What a refusal came before was never looked at, and is filled in: a denied capability says nothing of the price.
struct RecordedCommand {
    let command: Command
    /// The key of a request that was refused by the limiter, whose event names none.
    private(set) var unnamedKey: APIKey?
    /// What the request's idempotency key had been used for.
    private(set) var claim: IdempotencyClaim?
    /// How it was decided.
    let verdict: String

    /// Reads the command of events that one decision recorded; nil when they can't be a decision's.
    ///
    /// - Parameter state: the account before it, which knows how much of a refunded payment came back earlier.
    init?(_ contents: [EventContent], _ state: LedgerState) {
        guard let main = Self.main(of: contents), let action = Self.action(main, contents, state) else { return nil }
        let received = contents.first { $0.type == .requestReceived }
        let code = main.text("code")
        let isMismatch = main.type == .requestRefused && code == Refusal.idempotencyMismatch.code
        let mark = IdempotentRequest(key: .zero, fingerprint: Digest(of: [1]))
        let alert = contents.first { $0.type == .alertRaised || $0.type == .alertCleared }
        command = Command(
            id: main.commandID,
            accountID: main.accountID,
            requestID: Self.namesRequest(action) ? main.requestID : alert?.requestID,
            actor: contents.lazy.compactMap { $0.text("actor").flatMap { Actor($0) } }.first,
            action: action,
            idempotency: isMismatch ? mark : nil,
            traceID: received?.text("trace").flatMap(Self.trace)
        )
        if isMismatch {
            claim = IdempotencyClaim(key: .zero, fingerprint: .zero, executionID: nil, requestID: nil)
        }
        if main.type == .rateLimitExceeded { unnamedKey = Self.anyKey(at: main.recordedAt) }
        switch main.type {
        case .creditsHeld, .grantHeld, .workflowStarted: verdict = "admitted"
        case .requestRefused: verdict = code ?? main.type.rawValue
        default: verdict = main.type.rawValue
        }
    }

    /// Whether the first event of the command's own carries its request; those about a run carry the run's.
    private static func namesRequest(_ action: Command.Action) -> Bool {
        switch action {
        case .settleRun, .recordSubmission, .expireHold: false
        default: true
        }
    }

    private static func anyKey(at moment: Timestamp) -> APIKey {
        APIKey(
            id: KeyID(Identifier128(high: 0, low: 0)),
            name: "unnamed",
            secretDigest: .zero,
            capabilities: [Capability.runModel(anyModel)],
            issuedAt: moment
        )
    }

    private static let anyModel = "any"

    private static func trace(_ text: String) -> TraceID? {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        return TraceID(high: high, low: low)
    }

    /// The event that says what was wanted; the others went with it.
    private static func main(of contents: [EventContent]) -> EventContent? {
        contents.first { $0.type.endsAdmission }
            ?? contents.first { [.accountClosed, .periodClosed, .invoiceImported, .accountErased].contains($0.type) }
            ?? contents.first { content in
                switch content.type {
                case .creditsExpired, .alertRaised, .alertCleared, .requestReceived, .capabilityGranted,
                    .rateLimitCounted, .creditsDebited, .creditsReleased, .grantConsumed, .grantReleased, .costAbsorbed,
                    .grantOpened:
                    false
                default: true
                }
            } ?? contents.first { $0.type == .creditsExpired }
    }

    private static func action(
        _ main: EventContent,
        _ contents: [EventContent],
        _ state: LedgerState
    ) -> Command.Action? {
        switch main.type {
        case .rateLimitExceeded: return limited(main)
        case .capabilityDenied, .requestRefused, .creditsRefused, .grantRefused, .creditsHeld, .grantHeld,
            .workflowStarted:
            if contents[0].type == .requestReceived { return admission(main, contents, state) }
            if main.text("workflow_run") != nil { return node(main, contents) }
            return main.type == .capabilityDenied ? cancel(main, contents) : nil
        case .executionSubmitted:
            guard let execution = main.executionID, let provider = main.text("provider_request") else { return nil }
            return .recordSubmission(RecordSubmission(executionID: execution, providerRequestID: provider))
        case .executionCancelRequested: return cancel(main, contents)
        case .executionSucceeded, .executionFailed, .executionCancelled, .executionUnresolved:
            return ending(main, contents)
        case .creditsAdded, .creditsAdjusted, .creditsShort, .creditsExpired, .topUpStarted, .topUpPaid, .topUpFailed,
            .topUpSet, .alertSet:
            return funds(main, contents, state)
        case .workflowSaved, .workflowDeleted: return workflow(main)
        case .periodClosed:
            return main.closedPeriod(after: state.account?.lastRecordedAt).map { .closePeriod($0) }
        case .invoiceImported:
            let classes = contents.compactMap(\.invoiceClass)
            return main.recordedInvoice(classes, after: state.account?.lastRecordedAt).map { .recordInvoice($0) }
        case .suspenseResolved:
            return main.resolvedSuspense(after: state.account?.lastRecordedAt).map { .resolveSuspense($0) }
        default: return administration(main)
        }
    }

    private static func limited(_ main: EventContent) -> Command.Action? {
        guard let route = main.text("route").flatMap({ Route(rawValue: $0) }) else { return nil }
        let nobody = Identifier128(high: 0, low: 0)
        return .admitRun(
            AdmitRun(
                executionID: ExecutionID(nobody),
                keyID: KeyID(nobody),
                route: route,
                model: anyModel,
                inputsDigest: nil,
                preflight: .modelNotFound
            )
        )
    }

    private static func cancel(_ main: EventContent, _ contents: [EventContent]) -> Command.Action? {
        guard let execution = main.executionID, let key = main.keyID else { return nil }
        let isUndispatched = contents.contains { $0.type == .executionCancelled }
        return .requestCancel(RequestCancel(executionID: execution, keyID: key, isUndispatched: isUndispatched))
    }

    /// How a run ended: as somebody told, as its owner wished, or by its definition's policy.
    private static func ending(_ main: EventContent, _ contents: [EventContent]) -> Command.Action? {
        guard let execution = main.executionID else { return nil }
        switch main.text("by") {
        case "owner": return cancel(main, contents)
        case "policy":
            let ended = contents.filter { $0.text("by") == "policy" }
            // Only closing an account that then turns out to be in use ends several holds by itself.
            guard ended.count == 1 else { return .closeAccount }
            return .expireHold(HoldID(execution.value), nodesCost: nodesCost(main))
        default: break
        }
        let duration = main.detail?["ms"]?.integerValue ?? 0
        let outcome: RunOutcome
        switch main.type {
        case .executionSucceeded:
            guard let cost = main.detail?["cost"]?.amountValue,
                let provider = main.text("provider_microusd").flatMap({ Int64($0) })
            else { return nil }
            outcome = .succeeded(
                cost: cost,
                providerCost: MicroUSD(microdollars: provider),
                resultDigest: main.text("result").flatMap { Digest(hexadecimal: $0) },
                durationMilliseconds: duration
            )
        case .executionFailed: outcome = .failed(code: main.text("code") ?? "", durationMilliseconds: duration)
        case .executionCancelled: outcome = .cancelled(durationMilliseconds: duration)
        default: outcome = .unresolved(reason: main.text("reason") ?? "")
        }
        var settlement = SettleRun(
            executionID: execution,
            outcome: outcome,
            providerRequestID: main.text("provider_request"),
            usage: main.usage
        )
        settlement.nodesCost = nodesCost(main)
        return .settleRun(settlement)
    }

    private static func administration(_ main: EventContent) -> Command.Action? {
        switch main.type {
        case .accountOpened:
            guard let tier = main.text("tier").flatMap({ Tier(rawValue: $0) }),
                let role = main.text("role").flatMap({ Role(rawValue: $0) }),
                let isApproved = main.detail?["approved"]?.booleanValue
            else { return nil }
            return .openAccount(OpenAccount(tier: tier, role: role, isApproved: isApproved))
        case .accountTierChanged: return main.text("to").flatMap { Tier(rawValue: $0) }.map { .changeTier($0) }
        case .accountRoleChanged: return main.text("to").flatMap { Role(rawValue: $0) }.map { .changeRole($0) }
        case .accountApproved: return main.detail?["approved"]?.booleanValue.map { .setApproval($0) }
        case .accountClosed: return .closeAccount
        case .accountErased: return main.erasure.map { .eraseAccount($0) }
        case .keyIssued:
            guard let key = main.keyID, let name = main.text("name"),
                let digest = main.text("digest").flatMap({ Digest(hexadecimal: $0) })
            else { return nil }
            let texts = main.detail?["capabilities"]?.elements?.compactMap(\.stringValue) ?? []
            return .issueKey(
                IssueKey(
                    keyID: key,
                    name: name,
                    secretDigest: digest,
                    capabilities: texts.compactMap { Capability($0) }
                )
            )
        case .keyRevoked: return main.keyID.map { .revokeKey($0) }
        case .grantIssued:
            guard let grant = main.grantID, let model = main.model, let allowance = main.allowance else { return nil }
            return .issueGrant(
                IssueGrant(grantID: grant, model: model, allowance: allowance, expiresAt: main.time("expires"))
            )
        case .grantRevoked: return main.grantID.map { .revokeGrant($0) }
        default: return nil
        }
    }
}
