public import Ledger
public import LedgerStore
public import Runs

extension LedgerStore: WorkflowStore {
    /// Workflows of an account.
    public func workflows(of account: AccountID, slug: String?) async throws(LedgerFailure) -> [StoredWorkflow] {
        do throws(LedgerStoreError) {
            return try await readWorkflows(of: account, slug: slug).map {
                StoredWorkflow(owner: account, workflow: $0.workflow, text: $0.document)
            }
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Templates that others than an account show to everybody.
    public func templates(
        besides account: AccountID,
        slug: String?,
        mostOfOne: Int,
        most: Int
    ) async throws(LedgerFailure) -> [StoredWorkflow] {
        do throws(LedgerStoreError) {
            return try await readTemplates(besides: account, slug: slug, mostOfOne: mostOfOne, most: most).map {
                StoredWorkflow(owner: $0.owner, workflow: $0.workflow, text: $0.document)
            }
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// The document of a version of a workflow.
    public func document(
        of account: AccountID,
        slug: String,
        version: Int32
    ) async throws(LedgerFailure) -> String? {
        do throws(LedgerStoreError) {
            return try await readDocument(of: account, slug: slug, version: version)
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Whose some slugs are.
    public func owners(of slugs: [String]) async throws(LedgerFailure) -> [String: AccountID] {
        do throws(LedgerStoreError) {
            return try await readSlugs(slugs)
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// Whether strangers see what an account shows to everybody.
    public func showsToEverybody(_ account: AccountID) async throws(LedgerFailure) -> Bool {
        do throws(LedgerStoreError) {
            return try await readAccount(account).map { $0.isApproved && !$0.isClosed } ?? false
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// The model nodes of a workflow's run.
    public func nodes(of run: ExecutionID, account: AccountID) async throws(LedgerFailure) -> [NodeRecord] {
        do throws(LedgerStoreError) {
            return try await readNodes(of: run, account: account).map {
                NodeRecord(node: $0.node, execution: $0.execution, report: $0.report)
            }
        } catch {
            throw LedgerFailure(error)
        }
    }
}
