/// A workflow as the ledger knows it: which slug is whose, and which document its versions have. The documents are kept
/// beside the events, because what people write does not enter an event: a digest does.
public struct Workflow: Hashable, Sendable {
    /// Workflows that an account may have at a time.
    public static let most = 1_000

    /// Names it for good, on the whole platform.
    public let slug: String
    /// The version of its document, from 1.
    public var version: Int32
    /// Names its document as canonical JSON: the account's commitment to its SHA-256; in older events the SHA-256.
    public var digest: Digest
    /// When it was made.
    public let createdAt: Timestamp
    /// When its document was saved last.
    public var savedAt: Timestamp
    /// When it was deleted; its slug is not given again.
    public var deletedAt: Timestamp?

    /// Makes a workflow.
    public init(
        slug: String,
        version: Int32,
        digest: Digest,
        createdAt: Timestamp,
        savedAt: Timestamp,
        deletedAt: Timestamp? = nil
    ) {
        self.slug = slug
        self.version = version
        self.digest = digest
        self.createdAt = createdAt
        self.savedAt = savedAt
        self.deletedAt = deletedAt
    }
}

/// Saves a workflow's document.
public struct SaveWorkflow: Hashable, Sendable {
    /// The key that asks.
    public let keyID: KeyID
    /// The workflow.
    public let slug: String
    /// The version that the document becomes: 1 makes a workflow, any other is one more than the workflow has.
    public let version: Int32
    /// The document as canonical JSON. It is stored in the transaction of the event.
    public let document: String
    /// Whether everybody may read it. Kept with the document, not in the event.
    public let isShared: Bool
    /// SHA-256 of the document. A store puts the account's commitment to it in its place.
    public var digest: Digest

    /// Makes the wish.
    public init(keyID: KeyID, slug: String, version: Int32, document: String, isShared: Bool = false) {
        self.keyID = keyID
        self.slug = slug
        self.version = version
        self.document = document
        self.isShared = isShared
        self.digest = Digest(of: Array(document.utf8))
    }

    /// The wish as its event recorded it, without the document.
    init(keyID: KeyID, slug: String, version: Int32, recorded digest: Digest) {
        self.keyID = keyID
        self.slug = slug
        self.version = version
        self.document = ""
        self.isShared = false
        self.digest = digest
    }
}

/// Deletes a workflow. Runs of it that are under way go on.
public struct DeleteWorkflow: Hashable, Sendable {
    /// The key that asks.
    public let keyID: KeyID
    /// The workflow.
    public let slug: String
    /// Makes the wish.
    public init(keyID: KeyID, slug: String) {
        self.keyID = keyID
        self.slug = slug
    }
}

/// What an admission is of, if it is not the run of a model that somebody has asked for.
public enum WorkflowPart: Hashable, Sendable {
    /// A whole workflow. Its nodes are held and charged one by one; these are the prices of those whose inputs are known.
    case whole([NodeQuote])
    /// A model node of a workflow that is under way.
    case node(NodePlace)
}

/// What is known of a model node before its workflow starts.
public struct NodeQuote: Hashable, Sendable {
    /// The model's internal name.
    public let model: String
    /// The most that it can cost; nil when that depends on what other nodes give.
    public let amount: Credits?
    /// Makes a quote.
    public init(model: String, amount: Credits?) {
        self.model = model
        self.amount = amount
    }
}

/// A node of a workflow that is under way.
public struct NodePlace: Hashable, Sendable {
    /// The workflow's run.
    public let run: ExecutionID
    /// The node's id in the document.
    public let node: String

    /// Makes a place.
    public init(run: ExecutionID, node: String) {
        self.run = run
        self.node = node
    }

    /// The id of the node's own run. It follows from the place, so that no node can be held twice whoever tries: the first
    /// eight bytes are the workflow run's, and with them the journal; the last come from SHA-256.
    public var executionID: ExecutionID {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(run.value.high)
        bytes.appendBigEndian(run.value.low)
        bytes += node.utf8
        let low = Digest(of: bytes).words.0
        return ExecutionID(
            Identifier128(high: run.value.high, low: (low & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000)
        )
    }
}

/// A node's own run, and which node of which workflow it is.
public struct NodeRun: Hashable, Sendable {
    /// The node.
    public let place: NodePlace
    /// The node's own run: its hold, its dispatch and its debit.
    public let executionID: ExecutionID
    /// The model's internal name.
    public let model: String
    /// Makes a node's run.
    public init(place: NodePlace, executionID: ExecutionID, model: String) {
        self.place = place
        self.executionID = executionID
        self.model = model
    }
}

/// How executions and events name what runs: a model by its internal name, a workflow by its slug after `workflow:`, which
/// no model can be called.
public enum WorkflowName {
    private static let prefix = "workflow:"
    /// The name of the workflow with a slug.
    public static func of(_ slug: String) -> String { prefix + slug }
    /// The slug in a workflow's name; nil for a model's.
    public static func slug(in name: String) -> String? {
        name.utf8.starts(with: prefix.utf8) ? String(name.dropFirst(prefix.count)) : nil
    }
}

extension Execution {
    /// The workflow that it is a run of; nil for the run of a model.
    public var workflowSlug: String? { WorkflowName.slug(in: model) }
}

extension Capability {
    /// The narrowest capability that lets a key run one workflow: `workflow:<slug>:run`.
    public static func runWorkflow(_ slug: String) -> Capability {
        Capability(unchecked: "workflow:" + slug + ":run")
    }
}
