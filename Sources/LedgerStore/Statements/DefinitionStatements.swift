internal import Ledger
internal import Postgres

/// Records versions of definitions that are not recorded yet, and tells of which something else was.
struct RecordDefinitions: PostgresStatement {
    static let name = "record_definitions"
    static let sql = """
        WITH seen AS (
            SELECT unnest($1) AS model, unnest($2) AS version, unnest($3) AS model_sha256, unnest($4) AS provider_sha256,
                unnest($5) AS model_text, unnest($6) AS provider_text
        ), made AS (
            INSERT INTO ledger.definition_versions (
                model, version, model_sha256, provider_sha256, model_text, provider_text, first_seen_at
            )
            SELECT model, version, model_sha256, provider_sha256, model_text, provider_text, $7 FROM seen
            ON CONFLICT (model, version) DO NOTHING
        )
        SELECT s.model, s.version, d.model_sha256 <> s.model_sha256, d.provider_sha256 <> s.provider_sha256
        FROM seen s JOIN ledger.definition_versions d ON d.model = s.model AND d.version = s.version
        WHERE d.model_sha256 <> s.model_sha256 OR d.provider_sha256 <> s.provider_sha256
        """
    static let parameterTypes: [PostgresType] = [
        .textArray, .int4Array, .byteaArray, .byteaArray, .textArray, .textArray, .timestamptz,
    ]

    let definitions: [DefinitionVersion]
    let now: Timestamp

    func encode(into parameters: inout ParameterEncoder) {
        parameters.column(.text, of: definitions) { $0.text($1.model) }
        parameters.column(.int4, of: definitions) { $0.int4($1.version) }
        parameters.column(.bytea, of: definitions) { $0.digest($1.modelDigest) }
        parameters.column(.bytea, of: definitions) { $0.digest($1.providerDigest) }
        parameters.column(.text, of: definitions) { $0.text($1.modelText) }
        parameters.column(.text, of: definitions) { $0.text($1.providerText) }
        parameters.timestamptz(microseconds: now.microseconds)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> DefinitionDifference {
        DefinitionDifference(
            model: try row.text(0),
            version: try row.int4(1),
            isOfModel: try row.bool(2),
            isOfProvider: try row.bool(3)
        )
    }
}

/// The texts of a recorded version.
struct LoadDefinition: PostgresStatement {
    static let name = "load_definition"
    static let sql =
        "SELECT model_text, provider_text FROM ledger.definition_versions WHERE model = $1 AND version = $2"
    static let parameterTypes: [PostgresType] = [.text, .int4]

    let model: String
    let version: Int32

    func encode(into parameters: inout ParameterEncoder) {
        parameters.text(model)
        parameters.int4(version)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> (model: String, provider: String) {
        (try row.text(0), try row.text(1))
    }
}
