import Ledger
import Postgres

/// A schema of its own, in which runs are priced by another book. It is nobody's but its maker's, and can be dropped.
struct RatingSchema: Sendable {
    private static let mark = "runs priced by another price book"
    let name: String

    /// Nil for a name that could be one of the ledger's or of the server's, or has to be quoted.
    init?(_ name: String) {
        guard (1...40).contains(name.utf8.count), let first = name.utf8.first, (97...122).contains(first),
            name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }),
            !name.hasPrefix("ledger"), !name.hasPrefix("pg_"), !["public", "information_schema"].contains(name)
        else { return nil }
        self.name = name
    }

    /// Begins the transaction and makes the tables.
    func create(in session: PostgresSession, replaces: Bool) async throws {
        let found = try await session.simple(
            """
            SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace
            WHERE nspname = '\(name)'
            """
        ).first?.first
        if let found {
            guard found == Self.mark else {
                throw OperationError(.negative, "schema: \(name) is there already, and is no rating.")
            }
            guard replaces else {
                throw OperationError(
                    .negative,
                    "schema: the rating \(name) is there already.",
                    advice: "Give another name with --schema, or replace it with --replace."
                )
            }
        }
        _ = try await session.simple("BEGIN")
        if found != nil { _ = try await session.simple("DROP SCHEMA \(name) CASCADE") }
        _ = try await session.simple("CREATE SCHEMA \(name)")
        _ = try await session.simple("COMMENT ON SCHEMA \(name) IS '\(Self.mark)'")
        _ = try await session.simple(
            """
            CREATE TABLE \(name).runs (
                journal smallint NOT NULL, position bigint NOT NULL, account_id uuid NOT NULL,
                execution_id uuid NOT NULL, model text NOT NULL, succeeded_at timestamptz NOT NULL,
                by_grant boolean NOT NULL, price_then text NOT NULL, charged_then bigint NOT NULL, price_now text,
                quote_now bigint, charged_now bigint, problem text, PRIMARY KEY (journal, position)
            )
            """
        )
    }

    /// Makes the reports and commits.
    func finish(in session: PostgresSession) async throws {
        let sums = """
            count(charged_now) AS runs, count(problem) AS unrated,
            coalesce(sum(charged_then) FILTER (WHERE charged_now IS NOT NULL), 0)::bigint AS charged,
            coalesce(sum(charged_now), 0)::bigint AS rerated,
            coalesce(sum(charged_now - charged_then), 0)::bigint AS difference
            """
        for (view, key) in [("by_model", "model, "), ("by_account", "account_id, "), ("totals", "")] {
            let group = key.isEmpty ? "" : "GROUP BY \(key.dropLast(2))"
            _ = try await session.simple(
                "CREATE VIEW \(name).\(view) AS SELECT \(key)\(sums) FROM \(name).runs \(group)"
            )
        }
        _ = try await session.simple("COMMIT")
    }

    /// Runs to append.
    func rows(_ runs: [Rerating.Run]) -> CopyRows {
        var rows = CopyRows(
            into: "\(name).runs",
            columns: [
                "journal", "position", "account_id", "execution_id", "model", "succeeded_at", "by_grant", "price_then",
                "charged_then", "price_now", "quote_now", "charged_now", "problem",
            ],
            commits: false
        )
        for run in runs {
            let (account, execution) = (run.event.content.accountID.value, run.event.content.executionID?.value)
            rows.append { row in
                row.int2(run.event.journal.number)
                row.int8(run.event.position)
                row.uuid(high: account.high, low: account.low)
                row.uuid(high: execution?.high ?? 0, low: execution?.low ?? 0)
                row.text(run.model)
                row.timestamptz(microseconds: run.event.content.recordedAt.microseconds)
                row.bool(run.isGrant)
                row.text(run.priceThen)
                row.int8(run.chargedThen.microcredits)
                row.text(run.priceNow)
                row.int8(run.quoteNow?.microcredits)
                row.int8(run.chargedNow?.microcredits)
                row.text(run.problem)
            }
        }
        return rows
    }
}
