public import Ledger
public import LedgerStore
public import Runs

extension LedgerStore: AccountReader {
    /// An account, the key that asks, and how its owner can be reached.
    public func standing(of account: AccountID, key: KeyID) async throws(LedgerFailure) -> AccountStanding {
        do throws(LedgerStoreError) {
            let found = try await readStanding(of: account, key: key)
            return AccountStanding(account: found.account, key: found.key, email: found.email)
        } catch {
            throw LedgerFailure(error)
        }
    }

    /// A page of an account's runs.
    public func usage(of account: AccountID, _ query: UsageQuery) async throws(LedgerFailure) -> UsagePage {
        do throws(LedgerStoreError) {
            let page = try await usage(
                of: account,
                statuses: query.status?.executionStatuses ?? [],
                model: query.model,
                workflow: query.workflowSlug,
                before: query.before.map { Timestamp(microseconds: $0) },
                limit: query.limit,
                offset: query.offset
            )
            let workflows = page.runs.filter { $0.workflowSlug != nil }.map(\.id)
            let nodes = try await readNodeRuns(of: workflows, account: account)
            let models = nodes.mapValues { Set($0.map(\.model)).sorted() }
            return UsagePage(runs: page.runs, total: page.total, nodeModels: models)
        } catch {
            throw LedgerFailure(error)
        }
    }
}

extension LedgerStore: KeyDirectory {
    /// The keys of an account.
    public func keys(of account: AccountID) async throws(LedgerFailure) -> [KeyListing]? {
        do throws(LedgerStoreError) {
            return try await listKeys(of: account)?.map { KeyListing(key: $0.key, lastUsedAt: $0.lastUsedAt) }
        } catch {
            throw LedgerFailure(error)
        }
    }
}

extension LedgerStore: KeyUseStore {
    /// Keeps when keys were last used.
    public func keepUses(_ uses: [KeyID: Timestamp]) async throws(LedgerFailure) {
        do throws(LedgerStoreError) {
            try await putKeyUses(uses)
        } catch {
            throw LedgerFailure(error)
        }
    }
}
