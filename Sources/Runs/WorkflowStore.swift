public import Ledger
public import Registry
public import Workflows

/// Where workflows and the nodes of their runs are, for every process.
public protocol WorkflowStore: Sendable {
    /// Workflows of an account, the latest saved first.
    ///
    /// - Parameter slug: only this one; nil for all.
    func workflows(of account: AccountID, slug: String?) async throws(LedgerFailure) -> [StoredWorkflow]

    /// Templates that others than an account show to everybody, the latest saved first. What is deleted is none, nor what
    /// an account has that is closed or waits for approval.
    ///
    /// - Parameters:
    ///   - slug: only this one; nil for all.
    ///   - mostOfOne: templates of one account.
    ///   - most: templates in all.
    func templates(
        besides account: AccountID,
        slug: String?,
        mostOfOne: Int,
        most: Int
    ) async throws(LedgerFailure) -> [StoredWorkflow]

    /// The document of a version of a workflow, as canonical JSON; nil when it is not kept.
    func document(
        of account: AccountID,
        slug: String,
        version: Int32
    ) async throws(LedgerFailure) -> String?

    /// Whose slugs some are, on the whole platform; those that are nobody's are left out.
    func owners(of slugs: [String]) async throws(LedgerFailure) -> [String: AccountID]

    /// Whether strangers see what an account shows to everybody: it is approved and not closed.
    func showsToEverybody(_ account: AccountID) async throws(LedgerFailure) -> Bool

    /// The model nodes of a workflow's run that were held, in that order.
    func nodes(of run: ExecutionID, account: AccountID) async throws(LedgerFailure) -> [NodeRecord]
}

/// A workflow with its latest document.
public struct StoredWorkflow: Hashable, Sendable {
    /// Whose it is.
    public let owner: AccountID
    /// What the ledger knows of it.
    public let workflow: Workflow
    /// The document as canonical JSON.
    public let text: String
    /// Makes a stored workflow.
    public init(owner: AccountID, workflow: Workflow, text: String) {
        self.owner = owner
        self.workflow = workflow
        self.text = text
    }
}

/// Sends what HTTP Request nodes ask for, to addresses that the service may reach.
public protocol WorkflowCaller: Sendable {
    /// Sends a request once.
    func call(_ call: HTTPCall) async -> CallEnd
}

/// How an HTTP Request node's call ended.
public enum CallEnd: Hashable, Sendable {
    /// The answer: its status, and its body as JSON or else as text.
    case answered(status: Int, body: JSONValue)
    /// There is none, for a reason that the owner may read.
    case failed(String)
}

/// What the nodes of a workflow's run have come to.
public struct WorkflowEnd: Sendable {
    /// The model nodes that were held, in that order.
    public let nodes: [NodeRecord]
    /// Makes an end.
    public init(nodes: [NodeRecord]) { self.nodes = nodes }

    /// Credits debited.
    public var cost: Credits { nodes.reduce(.zero) { $0 + $1.execution.charged } }
    /// What providers charge us.
    var providerCost: MicroUSD {
        MicroUSD(microdollars: nodes.reduce(0) { $0 + ($1.execution.providerCost?.microdollars ?? 0) })
    }
    /// Both, as the event that ends the run says it.
    var nodesCost: SettleRun.NodesCost { SettleRun.NodesCost(credits: cost, providers: providerCost) }
}
