public import Ledger
public import Registry
import Traces
public import Workflows

/// Saves, shows and deletes workflows for their owners (api-contract, section 7).
///
/// Every request counts as a read, whatever it does; runs have a window of their own.
public struct WorkflowDesk: Sendable {
    /// How often a save is tried again because somebody else saved or took a slug at the same time.
    private static let attempts = 5

    private let service: RunService
    private let store: any WorkflowStore
    private let reader: any AnswerStore

    /// Makes a desk; nil for a service without workflows.
    public init?(for service: RunService) {
        guard let store = service.workflows, let reader = service.answers else { return nil }
        self.service = service
        self.store = store
        self.reader = reader
    }

    /// The models that graphs are checked with now.
    public var models: ModelRegistry { service.models.current }

    /// A workflow with its document read.
    public struct Entry: Sendable {
        /// What the ledger knows of it.
        public let workflow: Workflow
        /// Its document.
        public let document: WorkflowDocument
    }

    /// How a wish to save ended.
    public enum Saved: Sendable {
        /// It is saved as this version.
        case saved(slug: String, version: Int32, window: WindowStatus?)
        /// The same request was there before, and was answered so.
        case repeated(RecordedAnswer)
        /// The document can't be saved; all that is wrong with it.
        case invalid([WorkflowIssue], window: WindowStatus?)
        /// It was refused.
        case refused(Refusal, window: WindowStatus?)
        /// The ledger can't be asked.
        case unavailable(LedgerFailure)
    }

    /// The account's workflows, the latest saved first.
    public func list(for identity: KeyAuthenticator.Identity) async -> DeskAnswer<[Entry]> {
        await reading(identity) { () async throws(LedgerFailure) in
            try await entries(of: identity.accountID, slug: nil)
        }
    }

    /// One of the account's workflows; nil when it has none with this slug.
    public func read(_ slug: String, for identity: KeyAuthenticator.Identity) async -> DeskAnswer<Entry?> {
        await reading(identity) { () async throws(LedgerFailure) in
            guard Slug.isValid(slug) else { return nil }
            return try await entries(of: identity.accountID, slug: slug).first
        }
    }

    /// A workflow whose owner lets anybody read its schema; nil when there is none with this slug.
    public func readPublic(_ slug: String) async throws(LedgerFailure) -> Entry? {
        guard Slug.isValid(slug), let owner = try await store.owners(of: [slug])[slug] else { return nil }
        return try await entries(of: owner, slug: slug).first { $0.document.isPublic }
    }

    /// Makes a workflow. Its slug comes from its name, with a number if others have that.
    ///
    /// - Parameters:
    ///   - json: the body.
    ///   - keyed: makes the request known again by its idempotency key, given the answer for a slug; nil without a key.
    public func create(
        _ json: JSONValue,
        for identity: KeyAuthenticator.Identity,
        request: RequestID,
        keyed: (@Sendable (_ slug: String, _ document: WorkflowDocument) -> IdempotentRequest)?
    ) async -> Saved {
        await writing(identity, json) { (document, window) async throws(LedgerFailure) in
            let base = WorkflowSlug.base(of: document.name)
            for _ in 0..<Self.attempts {
                let slug = try await freeSlug(base)
                let wish = SaveWorkflow(
                    keyID: identity.keyID,
                    slug: slug,
                    version: 1,
                    document: document.json.description
                )
                let idempotency = keyed?(slug, document)
                let verdict = try await decide(.saveWorkflow(wish), identity, request, idempotency)
                switch verdict {
                case .refused(.workflowSlugTaken, _): continue
                case .refused(let refusal, _): return .refused(refusal, window: window)
                case .repeated(let claim):
                    let answer = try await reader.recordedAnswer(of: identity.accountID, key: claim.key)
                    guard let answer else { return .unavailable(.overloaded) }
                    return .repeated(answer)
                default: return .saved(slug: slug, version: 1, window: window)
                }
            }
            return .refused(.workflowSlugTaken, window: window)
        }
    }

