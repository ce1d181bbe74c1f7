public import Ledger
public import Registry
import Traces
public import Workflows

/// Saves, shows and deletes workflows for their owners (api-contract, section 7).
///
/// Every request counts as a read, whatever it does; runs have a window of their own.
public struct WorkflowDesk: Sendable {
    /// How often a save is tried because somebody else saves at the same time.
    private static let attempts = 5
    /// The same for slugs that somebody else takes: whoever lost the first number draws one of the next.
    private static let slugAttempts = 12
    /// Slugs of a base that are looked at together.
    private static let candidates = 50
    /// Others' templates that a list has of one account, and in all.
    private static let mostTemplates = (ofOne: 10, all: 100)

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
        /// Whose it is.
        public let owner: AccountID
        /// What the ledger knows of it.
        public let workflow: Workflow
        /// Its document.
        public let document: WorkflowDocument
    }

    /// How a wish to save ended.
    public enum Saved: Sendable {
        /// It is saved as this.
        case saved(Entry, window: WindowStatus?)
        /// The same request was there before, and was answered so.
        case repeated(RecordedAnswer)
        /// The document can't be saved; all that is wrong with it.
        case invalid([WorkflowIssue], window: WindowStatus?)
        /// It was refused.
        case refused(Refusal, window: WindowStatus?)
        /// The ledger can't be asked.
        case unavailable(LedgerFailure)
    }

    /// The account's workflows, and then others' templates, each the latest saved first.
    public func list(for identity: KeyAuthenticator.Identity) async -> DeskAnswer<[Entry]> {
        await reading(identity) { () async throws(LedgerFailure) in
            try await entries(of: identity.accountID, slug: nil) + templates(besides: identity.accountID, slug: nil)
        }
    }

    /// One of the account's workflows, or else another's template; nil when there is none with this slug.
    public func read(_ slug: String, for identity: KeyAuthenticator.Identity) async -> DeskAnswer<Entry?> {
        await reading(identity) { () async throws(LedgerFailure) in
            guard Slug.isValid(slug) else { return nil }
            if let own = try await entries(of: identity.accountID, slug: slug).first { return own }
            return try await templates(besides: identity.accountID, slug: slug).first
        }
    }

    /// A workflow whose owner lets anybody read its schema; nil when there is none with this slug, or the owner's account is
    /// closed or waits for approval.
    public func readPublic(_ slug: String) async throws(LedgerFailure) -> Entry? {
        guard Slug.isValid(slug), let owner = try await store.owners(of: [slug])[slug] else { return nil }
        guard let entry = try await entries(of: owner, slug: slug).first, entry.document.isPublic else { return nil }
        return try await store.showsToEverybody(owner) ? entry : nil
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
            for attempt in 0..<Self.slugAttempts {
                let slug = try await freeSlug(base, isFirst: attempt == 0)
                let wish = SaveWorkflow(identity.keyID, slug, version: 1, document)
                let idempotency = keyed?(slug, document)
                let verdict = try await decide(.saveWorkflow(wish), identity, request, idempotency)
                switch verdict {
                case .refused(.workflowSlugTaken, _): continue
                case .refused(let refusal, _): return .refused(refusal, window: window)
                case .repeated(let claim):
                    let answer = try await reader.recordedAnswer(of: identity.accountID, key: claim.key)
                    guard let answer else { return .unavailable(.overloaded) }
                    return .repeated(answer)
                default: return Self.saved(verdict, document, identity, window)
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
                let wish = SaveWorkflow(identity.keyID, slug, version: stored.workflow.version + 1, document)
                let verdict = try await decide(.saveWorkflow(wish), identity, request)
                switch verdict {
                case .refused(.workflowChanged, _): continue
                case .refused(let refusal, _): return .refused(refusal, window: window)
                default: return Self.saved(verdict, document, identity, window)
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

    private static func saved(
        _ verdict: Verdict,
        _ document: WorkflowDocument,
        _ identity: KeyAuthenticator.Identity,
        _ window: WindowStatus?
    ) -> Saved {
        guard case .saved(let workflow) = verdict else {
            return .unavailable(.unavailable(mayHaveHappened: true, reason: "the save was decided before"))
        }
        return .saved(Entry(owner: identity.accountID, workflow: workflow, document: document), window: window)
    }

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
                let issues = document.listingIssues + document.graph.issues(models: models)
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
        try await store.workflows(of: account, slug: slug).compactMap { Entry($0) }
    }

    /// Others' templates as everybody sees them.
    private func templates(besides account: AccountID, slug: String?) async throws(LedgerFailure) -> [Entry] {
        try await store.templates(
            besides: account,
            slug: slug,
            mostOfOne: Self.mostTemplates.ofOne,
            most: Self.mostTemplates.all
        ).compactMap { Entry($0) }
    }

    /// A slug of a base that nobody has, as far as can be seen: the first one, or any of the next.
    private func freeSlug(_ base: String, isFirst: Bool) async throws(LedgerFailure) -> String {
        var first = 1
        while true {
            // Then more: common names have many.
            let candidates = (first..<(first + Self.candidates)).map { WorkflowSlug.candidate($0, of: base) }
            let taken = try await store.owners(of: candidates)
            let free = candidates.filter { taken[$0] == nil }
            if let slug = isFirst ? free.first : free.randomElement() { return slug }
            first += Self.candidates
        }
    }
}

extension WorkflowDesk.Entry {
    /// Reads a stored workflow; nil when its document can no longer be read.
    fileprivate init?(_ stored: StoredWorkflow) {
        guard let json = try? JSONValue(text: stored.text), let document = try? WorkflowDocument(json) else {
            return nil
        }
        self.init(owner: stored.owner, workflow: stored.workflow, document: document)
    }
}

extension SaveWorkflow {
    fileprivate init(_ key: KeyID, _ slug: String, version: Int32, _ document: WorkflowDocument) {
        self.init(
            keyID: key,
            slug: slug,
            version: version,
            document: document.json.description,
            isShared: document.isShared
        )
    }
}
