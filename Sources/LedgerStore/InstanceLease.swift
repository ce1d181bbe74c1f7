public import Postgres

/// Says that a process is alive for as long as it is: an advisory lock that PostgreSQL drops with the connection.
///
/// Other processes read the locks to learn whose runs were left behind. After a lost connection the lock is taken anew;
/// meanwhile another process may take this one for dead, which costs an event and nothing else, because a run that is
/// unresolved can still be settled.
public final class InstanceLease: Sendable {
    /// The process's number: positive, so that an object id can carry it.
    public let instance: Int64
    private let client: PostgresClient

    /// Makes a lease with a client of its own, of one session.
    public init(instance: Int64, configuration: PostgresConfiguration) {
        precondition((1...Int64(Int32.max)).contains(instance), "an instance has 31 bits")
        self.instance = instance
        self.client = PostgresClient(configuration: configuration, catalogue: [LockInstance.self], sessions: 1)
    }

    /// Takes the lock.
    public func start() async throws(LedgerStoreError) {
        do throws(PostgresError) {
            try await client.start()
            _ = try await client.query(LockInstance(instance: Int32(instance)))
        } catch {
            throw LedgerStoreError(error)
        }
    }

    /// Takes the lock again whenever the connection was lost. Locks of one session add up, which harms nothing.
    public func renew() async {
        _ = try? await client.query(LockInstance(instance: Int32(instance)))
    }

    /// Lets go.
    public func stop() async { await client.shutdown() }
}

extension LedgerStore {
    /// The numbers of the processes that hold a lease.
    public func readLiveInstances() async throws(LedgerStoreError) -> Set<Int64> {
        Set(try await ask(ReadLiveInstances()))
    }
}