    /// Saves the next version of a workflow.
    public func update(
        _ slug: String,
        _ json: JSONValue,
        for identity: KeyAuthenticator.Identity,
        request: RequestID
    ) async -> Saved {
        await writing(identity, json) { (document, window) async throws(LedgerFailure) in
            guard Slug.isValid(slug) else { return .refused(.workflowNotFound, window: window) }
            for _ in 0..<Self.attempts {
                guard let stored = try await store.workflows(of: identity.accountID, slug: slug).first else {
                    return .refused(.workflowNotFound, window: window)
                }
                let version = stored.workflow.version
                let wish = SaveWorkflow(
                    keyID: identity.keyID,
                    slug: slug,
                    version: version + 1,
                    document: document.json.description
                )
                switch try await decide(.saveWorkflow(wish), identity, request) {
                case .refused(.workflowChanged, _): continue
                case .refused(let refusal, _): return .refused(refusal, window: window)
                default: return .saved(slug: slug, version: version + 1, window: window)
                }
            }
            return .refused(.workflowChanged, window: window)
        }
    }

    /// Deletes a workflow. Runs of it that are under way go on.
    public func delete(
        _ slug: String,
        for identity: KeyAuthenticator.Identity,
        request: RequestID
    ) async -> DeskAnswer<Void> {
        do throws(LedgerFailure) {
            let window: WindowStatus?
            switch try await admit(identity, .writeWorkflows) {
            case .refused(let refusal, let status): return .refused(refusal, window: status)
            case .admitted(_, let status): window = status
            }
            let wish = DeleteWorkflow(keyID: identity.keyID, slug: slug)
            switch try await decide(.deleteWorkflow(wish), identity, request) {
            case .refused(let refusal, _): return .refused(refusal, window: window)
            default: return .done((), window: window)
            }
        } catch {
            return .unavailable(error)
        }
    }

    // MARK: Parts

    private func admit(
        _ identity: KeyAuthenticator.Identity,
        _ required: Capability
    ) async throws(LedgerFailure) -> ReadAdmittance {
        try await reader.admitRead(
            for: identity,
            in: service.ledger.journal(of: identity.accountID),
            requiring: required
        )
    }

    private func reading<Value: Sendable>(
        _ identity: KeyAuthenticator.Identity,
        _ body: () async throws(LedgerFailure) -> Value
    ) async -> DeskAnswer<Value> {
        do throws(LedgerFailure) {
            switch try await admit(identity, .readWorkflows) {
            case .refused(let refusal, let window): return .refused(refusal, window: window)
            case .admitted(_, let window): return .done(try await body(), window: window)
            }
        } catch {
            return .unavailable(error)
        }
    }

    private func writing(
        _ identity: KeyAuthenticator.Identity,
        _ json: JSONValue,
        _ body: (WorkflowDocument, WindowStatus?) async throws(LedgerFailure) -> Saved
    ) async -> Saved {
        do throws(LedgerFailure) {
            switch try await admit(identity, .writeWorkflows) {
            case .refused(let refusal, let window): return .refused(refusal, window: window)
            case .admitted(_, let window):
                let document: WorkflowDocument
                do throws(WorkflowError) {
                    document = try WorkflowDocument(json)
                } catch {
                    return .invalid(error.issues, window: window)
                }
                let issues = document.graph.issues(models: models)
                guard issues.isEmpty else { return .invalid(issues, window: window) }
                return try await body(document, window)
            }
        } catch {
            return .unavailable(error)
        }
    }

    private func decide(
        _ action: Command.Action,
        _ identity: KeyAuthenticator.Identity,
        _ request: RequestID,
        _ idempotency: IdempotentRequest? = nil
    ) async throws(LedgerFailure) -> Verdict {
        try await service.ledger.decide(
            Command(
                id: service.identifiers.command(),
                accountID: identity.accountID,
                requestID: request,
                action: action,
                idempotency: idempotency,
                traceID: TraceContext.current?.traceID
            )
        )
    }

    private func entries(of account: AccountID, slug: String?) async throws(LedgerFailure) -> [Entry] {
        try await store.workflows(of: account, slug: slug).compactMap { stored in
            guard let json = try? JSONValue(text: stored.text), let document = try? WorkflowDocument(json) else {
                return nil
            }
            return Entry(workflow: stored.workflow, document: document)
        }
    }

    /// The first of a base's slugs that nobody has, as far as can be seen.
    private func freeSlug(_ base: String) async throws(LedgerFailure) -> String {
        var first = 1
        while true {
            // 50 at a time, then more: common names have many.
            let candidates = (first..<(first + 50)).map { WorkflowSlug.candidate($0, of: base) }
            let taken = try await store.owners(of: candidates)
            if let free = candidates.first(where: { taken[$0] == nil }) { return free }
            first += 50
        }
    }
}
