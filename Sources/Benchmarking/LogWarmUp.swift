public import LocalCluster

/// Brings a new server to where one is that has run for a while: its write-ahead log goes into files that exist.
///
/// A server fills each log file with zeros before its first use, and makes commits wait for that; after a checkpoint it
/// uses old files again. A minute after its start a server has enough of them; a benchmark of some seconds on a new
/// server would measure the making of files instead of the ledger.
/// Source: PostgreSQL 15, "WAL Configuration".
public enum LogWarmUp {
    /// Makes files for `megabytes` of log and lets a checkpoint hand them over to be used again.
    public static func run(on cluster: LocalCluster, megabytes: Int = 1_536) async throws {
        let segmentMegabytes = 16
        _ = try await cluster.psql(
            """
            DO $$ BEGIN
                FOR i IN 1..\(megabytes / segmentMegabytes) LOOP
                    PERFORM pg_logical_emit_message(false, 'warm-up', '');
                    PERFORM pg_switch_wal();
                END LOOP;
            END $$
            """
        )
        _ = try await cluster.psql("CHECKPOINT")
    }
}
