internal import Ledger
internal import Postgres

/// Counts what is open in a journal, as far as a bound: a journal in trouble must not be made slower by being watched.
struct SampleJournal: PostgresStatement {
    static let name = "sample_journal"
    static let sql = """
        SELECT
            j.position,
            j.position - coalesce(
                (SELECT c.position FROM ledger.webhook_checkpoints c WHERE c.journal = $1), 0
            ),
            o.holds,
            o.unresolved,
            e.erasures,
            e.age
        FROM ledger.journals j, (
            SELECT count(*) holds, count(*) FILTER (WHERE h.status = 'unresolved') unresolved
            FROM (SELECT status FROM ledger.holds WHERE journal = $1 LIMIT $2) h
        ) o, (
            SELECT count(*) erasures,
                coalesce(greatest(extract(epoch FROM now() - min(decided_at)), 0), 0)::bigint age
            FROM ledger.erasures WHERE journal = $1 AND finished_at IS NULL
        ) e
        WHERE j.journal = $1
        """
    static let parameterTypes: [PostgresType] = [.int2, .int8]

    let journal: JournalID
    let limit: Int64

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.int8(limit)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> JournalSample {
        JournalSample(
            position: try row.int8(0),
            webhookLag: try row.int8(1),
            openHolds: try row.int8(2),
            unresolvedExecutions: try row.int8(3),
            openErasures: try row.int8(4),
            oldestErasureSeconds: try row.int8(5)
        )
    }
}
