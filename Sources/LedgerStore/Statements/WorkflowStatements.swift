internal import Ledger
internal import Postgres

/// Takes slugs that nobody has yet, each for an account. Whoever else wants one at the same time waits for this transaction.
struct TakeSlugs: PostgresStatement {
    typealias Row = Void
    static let name = "take_slugs"
    static let sql = """
        INSERT INTO ledger.workflow_slugs (slug, account_id) SELECT unnest($1::text[]), unnest($2::uuid[])
        ON CONFLICT (slug) DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [.textArray, .uuidArray]

    /// In the order of their bytes, so that no two transactions wait for each other.
    let slugs: [ProjectionRow<String>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.column(.text, of: slugs) { $0.text($1.value) }
        parameters.column(.uuid, of: slugs) { $0.id($1.account) }
    }
}

/// Whose some slugs are.
struct LoadSlugs: PostgresStatement {
    static let name = "load_slugs"
    static let sql = "SELECT account_id, slug FROM ledger.workflow_slugs WHERE slug = ANY($1)"
    static let parameterTypes: [PostgresType] = [.textArray]

    let slugs: [String]

    func encode(into parameters: inout ParameterEncoder) { parameters.textArray(slugs) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<String> {
        ProjectionRow(try row.id(0), try row.text(1))
    }
}

/// All workflows of some accounts.
struct LoadWorkflows: PostgresStatement {
    static let name = "load_workflows"
    static let columns = "account_id, slug, version, digest, created_at, saved_at, deleted_at"
    static let sql = "SELECT \(columns) FROM ledger.workflows WHERE journal = $1 AND account_id = ANY($2)"
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray]

    let journal: JournalID
    let accounts: [AccountID]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.identifiers(accounts)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> ProjectionRow<Workflow> {
        let workflow = Workflow(
            slug: try row.text(1),
            version: try row.int4(2),
            digest: try row.digest(3),
            createdAt: try row.time(4),
            savedAt: try row.time(5),
            deletedAt: try row.optionalTime(6)
        )
        return ProjectionRow(try row.id(0), workflow)
    }
}

/// Puts the rows of workflows as they are now.
struct PutWorkflows: PostgresStatement {
    typealias Row = Void
    static let name = "put_workflows"
    static let sql = """
        INSERT INTO ledger.workflows (journal, \(LoadWorkflows.columns))
        SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8)
        ON CONFLICT (journal, account_id, slug) DO UPDATE SET
            version = excluded.version, digest = excluded.digest, saved_at = excluded.saved_at,
            deleted_at = excluded.deleted_at
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .textArray, .int4Array, .byteaArray, .timestamptzArray, .timestamptzArray,
        .timestamptzArray,
    ]

    let journal: JournalID
    let workflows: [ProjectionRow<Workflow>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: workflows) { $0.id($1.account) }
        parameters.column(.text, of: workflows) { $0.text($1.value.slug) }
        parameters.column(.int4, of: workflows) { $0.int4($1.value.version) }
        parameters.column(.bytea, of: workflows) { $0.digest($1.value.digest) }
        parameters.column(.timestamptz, of: workflows) { $0.time($1.value.createdAt) }
        parameters.column(.timestamptz, of: workflows) { $0.time($1.value.savedAt) }
        parameters.column(.timestamptz, of: workflows) { $0.time($1.value.deletedAt) }
    }
}

/// A document that a batch has saved.
struct SavedDocument: Hashable, Sendable {
    let slug: String
    let version: Int32
    let text: String
    let isShared: Bool
}

/// Inserts the documents of workflows that were saved.
struct InsertDocuments: PostgresStatement {
    typealias Row = Void
    static let name = "insert_documents"
    static let sql = """
        INSERT INTO ledger.workflow_documents (journal, account_id, slug, version, document, is_template)
        SELECT $1, unnest($2::uuid[]), unnest($3::text[]), unnest($4::int[]), unnest($5::text[]), unnest($6::boolean[])
        """
    static let parameterTypes: [PostgresType] = [
        .int2, .uuidArray, .textArray, .int4Array, .textArray, .boolArray,
    ]

    let journal: JournalID
    let documents: [ProjectionRow<SavedDocument>]

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.column(.uuid, of: documents) { $0.id($1.account) }
        parameters.column(.text, of: documents) { $0.text($1.value.slug) }
        parameters.column(.int4, of: documents) { $0.int4($1.value.version) }
        parameters.column(.text, of: documents) { $0.text($1.value.text) }
        parameters.column(.bool, of: documents) { $0.bool($1.value.isShared) }
    }
}

