internal import Postgres

/// The first half of the advisory locks that say which processes are alive; the second is the process's number.
let instanceLockClass: Int32 = 0x5255_4E4C

/// Takes the lock that says a process is alive, for as long as the session's connection lasts.
struct LockInstance: PostgresStatement {
    typealias Row = Void
    static let name = "lock_instance"
    static let sql = "SELECT pg_advisory_lock($1, $2)"
    static let parameterTypes: [PostgresType] = [.int4, .int4]

    let instance: Int32

    func encode(into parameters: inout ParameterEncoder) {
        parameters.int4(instanceLockClass)
        parameters.int4(instance)
    }
}

/// The numbers of the processes that are alive.
struct ReadLiveInstances: PostgresStatement {
    static let name = "read_live_instances"
    static let sql = """
        SELECT l.objid::bigint FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND l.classid::bigint = $1::bigint AND l.objsubid = 2 AND l.granted
            AND d.datname = current_database()
        """
    static let parameterTypes: [PostgresType] = [.int4]

    func encode(into parameters: inout ParameterEncoder) { parameters.int4(instanceLockClass) }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Int64 { try row.int8(0) }
}
