/// Workflows as their events recorded them.
extension RecordedCommand {
    /// A document that was saved, of which the event has the digest, or a workflow that was deleted.
    static func workflow(_ main: EventContent) -> Command.Action? {
        guard let key = main.keyID, let slug = main.model.flatMap(WorkflowName.slug(in:)) else { return nil }
        if main.type == .workflowDeleted { return .deleteWorkflow(DeleteWorkflow(keyID: key, slug: slug)) }
        guard let version = main.detail?["version"]?.integerValue.flatMap({ Int32(exactly: $0) }),
            let digest = main.text("digest").flatMap({ Digest(hexadecimal: $0) })
        else { return nil }
        return .saveWorkflow(SaveWorkflow(keyID: key, slug: slug, version: version, recorded: digest))
    }

    /// The admission of a node, which names its place.
    static func node(_ main: EventContent, _ contents: [EventContent]) -> Command.Action? {
        guard let run = main.text("workflow_run").flatMap({ ExecutionID(text: $0) }), let node = main.text("node"),
            let execution = main.executionID, let key = main.keyID, let preflight = preflight(main, contents)
        else { return nil }
        return .admitRun(
            AdmitRun(
                executionID: execution,
                keyID: key,
                model: main.model,
                inputsDigest: nil,
                preflight: preflight,
                isAsync: main.detail?["async"]?.booleanValue ?? false,
                instance: main.text("instance").flatMap { Int64($0) } ?? 0,
                part: .node(NodePlace(run: run, node: node))
            )
        )
    }

    /// What a workflow's run was asked to pay for, as far as it decided: nodes that could be paid for leave no trace.
    static func whole(_ main: EventContent, _ received: EventContent, _ state: LedgerState) -> WorkflowPart? {
        guard let model = received.model, WorkflowName.slug(in: model) != nil else { return nil }
        switch main.type {
        case .creditsRefused:
            return .whole([NodeQuote(model: "", amount: main.detail?["required"]?.amountValue)])
        case .grantRefused:
            let grant = main.grantID.flatMap { state.grants[$0] }
            return .whole([NodeQuote(model: grant?.model ?? "", amount: nil)])
        default: return .whole([])
        }
    }

    /// What the nodes of a workflow that did not succeed had cost.
    static func nodesCost(_ main: EventContent) -> SettleRun.NodesCost? {
        guard main.type != .executionSucceeded, let credits = main.detail?["cost"]?.amountValue,
            let providers = main.text("provider_microusd").flatMap({ Int64($0) })
        else { return nil }
        return SettleRun.NodesCost(credits: credits, providers: MicroUSD(microdollars: providers))
    }
}