/// Deletes documents that nothing needs any more: older versions beyond a number, and all of a workflow that was deleted,
/// but for those that a run under way has begun with.
struct TrimDocuments: PostgresStatement {
    typealias Row = Void
    static let name = "trim_documents"
    static let sql = """
        DELETE FROM ledger.workflow_documents d
        USING ledger.workflows w
        WHERE d.journal = $1 AND w.journal = $1 AND w.account_id = d.account_id AND w.slug = d.slug
            AND ($2::uuid[] IS NULL OR d.account_id = ANY($2))
            AND (w.deleted_at IS NOT NULL OR d.version <= w.version - $3)
            AND NOT EXISTS (
                SELECT FROM ledger.run_tasks t WHERE t.journal = $1 AND t.account_id = d.account_id
                    AND t.model = 'workflow:' || d.slug AND t.definition_version = d.version
            )
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuidArray, .int4]
    /// Versions of a document that are kept.
    static let kept: Int32 = 20

    let journal: JournalID
    /// Nil for all.
    let accounts: [AccountID]?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        if let accounts { parameters.identifiers(accounts) } else { parameters.null(.uuidArray) }
        parameters.int4(Self.kept)
    }
}

/// An account's workflows with their latest documents, the latest saved first; or one of them.
struct ReadWorkflows: PostgresStatement {
    static let name = "read_workflows"
    static let sql = """
        SELECT \(LoadWorkflows.columns.qualified(by: "w")), d.document
        FROM ledger.workflows w
        JOIN ledger.workflow_documents d ON d.journal = $1 AND d.account_id = $2 AND d.slug = w.slug
            AND d.version = w.version
        WHERE w.journal = $1 AND w.account_id = $2 AND w.deleted_at IS NULL AND ($3::text IS NULL OR w.slug = $3)
        ORDER BY w.saved_at DESC
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .text]

    let journal: JournalID
    let account: AccountID
    /// Nil for all.
    let slug: String?

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.text(slug)
    }

    static func decode(
        _ row: PostgresRow
    ) throws(PostgresDecodingError) -> (workflow: Workflow, document: String) {
        (try LoadWorkflows.decode(row).value, try row.text(7))
    }
}

/// Templates that others than an account show to everybody, of every journal, the latest saved first: a bounded number of
/// each account's and in all; or one of them.
struct ReadTemplates: PostgresStatement {
    static let name = "read_templates"
    static let sql = """
        SELECT \(LoadWorkflows.columns), document
        FROM (
            SELECT \(LoadWorkflows.columns.qualified(by: "w")), d.document,
                row_number() OVER (PARTITION BY w.account_id ORDER BY w.saved_at DESC) AS place
            FROM ledger.workflow_documents d
            JOIN ledger.workflows w ON w.journal = d.journal AND w.account_id = d.account_id AND w.slug = d.slug
                AND w.version = d.version
            JOIN ledger.accounts a ON a.journal = d.journal AND a.account_id = d.account_id
            WHERE d.is_template AND d.account_id <> $1 AND ($2::text IS NULL OR d.slug = $2)
                AND w.deleted_at IS NULL AND a.approved AND NOT a.closed
        ) shown
        WHERE place <= $3
        ORDER BY saved_at DESC LIMIT $4
        """
    static let parameterTypes: [PostgresType] = [.uuid, .text, .int8, .int8]

    /// Whose templates are left out.
    let account: AccountID
    /// Nil for all.
    let slug: String?
    let mostOfOne: Int
    let most: Int

    func encode(into parameters: inout ParameterEncoder) {
        parameters.uuid(account.postgresUUID)
        parameters.text(slug)
        parameters.int8(Int64(mostOfOne))
        parameters.int8(Int64(most))
    }

    static func decode(
        _ row: PostgresRow
    ) throws(PostgresDecodingError) -> (owner: AccountID, workflow: Workflow, document: String) {
        let workflow = try LoadWorkflows.decode(row)
        return (workflow.account, workflow.value, try row.text(7))
    }
}

/// The document of one version of a workflow.
struct ReadDocument: PostgresStatement {
    static let name = "read_document"
    static let sql = """
        SELECT document FROM ledger.workflow_documents
        WHERE journal = $1 AND account_id = $2 AND slug = $3 AND version = $4
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .text, .int4]

    let journal: JournalID
    let account: AccountID
    let slug: String
    let version: Int32

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.text(slug)
        parameters.int4(version)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> String { try row.text(0) }
}
