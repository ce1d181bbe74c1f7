import Ledger
import Registry
import Workflows

/// What can be found out about a request to run a workflow before the ledger is asked. Pure.
struct WorkflowPreflight {
    /// What the ledger is told.
    var outcome: Preflight
    /// The workflow's name, when the path has a slug.
    var name: String?
    /// The graph, once it was found that it can run.
    var graph: WorkflowGraph?
    /// The inputs with defaults, once they were checked.
    var inputs: JSONValue?
    /// What is wrong with the inputs.
    var issues: [InputIssue] = []
    /// What keeps the graph from running.
    var graphIssues: [WorkflowIssue] = []
    /// SHA-256 of the canonical inputs.
    var digest: Digest?
    /// The model nodes with what is known of their prices.
    var nodes: [NodeQuote] = []

    init(_ request: RunRequest, _ stored: StoredWorkflow?, models: ModelRegistry) {
        guard Slug.isValid(request.slug) else {
            self.outcome = .invalidSlug
            return
        }
        self.name = WorkflowName.of(request.slug)
        guard let body = try? JSONValue(parsing: request.body), body.objectValue != nil else {
            self.outcome = .invalidBody
            return
        }
        guard let sent = body["inputs"], sent.objectValue != nil else {
            self.issues = [InputIssue(missing: body["inputs"])]
            self.outcome = .invalidInputs(problems: 1)
            return
        }
        self.digest = Digest(bytes: sent.canonicalDigest)
        guard let stored else {
            self.outcome = .workflowNotFound
            return
        }
        self.outcome = .invalidWorkflow(problems: 1)
        guard let graph = graph(of: stored, models) else { return }
        switch graph.inputSchema.validate(sent) {
        case .invalid(let issues):
            self.issues = issues
            self.outcome = .invalidInputs(problems: issues.count)
        case .valid(let inputs):
            quote(graph, inputs.json, stored.workflow.version, models)
        }
    }

    /// The graph, if it can run with the models as they are now.
    private mutating func graph(of stored: StoredWorkflow, _ models: ModelRegistry) -> WorkflowGraph? {
        do throws(WorkflowError) {
            guard let json = try? JSONValue(text: stored.text) else { return nil }
            let graph = try WorkflowDocument(json).graph
            graphIssues = graph.issues(models: models)
            if graph.isDraft { graphIssues = [WorkflowIssue("is a draft: it has no nodes", at: "/nodes")] }
            outcome = .invalidWorkflow(problems: graphIssues.count)
            return graphIssues.isEmpty ? graph : nil
        } catch {
            graphIssues = error.issues
            outcome = .invalidWorkflow(problems: error.issues.count)
            return nil
        }
    }

    private mutating func quote(
        _ graph: WorkflowGraph,
        _ inputs: JSONValue,
        _ version: Int32,
        _ models: ModelRegistry
    ) {
        let given = graph.results(of: inputs, models)
        let known = Set(graph.modelNodesKnownBeforehand.map(\.id))
        var total = Credits.zero
        for node in graph.connectedNodes {
            guard case .model(let name, _) = node.kind, let model = models.model(named: name) else { continue }
            var amount: Credits?
            if known.contains(node.id), let inputs = graph.modelInputs(of: node.id, from: given, models: models) {
                switch model.validate(inputs) {
                case .invalid(let found):
                    issues += found.map { InputIssue(path: "nodes/\(node.id)/\($0.path)", message: $0.message) }
                case .valid(let validated): amount = (try? model.quote(validated))?.amount
                }
            }
            total = amount.flatMap { total.adding($0) } ?? total
            nodes.append(NodeQuote(model: name, amount: amount))
        }
        guard issues.isEmpty else {
            outcome = .invalidInputs(problems: issues.count)
            return
        }
        let terms = WorkflowTerms(graph, models)
        self.graph = graph
        self.inputs = inputs
        outcome = .quoted(
            RunQuote(
                amount: total,
                priceVersion: String(version),
                definitionVersion: version,
                requiredTier: terms.requiredTier,
                supportsAsync: true,
                deadlineSeconds: terms.deadlineSeconds,
                unresolvedHoldSeconds: terms.unresolvedHoldSeconds,
                unresolvedPolicy: .release
            )
        )
    }
}

/// How long a workflow's run can take, and which plan it needs.
struct WorkflowTerms {
    /// The most that an HTTP Request node takes.
    static let callSeconds: Int64 = 30
    /// Seconds beyond everything that its nodes may take after which a run is given up that nobody has ended.
    private static let graceSeconds: Int64 = 86_400

    private(set) var requiredTier = Tier.free
    /// The longest that nodes one after another may take.
    private(set) var deadlineSeconds: Int64 = 60
    /// The longest that nodes one after another may stay unresolved, and some more.
    private(set) var unresolvedHoldSeconds: Int64 = Self.graceSeconds

    init(_ graph: WorkflowGraph, _ models: ModelRegistry) {
        guard case .levels(let levels) = graph.order() else { return }
        for level in levels {
            var (longest, unresolved): (Int64, Int64) = (0, 0)
            for id in level {
                switch graph.node(id)?.kind {
                case .model(let name, _):
                    guard let model = models.model(named: name) else { continue }
                    requiredTier = max(requiredTier, model.requiredTier)
                    longest = max(longest, Int64(model.deadlineSeconds))
                    unresolved = max(unresolved, Int64(model.unresolved.holdSeconds))
                case .httpRequest: longest = max(longest, Self.callSeconds)
                default: break
                }
            }
            deadlineSeconds += longest
            unresolvedHoldSeconds += unresolved
        }
    }
}

extension WorkflowGraph {
    /// What the nodes that run nothing give once the caller's inputs are known: Request Inputs, and lists of nothing else.
    func results(of inputs: JSONValue, _ models: ModelRegistry) -> [String: [String: JSONValue]] {
        var progress = WorkflowProgress(self, inputs: inputs)
        while true {
            let lists = progress.begin(atMost: .max).filter { node in
                if case .list = node.kind { true } else { false }
            }
            guard !lists.isEmpty else { return progress.results }
            for list in lists {
                let items = items(of: list.id, from: progress.results, models: models)
                progress.ended(list.id, .done(["items": .array(items)]))
            }
        }
    }
}

extension InputIssue {
    /// What is wrong with `inputs` that are missing or no object.
    init(missing inputs: JSONValue?) {
        self.init(path: "inputs", message: inputs == nil ? "is required" : "must be an object")
    }
}
