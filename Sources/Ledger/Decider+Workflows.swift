/// Workflows: their documents, the start of a run, and the nodes of one (docs/workflows.md).
extension Decider {
    mutating func save(_ wish: SaveWorkflow, of account: Account) -> Decision {
        if let refusal = obstacle(to: wish.keyID, .writeWorkflows, account) { return refuse(refusal) }
        guard Slug.isValid(wish.slug) else { return refuse(.invalidSlug) }
        if wish.version == 1 {
            guard state.workflows[wish.slug] == nil, state.slugOwners[wish.slug] == account.id else {
                return refuse(.workflowSlugTaken)
            }
            let count = state.workflows.values.count { $0.deletedAt == nil }
            guard count < Workflow.most else { return refuse(.workflowLimitReached) }
        } else {
            guard let workflow = state.workflows[wish.slug], workflow.deletedAt == nil else {
                return refuse(.workflowNotFound)
            }
            guard workflow.version + 1 == wish.version else { return refuse(.workflowChanged) }
        }
        var event = content(.workflowSaved)
        event.keyID = wish.keyID
        event.model = WorkflowName.of(wish.slug)
        event.detail = .object([
            .init("digest", .string(wish.digest.description)), .init("version", .integer(Int64(wish.version))),
        ])
        emit(event)
        guard let workflow = state.workflows[wish.slug] else {
            preconditionFailure("a workflow was saved and is not there")
        }
        return finish(.saved(workflow))
    }

    mutating func delete(_ wish: DeleteWorkflow, of account: Account) -> Decision {
        if let refusal = obstacle(to: wish.keyID, .writeWorkflows, account) { return refuse(refusal) }
        guard let workflow = state.workflows[wish.slug], workflow.deletedAt == nil else {
            return refuse(.workflowNotFound)
        }
        var event = content(.workflowDeleted)
        event.keyID = wish.keyID
        event.model = WorkflowName.of(wish.slug)
        event.detail = .object([.init("version", .integer(Int64(workflow.version)))])
        emit(event)
        return finish(.done)
    }

    /// What keeps a key from doing something with workflows.
    private func obstacle(to keyID: KeyID, _ required: Capability, _ account: Account) -> Refusal? {
        guard let key = state.keys[keyID], key.revokedAt == nil else { return .unauthorized }
        guard required.covering(in: key.capabilities) != nil,
            TierPolicy.ceilingAllows(required, tier: account.tier, role: account.role)
        else { return .capabilityDenied(required: required) }
        return nil
    }

    /// Starts a workflow, unless what is known of its nodes says that it can't be paid for. Nothing is held by this: each
    /// model node holds its own price before it is dispatched.
    mutating func start(
        _ run: AdmitRun,
        _ quote: RunQuote,
        _ nodes: [NodeQuote],
        _ account: Account,
        _ window: WindowStatus?
    ) -> Decision {
        expireHolds(now: moment)
        expirePots()
        var required = Credits.zero
        for node in nodes {
            let payers = payers(of: node.model, account)
            if payers.live != nil { continue }
            if let blocking = payers.blocking {
                var decision = refuseGrant(blocking, run, window)
                decision.mayDependOnExpiredHolds = payers.mayComeBack
                return decision
            }
            required = node.amount.flatMap { required.adding($0) } ?? required
        }
        let available = state.account?.available ?? .zero
        guard available >= required else { return refuseCredits(run, nil, required, available, window) }
        var event = about(run, .workflowStarted)
        event.holdID = HoldID(run.executionID.value)
        event.priceVersion = quote.priceVersion
        event.detail = .sorted(terms(run, quote))
        emit(event)
        return admitted(run, grant: nil, window)
    }

    /// Holds the price of a model node of a workflow that is under way. The key may run the workflow, and that is enough:
    /// the models in it need no capability of their own. They were counted with the workflow's run.
    mutating func admit(_ run: AdmitRun, at place: NodePlace, of account: Account) -> Decision {
        guard let whole = state.executions[place.run], whole.workflowSlug != nil, run.executionID == place.executionID
        else { return refuse(.executionUnknown) }
        // A run that may be given up by now begins nothing more: its cost may have been summed up.
        guard let hold = state.holds[whole.holdID], hold.expiresAt > moment, whole.cancelRequestedAt == nil else {
            return refuse(.executionNotCancellable(whole.status))
        }
        guard let key = state.keys[run.keyID], key.revokedAt == nil, !account.isClosed else {
            return refuse(run, at: place, .unauthorized)
        }
        guard account.isApproved else { return refuse(run, at: place, .accountNotApproved) }
        switch run.preflight {
        case .quoted(let quote):
            guard account.tier >= quote.requiredTier || account.role == .admin else {
                let refusal = Refusal.modelTierRequired(required: quote.requiredTier, tier: account.tier)
                return refuse(
                    run,
                    at: place,
                    refusal,
                    [
                        .init("required", .string(quote.requiredTier.rawValue)),
                        .init("tier", .string(account.tier.rawValue)),
                    ]
                )
            }
            return fund(run, quote, account, nil)
        case .modelNotFound: return refuse(run, at: place, .modelNotFound)
        default: return refuse(run, at: place, .invalidInputs)
        }
    }

    private mutating func refuse(
        _ run: AdmitRun,
        at place: NodePlace,
        _ refusal: Refusal,
        _ numbers: [CanonicalJSON.Member] = []
    ) -> Decision {
        var event = about(run, .requestRefused)
        event.detail = .sorted(place.members + numbers + [.init("code", .string(refusal.code))])
        emit(event)
        return refuse(refusal)
    }
}

extension NodePlace {
    /// How a node's events name it.
    var members: [CanonicalJSON.Member] {
        [.init("node", .string(node)), .init("workflow_run", .string(run.description))]
    }
}

extension AdmitRun {
    /// What names its place in the events of a node; nothing for any other run.
    var placeMembers: [CanonicalJSON.Member] {
        if case .node(let place) = part { place.members } else { [] }
    }

    /// What a key needs for the run.
    func requiredCapability(_ model: String) -> Capability {
        WorkflowName.slug(in: model).map(Capability.runWorkflow) ?? .runModel(model)
    }
}
