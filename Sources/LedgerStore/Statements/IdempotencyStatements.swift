internal import Ledger
internal import Postgres

/// A key that a command has claimed.
struct NewClaim: Hashable, Sendable {
    let account: AccountID
    let claim: IdempotencyClaim
    let answer: RecordedAnswer?
}

/// A run and the key that it was asked for with.
struct ClaimedRun: Hashable, Sendable {
    let account: AccountID
    let key: Digest
    let executionID: ExecutionID
}

/// A run's answer.
struct ClaimAnswer: Hashable, Sendable {
    let run: ClaimedRun
    let answer: RecordedAnswer
}

/// What the first requests under some keys have led to. The answers stay where they are.
struct LoadClaims: PostgresStatement {
    static let name = "load_claims"
    static let sql = """
        SELECT i.account_id, i.key_digest, i.fingerprint, i.execution_id, i.request_id
        FROM unnest($2::uuid[], $3::bytea[]) wanted (account_id, key_digest)
        CROSS JOIN LATERAL (
            SELECT * FROM ledger.idempotency t
            WHERE t.journal = $1 AND t.account_id = wanted.account_id AND t.key_digest = wanted.key_digest OFFSET 0
        ) i
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .byteaArray]

    let journal: JournalID
    let claims: [ProjectionRow<Digest>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: claims) { $0.id($1.account) }
        parameters.column(.bytea, of: claims) { $0.digest($1.value) }
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<IdempotencyClaim> {
        let claim = IdempotencyClaim(
            key: try row.digest(1),
            fingerprint: try row.digest(2),
            executionID: try row.optionalID(3),
            requestID: try row.optionalID(4)
        )
        return ProjectionRow(try row.id(0), claim)
    }
}

/// Inserts the keys that a batch's commands have claimed.
struct InsertClaims: PostgresStatement {
    typealias Row = Void
    static let name = "insert_claims"
    static let sql = """
        INSERT INTO ledger.idempotency (
            journal, account_id, key_digest, fingerprint, execution_id, request_id, claimed_at, status, headers, body
        )
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), $7, unnest($8), unnest($9), unnest($10)
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .byteaArray, .byteaArray, .uuidArray, .uuidArray, .timestamptz, .int2Array, .textArray,
        .byteaArray,
    ]

    let journal: JournalID
    let claims: [NewClaim]
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: claims) { $0.id($1.account) }
        parameters.column(.bytea, of: claims) { $0.digest($1.claim.key) }
        parameters.column(.bytea, of: claims) { $0.digest($1.claim.fingerprint) }
        parameters.column(.uuid, of: claims) { $0.id($1.claim.executionID) }
        parameters.column(.uuid, of: claims) { $0.id($1.claim.requestID) }
        parameters.timestamptz(microseconds: now.microseconds)
        parameters.column(.int2, of: claims) { $0.int2($1.answer?.status) }
        parameters.column(.text, of: claims) { $0.text($1.answer?.headers) }
        parameters.column(.bytea, of: claims) { $0.bytea($1.answer?.body) }
    }
}

/// Keeps the answers to runs, unless there are some already.
struct RecordAnswers: PostgresStatement {
    typealias Row = Void
    static let name = "record_answers"
    static let sql = """
        UPDATE ledger.idempotency SET status = answered.status, headers = answered.headers, body = answered.body
        FROM unnest($2::uuid[], $3::bytea[], $4::uuid[], $5::smallint[], $6::text[], $7::bytea[])
            answered (account_id, key_digest, execution_id, status, headers, body)
        WHERE idempotency.journal = $1 AND idempotency.account_id = answered.account_id
            AND idempotency.key_digest = answered.key_digest AND idempotency.execution_id = answered.execution_id
            AND idempotency.status IS NULL
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .byteaArray, .uuidArray, .int2Array, .textArray, .byteaArray,
    ]

    let journal: JournalID
    let answers: [ClaimAnswer]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: answers) { $0.id($1.run.account) }
        parameters.column(.bytea, of: answers) { $0.digest($1.run.key) }
        parameters.column(.uuid, of: answers) { $0.id($1.run.executionID) }
        parameters.column(.int2, of: answers) { $0.int2($1.answer.status) }
        parameters.column(.text, of: answers) { $0.text($1.answer.headers) }
        parameters.column(.bytea, of: answers) { $0.bytea($1.answer.body) }
    }
}

/// Frees keys whose runs were never dispatched.
struct ReleaseClaims: PostgresStatement {
    typealias Row = Void
    static let name = "release_claims"
    static let sql = """
        DELETE FROM ledger.idempotency USING unnest($2::uuid[], $3::bytea[], $4::uuid[])
            released (account_id, key_digest, execution_id)
        WHERE idempotency.journal = $1 AND idempotency.account_id = released.account_id
            AND idempotency.key_digest = released.key_digest AND idempotency.execution_id = released.execution_id
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .byteaArray, .uuidArray]

    let journal: JournalID
    let runs: [ClaimedRun]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: runs) { $0.id($1.account) }
        parameters.column(.bytea, of: runs) { $0.digest($1.key) }
        parameters.column(.uuid, of: runs) { $0.id($1.executionID) }
    }
}

