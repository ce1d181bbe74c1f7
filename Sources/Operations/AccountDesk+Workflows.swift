import App
public import Ledger
import LedgerStore
public import Registry
public import Runs

extension AccountDesk {
    /// An account's workflows with their latest documents, the latest saved first.
    public func workflows(of account: AccountID) async throws(OperationError) -> [StoredWorkflow] {
        _ = try await state(of: account)
        return try await asking { () throws(LedgerFailure) in try await store.workflows(of: account, slug: nil) }
    }

    /// One of an account's workflows.
    ///
    /// - Throws: `negative` when the account has none of this name.
    public func workflow(_ slug: String, of account: AccountID) async throws(OperationError) -> StoredWorkflow {
        _ = try await state(of: account)
        let found = try await asking { () throws(LedgerFailure) in
            try await store.workflows(of: account, slug: slug).first
        }
        guard let found else {
            throw OperationError(.negative, "The account has no workflow `\(slug)`.")
        }
        return found
    }

    /// The model nodes of a workflow's run that were held.
    public func nodes(
        of run: ExecutionID,
        account: AccountID
    ) async throws(OperationError) -> [NodeRecord] {
        _ = try await state(of: account)
        return try await asking { () throws(LedgerFailure) in try await store.nodes(of: run, account: account) }
    }
}

extension StoredWorkflow {
    /// The workflow as programs are shown it, with its document.
    public var json: JSONValue {
        [
            "slug": .string(workflow.slug), "version": .integer(Int64(workflow.version)),
            "digest": .string(workflow.digest.description), "createdAt": .moment(workflow.createdAt),
            "savedAt": .moment(workflow.savedAt), "document": (try? JSONValue(text: text)) ?? .null,
        ]
    }
}

extension NodeRecord {
    /// The node as programs are shown it.
    public var summary: JSONValue {
        [
            "node": .string(node.place.node), "model": .string(node.model),
            "execution": .string(execution.id.description), "status": .string(UsageStatus(execution.status).rawValue),
            "credits": .credits(execution.charged), "errorCode": execution.errorCode.map { .string($0) } ?? .null,
        ]
    }
}
