import LocalCluster
import TestSupport

/// Changes a ledger behind its back, as a superuser who has turned the fences off.
public func tamper(_ sql: String) async throws {
    try await psql(
        """
        BEGIN;
        SELECT ledger_guard.open_migration_window('a test tampers');
        ALTER TABLE ledger.events DISABLE TRIGGER USER;
        \(sql);
        COMMIT;
        """
    )
}
