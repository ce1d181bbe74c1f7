import Testing

@testable import Postgres

/// The table that the statements of the tests use.
let testSchema = """
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(7201);
        CREATE TABLE IF NOT EXISTS items (
            run bigint NOT NULL,
            id bigint NOT NULL,
            label text,
            payload bytea,
            CONSTRAINT items_pkey PRIMARY KEY (run, id) DEFERRABLE INITIALLY IMMEDIATE,
            CONSTRAINT items_label CHECK (label <> 'refused')
        );
    END $$
    """

/// Runs a closure with a started client of the shared cluster, and shuts it down in any case.
func withClient<Value>(
    sessions: Int = 2,
    configuration: PostgresConfiguration? = nil,
    catalogue: [any PostgresStatement.Type] = testCatalogue,
    options: PostgresClientOptions = PostgresClientOptions(),
    _ body: (PostgresClient) async throws -> Value
) async throws -> Value {
    let configuration = try configuration ?? TestCluster.configuration()
    try await createTestSchema(configuration)
    let client = PostgresClient(
        configuration: configuration,
        catalogue: catalogue,
        sessions: sessions,
        options: options
    )
    try await client.start()
    do {
        let value = try await body(client)
        await client.shutdown()
        return value
    } catch {
        await client.shutdown()
        throw error
    }
}

/// Creates what the catalogue needs.
func createTestSchema(_ configuration: PostgresConfiguration) async throws {
    let bootstrap = PostgresClient(configuration: configuration, catalogue: [], sessions: 1)
    try await bootstrap.start()
    _ = try await bootstrap.withSession { try await $0.simple(testSchema) }
    await bootstrap.shutdown()
}

/// A number that no other test uses, for its rows.
func freshRun() -> Int64 { Int64.random(in: 1...(.max)) }

/// The error that a closure throws; anything else fails the test.
func postgresError(
    _ body: () async throws -> some Any,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> PostgresError {
    do {
        _ = try await body()
    } catch let error as PostgresError {
        return error
    }
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    throw PostgresError(code: .closed, outcome: .notSent, message: "nothing was thrown")
}
