/// Admissions and money as their events recorded them.
extension RecordedCommand {
    static func admission(
        _ main: EventContent,
        _ contents: [EventContent],
        _ state: LedgerState
    ) -> Command.Action? {
        let received = contents[0]
        guard let execution = received.executionID, let key = received.keyID,
            let route = received.text("route").flatMap({ Route(rawValue: $0) }),
            let preflight = preflight(main, contents)
        else { return nil }
        return .admitRun(
            AdmitRun(
                executionID: execution,
                keyID: key,
                route: route,
                model: received.model,
                inputsDigest: received.text("inputs").flatMap { Digest(hexadecimal: $0) },
                preflight: preflight,
                isAsync: received.detail?["async"]?.booleanValue ?? false,
                instance: main.text("instance").flatMap { Int64($0) } ?? 0,
                part: whole(main, received, state)
            )
        )
    }

    static func preflight(_ main: EventContent, _ contents: [EventContent]) -> Preflight? {
        switch main.type {
        case .requestRefused:
            switch main.text("code") {
            case Refusal.invalidSlug.code: return .invalidSlug
            case Refusal.invalidBody.code: return .invalidBody
            case Refusal.invalidInputs.code:
                return .invalidInputs(problems: Int(main.detail?["problems"]?.integerValue ?? 0))
            case Refusal.asyncNotSupported.code: return .quoted(quote(main, contents, supportsAsync: false))
            case Refusal.workflowNotFound.code: return .workflowNotFound
            case Refusal.invalidWorkflow.code:
                return .invalidWorkflow(problems: Int(main.detail?["problems"]?.integerValue ?? 0))
            case "MODEL_TIER_REQUIRED":
                guard let tier = main.text("required").flatMap({ Tier(rawValue: $0) }) else { return nil }
                return .quoted(quote(main, contents, tier: tier))
            // The others come before the inputs are looked at, or are what it says of itself.
            default: return .modelNotFound
            }
        case .capabilityDenied: return .modelNotFound
        case .creditsRefused:
            guard let amount = main.detail?["required"]?.amountValue, amount.isPositive else { return nil }
            return .quoted(quote(main, contents, amount: amount))
        case .grantRefused: return .quoted(quote(main, contents))
        default:
            guard let amount = main.detail?["quote"]?.amountValue, amount.isPositive || main.type == .workflowStarted
            else { return nil }
            return .quoted(quote(main, contents, amount: amount))
        }
    }

    /// The terms of a run. The plan that its model needs is not recorded where it was enough.
    private static func quote(
        _ main: EventContent,
        _ contents: [EventContent],
        amount: Credits = Credits(microcredits: 1),
        tier: Tier? = nil,
        supportsAsync: Bool = true
    ) -> RunQuote {
        let gates = contents.first { $0.type == .capabilityGranted }?.detail?["bypassed"]?.elements ?? []
        let bypassesTier = gates.contains { $0.stringValue == "tier" }
        func seconds(_ from: Timestamp?, _ to: Timestamp?) -> Int64 {
            guard let from, let to else { return 0 }
            return (to.microseconds - from.microseconds) / 1_000_000
        }
        let deadline = main.time("deadline")
        return RunQuote(
            amount: amount,
            priceVersion: main.priceVersion ?? "",
            definitionVersion: Int32(clamping: main.detail?["definition"]?.integerValue ?? 0),
            requiredTier: tier ?? (bypassesTier ? .enterprise : .free),
            supportsAsync: supportsAsync,
            deadlineSeconds: seconds(main.recordedAt, deadline),
            unresolvedHoldSeconds: seconds(deadline, main.time("expires")),
            unresolvedPolicy: main.text("policy").flatMap { UnresolvedPolicy(rawValue: $0) } ?? .release,
            priced: main.priced
        )
    }

    static func funds(
        _ main: EventContent,
        _ contents: [EventContent],
        _ state: LedgerState
    ) -> Command.Action? {
        switch main.type {
        case .creditsAdded: return addition(main, contents)
        case .creditsAdjusted, .creditsShort:
            guard let pot = main.potID, let amount = main.amount else { return nil }
            if let reference = main.text("reference") { return refund(reference, contents, state) }
            return .adjustCredits(
                AdjustCredits(
                    potID: pot,
                    amount: amount,
                    reason: main.text("reason") ?? "",
                    correctsSequence: main.detail?["corrects"]?.integerValue
                )
            )
        case .creditsExpired:
            // A correction that asked for more than there was left nothing but what it found expired.
            guard let pot = main.potID else { return nil }
            let tooMuch = Credits(microcredits: -1)
            return .adjustCredits(AdjustCredits(potID: pot, amount: tooMuch, reason: "-", correctsSequence: nil))
        case .topUpStarted: return main.potID.map { .startTopUp($0) }
        case .topUpPaid:
            // Alone: the credits were there before, so that neither amount nor expiry was looked at.
            guard let pot = main.potID, let reference = main.text("reference") else { return nil }
            let outcome = EndTopUp.Outcome.paid(amount: .zero, reference: reference, expiresAt: nil)
            return .endTopUp(EndTopUp(attempt: pot, outcome: outcome))
        case .topUpFailed:
            guard let pot = main.potID, let code = main.text("code") else { return nil }
            return .endTopUp(EndTopUp(attempt: pot, outcome: .failed(code: code)))
        case .topUpSet: return .setTopUpRules(try? main.topUpRules())
        default: return .setAlertThreshold(main.detail?["threshold"]?.amountValue)
        }
    }

    private static func addition(_ main: EventContent, _ contents: [EventContent]) -> Command.Action? {
        guard let pot = main.potID, let amount = main.amount,
            let kind = main.text("kind").flatMap({ Pot.Kind(rawValue: $0) })
        else { return nil }
        let (expiresAt, reference) = (main.time("expires"), main.text("reference"))
        if let period = main.text("period") {
            return .renewPlan(
                RenewPlan(
                    potID: pot,
                    period: period,
                    allowance: amount,
                    expiresAt: expiresAt,
                    externalReference: reference
                )
            )
        }
        if contents.contains(where: { $0.type == .topUpPaid }), let reference {
            let outcome = EndTopUp.Outcome.paid(amount: amount, reference: reference, expiresAt: expiresAt)
            return .endTopUp(EndTopUp(attempt: pot, outcome: outcome))
        }
        return .addCredits(
            AddCredits(potID: pot, kind: kind, amount: amount, expiresAt: expiresAt, externalReference: reference)
        )
    }

    /// How much of a payment was refunded up to then, with one credit as the unit of what was paid.
    private static func refund(
        _ reference: String,
        _ contents: [EventContent],
        _ state: LedgerState
    ) -> Command.Action? {
        guard let paid = state.pot(boughtWith: reference) else { return nil }
        let due = contents.reduce(Credits.zero) { sum, content in
            guard let amount = content.amount, content.text("reference") == reference else { return sum }
            return content.type == .creditsShort ? sum + amount : sum - amount
        }
        return .refundPayment(
            RefundPayment(
                reference: reference,
                refundedUnits: (paid.refunded + due).microcredits,
                paidUnits: paid.added.microcredits
            )
        )
    }
}