/// The answer that was given under a key.
struct ReadAnswer: PostgresStatement {
    static let name = "read_answer"
    static let sql = """
        SELECT i.status, i.headers, i.body FROM ledger.idempotency i
        WHERE i.journal = $1 AND i.account_id = $2 AND i.key_digest = $3 AND i.status IS NOT NULL
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .bytea]

    let journal: JournalID
    let account: AccountID
    let key: Digest

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.bytea(key.bytes)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> RecordedAnswer {
        RecordedAnswer(status: try row.int2(0), headers: try row.text(1), body: try row.bytes(2))
    }
}

/// Keeps the answer to an operator's request, unless there is one already.
struct KeepOperatorAnswer: PostgresStatement {
    typealias Row = Void
    static let name = "keep_operator_answer"
    static let sql = """
        INSERT INTO ledger.idempotency (
            journal, account_id, key_digest, fingerprint, request_id, claimed_at, status, headers, body
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (journal, account_id, key_digest) DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuid, .bytea, .bytea, .uuid, .timestamptz, .int2, .text, .bytea,
    ]

    let journal: JournalID
    let account: AccountID
    let claim: IdempotencyClaim
    let answer: RecordedAnswer
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.bytea(claim.key.bytes)
        parameters.bytea(claim.fingerprint.bytes)
        parameters.uuid(claim.requestID?.postgresUUID)
        parameters.timestamptz(microseconds: now.microseconds)
        parameters.int2(answer.status)
        parameters.text(answer.headers)
        parameters.bytea(answer.body)
    }
}

/// Keeps an answer to a run, unless there is one already; gives the one that is kept now.
struct PinAnswer: PostgresStatement {
    static let name = "pin_answer"
    static let sql = """
        UPDATE ledger.idempotency SET
            status = coalesce(status, $5), headers = coalesce(headers, $6), body = coalesce(body, $7)
        WHERE journal = $1 AND account_id = $2 AND key_digest = $3 AND execution_id = $4
        RETURNING status, headers, body
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .bytea, .uuid, .int2, .text, .bytea]

    let journal: JournalID
    let run: ClaimedRun
    let answer: RecordedAnswer

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(run.account.postgresUUID)
        parameters.bytea(run.key.bytes)
        parameters.uuid(run.executionID.postgresUUID)
        parameters.int2(answer.status)
        parameters.text(answer.headers)
        parameters.bytea(answer.body)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> RecordedAnswer {
        try ReadAnswer.decode(row)
    }
}

/// Forgets a bounded number of keys that were claimed before a moment, but for those of runs under way.
struct PurgeClaims: PostgresStatement {
    static let name = "purge_claims"
    static let sql = """
        DELETE FROM ledger.idempotency WHERE journal = $1 AND ctid = ANY(ARRAY(
            SELECT i.ctid FROM ledger.idempotency i
            WHERE i.journal = $1 AND i.claimed_at < $2
                AND NOT EXISTS (
                    SELECT FROM ledger.holds h
                    WHERE h.journal = $1 AND h.account_id = i.account_id AND h.hold_id = i.execution_id
                )
            ORDER BY i.journal, i.claimed_at LIMIT $3
        ))
        RETURNING account_id
        """
    static let parameterTypes: [PostgresType] = [.int2, .timestamptz, .int8]

    let journal: JournalID
    let moment: Timestamp
    let limit: Int

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.timestamptz(microseconds: moment.microseconds)
        parameters.int8(Int64(limit))
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> AccountID { try row.id(0) }
}
