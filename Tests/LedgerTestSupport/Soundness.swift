import Foundation
import Ledger
public import LedgerStore
import LocalCluster
import TestSupport
public import Testing

/// The tables that hold the ledger's projections.
public let projectionTables = [
    "accounts", "pots", "grants", "holds", "rate_windows", "ended_executions", "api_keys", "commands",
    "auto_top_ups", "workflows", "workflow_nodes",
]

/// Runs SQL as superuser on the running test's database, or another one, and gives the rows, tabs between columns.
@discardableResult
public func psql(_ sql: String, at url: String? = nil) async throws -> String {
    try await LocalCluster.psql(sql, url: url ?? TestDatabase.url)
}

/// A whole number that SQL computes.
public func count(_ sql: String, at url: String? = nil) async throws -> Int {
    let text = try await psql(sql, at: url)
    return try #require(Int(text), "\(sql) gave \(text)")
}

/// Every row of every projection as text, by table, so that two of them can be compared.
public func projectionDump(at url: String? = nil) async throws -> [String: String] {
    var dump: [String: String] = [:]
    for table in projectionTables {
        dump[table] = try await psql("SELECT t::text FROM ledger.\(table) t ORDER BY t::text", at: url)
    }
    return dump
}

/// Expects that nothing is wrong with a ledger: neither for the store, nor for the rules, nor for SQL that sees only the
/// rows.
///
/// - Parameters:
///   - store: the ledger.
///   - url: its database; the running test's own when nil.
///   - followsRules: false where a test made the ledger decide on a projection that it had changed.
///   - location: where it is expected.
/// - Returns: what the store verified.
@discardableResult
public func expectSound(
    _ store: LedgerStore,
    at url: String? = nil,
    followsRules: Bool = true,
    location: SourceLocation = #_sourceLocation
) async throws -> VerificationReport {
    let report = try await store.verify()
    #expect(report.isClean, "\(report.findings)", sourceLocation: location)
    if followsRules {
        let decisions = try await store.replayDecisions()
        #expect(decisions.isClean, "\(decisions.findings)", sourceLocation: location)
    }
    let faults = try await psql("SELECT fault FROM ledger.verify_chain() WHERE fault IS NOT NULL", at: url)
    #expect(faults.isEmpty, sourceLocation: location)
    let doubled = """
        SELECT count(*) FROM (
            SELECT FROM ledger.events WHERE type IN ('credits.held', 'grant.held')
            GROUP BY journal, account_id, execution_id HAVING count(*) > 1
        ) doubled
        """
    let holdsDoubled = try await count(doubled, at: url)
    #expect(holdsDoubled == 0, "runs held twice", sourceLocation: location)
    return report
}

/// The error of the store that a closure throws; anything else fails the test.
public func storeError(
    location: SourceLocation = #_sourceLocation,
    _ body: () async throws -> some Any
) async throws -> LedgerStoreError {
    do {
        let value = try await body()
        Issue.record("nothing was thrown, but \(value) returned", sourceLocation: location)
    } catch let error as LedgerStoreError {
        return error
    }
    throw UnexpectedVerdict(description: "nothing was thrown")
}
