/// What events of workflows change.
extension LedgerState {
    mutating func applyWorkflow(_ content: EventContent) throws(FoldError) {
        guard let slug = content.model.flatMap(WorkflowName.slug(in:)),
            let version = content.detail?["version"]?.integerValue.flatMap({ Int32(exactly: $0) })
        else { throw FoldError("\(content.type.rawValue) without slug and version") }
        changes.workflows.insert(slug)
        if content.type == .workflowDeleted {
            guard workflows[slug]?.version == version, workflows[slug]?.deletedAt == nil else {
                throw FoldError("workflow.deleted of an unknown workflow")
            }
            workflows[slug]?.deletedAt = content.recordedAt
            return
        }
        guard let digest = content.text("digest").flatMap({ Digest(hexadecimal: $0) }) else {
            throw FoldError("workflow.saved without its digest")
        }
        if version == 1, workflows[slug] == nil {
            workflows[slug] = Workflow(
                slug: slug,
                version: version,
                digest: digest,
                createdAt: content.recordedAt,
                savedAt: content.recordedAt
            )
            return
        }
        guard let workflow = workflows[slug], workflow.version + 1 == version, workflow.deletedAt == nil else {
            throw FoldError("workflow.saved as a version that does not come next")
        }
        workflows[slug]?.version = version
        workflows[slug]?.digest = digest
        workflows[slug]?.savedAt = content.recordedAt
    }

    /// Notes which node of which workflow a run belongs to, if it does to any.
    mutating func applyPlace(_ content: EventContent, _ executionID: ExecutionID) throws(FoldError) {
        guard let node = content.text("node") else { return }
        guard let run = content.text("workflow_run").flatMap({ ExecutionID(text: $0) }), let model = content.model,
            NodePlace(run: run, node: node).executionID == executionID
        else { throw FoldError("\(content.type.rawValue) of a node under an id that is not the node's") }
        let place = NodePlace(run: run, node: node)
        nodeRuns[run, default: []].insert(NodeRun(place: place, executionID: executionID, model: model))
        changes.nodeRuns.insert(run)
    }

    /// What ends a workflow's run ends its place among the runs under way; what it has cost is the sum of its nodes.
    mutating func endWorkflow(_ execution: inout Execution, _ content: EventContent) {
        guard execution.workflowSlug != nil else { return }
        execution.charged = content.detail?["cost"]?.amountValue ?? .zero
        holds[execution.holdID] = nil
        changes.holds.insert(execution.holdID)
    }

    /// What is wrong with the cost that an event says a workflow's run has had; nil when nothing is, and for every other
    /// event. Only a state that knows all of the account's runs can tell.
    public func costFault(of content: EventContent) -> String? {
        guard let id = content.executionID, let execution = executions[id], execution.workflowSlug != nil,
            execution.status.isEnd, content.detail?["cost"] != nil
        else { return nil }
        let sum = nodeRuns[id, default: []].reduce(Credits.zero) { sum, node in
            sum + (executions[node.executionID]?.charged ?? .zero)
        }
        return sum == execution.charged ? nil : "the workflow cost \(execution.charged), and its nodes \(sum)"
    }
}
