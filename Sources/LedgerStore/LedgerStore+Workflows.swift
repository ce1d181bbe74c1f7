public import Ledger
import Postgres

/// Workflows as their owners saved them, and the nodes of their runs.
extension LedgerStore {
    /// Workflows of an account with their latest documents, the latest saved first.
    ///
    /// - Parameter slug: only this one; nil for all.
    public func readWorkflows(
        of account: AccountID,
        slug: String? = nil
    ) async throws(LedgerStoreError) -> [(workflow: Workflow, document: String)] {
        let rows = try await ask(ReadWorkflows(journal: journal(of: account), account: account, slug: slug))
        guard !rows.isEmpty else { return [] }
        let key = try await findDataKey(of: account)
        return rows.compactMap { row in
            let place = SealedPlace.document(slug: row.workflow.slug, version: row.workflow.version)
            return key.open(row.document, for: place).map { (workflow: row.workflow, document: $0) }
        }
    }

    /// Templates that others than an account show to everybody, the latest saved first.
    ///
    /// - Parameters:
    ///   - slug: only this one; nil for all.
    ///   - mostOfOne: templates of one account.
    ///   - most: templates in all.
    public func readTemplates(
        besides account: AccountID,
        slug: String? = nil,
        mostOfOne: Int,
        most: Int
    ) async throws(LedgerStoreError) -> [(owner: AccountID, workflow: Workflow, document: String)] {
        let rows = try await ask(ReadTemplates(account: account, slug: slug, mostOfOne: mostOfOne, most: most))
        var keys: [AccountID: DataKey] = [:]
        for owner in Set(rows.map(\.owner)) { keys[owner] = try await findDataKey(of: owner) }
        return rows.compactMap { row in
            let place = SealedPlace.document(slug: row.workflow.slug, version: row.workflow.version)
            return keys[row.owner].open(row.document, for: place).map {
                (owner: row.owner, workflow: row.workflow, document: $0)
            }
        }
    }

    /// The document of a version of a workflow, as canonical JSON; nil when it is not kept.
    public func readDocument(
        of account: AccountID,
        slug: String,
        version: Int32
    ) async throws(LedgerStoreError) -> String? {
        let reading = ReadDocument(journal: journal(of: account), account: account, slug: slug, version: version)
        guard let document = try await ask(reading).first else { return nil }
        let key = try await findDataKey(of: account)
        return key.open(document, for: .document(slug: slug, version: version))
    }

    /// Whose slugs some are; those that are nobody's are left out.
    public func readSlugs(_ slugs: [String]) async throws(LedgerStoreError) -> [String: AccountID] {
        let rows = try await ask(LoadSlugs(slugs: slugs))
        return Dictionary(rows.map { ($0.value, $0.account) }) { first, _ in first }
    }

    /// The nodes of a workflow's run of an account: each with its own run, and what is kept of its end.
    public func readNodes(
        of run: ExecutionID,
        account: AccountID
    ) async throws(LedgerStoreError) -> [(node: NodeRun, execution: Execution, report: RunReport?)] {
        let journal = journal(of: account)
        var unit = PipelineBatch()
        unit.begin(.repeatableReadOnly)
        unit.append(LoadNodeRuns(journal: journal, runs: [run]))
        unit.append(LoadNodeExecutions(journal: journal, account: account, run: run))
        unit.commit()
        let results = try await ask(unit)
        let executions: [Execution]
        let rows: [ProjectionRow<NodeRun>]
        do throws(PostgresError) {
            rows = try results[1].decode(as: LoadNodeRuns.self)
            executions = try results[2].decode(as: LoadNodeExecutions.self)
        } catch {
            throw LedgerStoreError(.damaged, outcome: .rolledBack, error.description)
        }
        let nodes = Dictionary(rows.filter { $0.account == account }.map { ($0.value.executionID, $0.value) }) { $1 }
        let reports = try await reports(of: executions.map(\.id), in: journal)
        return executions.compactMap { execution in
            nodes[execution.id].map { (node: $0, execution: execution, report: reports[execution.id]) }
        }
    }

    /// The nodes of some workflows' runs of an account, by run.
    public func readNodeRuns(
        of runs: [ExecutionID],
        account: AccountID
    ) async throws(LedgerStoreError) -> [ExecutionID: [NodeRun]] {
        guard !runs.isEmpty else { return [:] }
        let rows = try await ask(LoadNodeRuns(journal: journal(of: account), runs: runs))
        return Dictionary(grouping: rows.filter { $0.account == account }.map(\.value), by: \.place.run)
    }

    /// Deletes documents that nothing needs any more.
    public func trimDocuments() async throws(LedgerStoreError) {
        for number in 0..<journalCount {
            _ = try await change(TrimDocuments(journal: JournalID(number), accounts: nil))
        }
    }
}

/// What a batch's commands do to documents, in the transaction of their events.
struct DocumentChanges: Sendable {
    private var saved: [ProjectionRow<SavedDocument>] = []
    private var accounts: Set<AccountID> = []

    /// Adds what one command does, given how it was decided.
    mutating func add(_ command: Command, _ side: PrivateSide?, _ decision: Decision) {
        switch command.action {
        case .saveWorkflow(let wish):
            guard case .saved = decision.verdict else { break }
            let place = SealedPlace.document(slug: wish.slug, version: wish.version)
            let document = SavedDocument(
                slug: wish.slug,
                version: wish.version,
                text: side.key.seal(wish.document, for: place),
                isShared: wish.isShared
            )
            saved.append(ProjectionRow(command.accountID, document))
            accounts.insert(command.accountID)
        case .deleteWorkflow where decision.verdict == .done: accounts.insert(command.accountID)
        default: break
        }
    }

    func append(to unit: inout PipelineBatch, journal: JournalID) {
        if !saved.isEmpty { unit.append(InsertDocuments(journal: journal, documents: saved)) }
        // After the rows of the workflows, which say what is needed.
        unit.append(TrimDocuments(journal: journal, accounts: accounts.sorted()))
    }

    /// Whether a batch has anything to write here.
    var isEmpty: Bool { accounts.isEmpty }
}
