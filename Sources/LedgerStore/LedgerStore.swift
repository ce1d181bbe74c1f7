public import Ledger
public import Postgres
import Synchronization
public import Traces

/// A ledger in PostgreSQL: commands go in, verdicts come out once their events are durable.
public final class LedgerStore: Sendable {
    /// Bounds and patience of a store.
    public struct Options: Sendable {
        /// Commands that may wait for one journal.
        public var queuedCommandsPerJournal = 8_192
        /// Bytes of commands that may wait for one journal.
        public var queuedBytesPerJournal = 16 << 20
        /// Commands in one transaction at most.
        public var commandsPerBatch = 1_024
        /// How long a batch is tried again while the database can't be reached.
        public var retryBudget = Duration.seconds(20)
        /// What wraps the keys that personal data is sealed under.
        public var masterKeys = MasterKeys.none
        /// Who counts batches.
        public var observer: (any BatchObserver)?
        /// Records commands and batches.
        public var spans = Spans.off
        /// Who is told of events that somebody should look at, once each, after they are durable: alerts, credits that a
        /// refund could not take back, attempts to top up that failed.
        public var onNotice: (@Sendable (Event) -> Void)?
        /// The defaults.
        public init() {}
    }

    /// The ledger's name, from when it was created.
    public let name: String
    /// The number of journals, from when it was created.
    public let journalCount: Int16
    let client: PostgresClient
    let clock: JournalClock
    let keyring: DataKeyring
    let retryBudget: Duration
    private let writers: [JournalWriter]

    /// Starts a client and opens the ledger in its database; the client is shut down again if there is none.
    ///
    /// - Parameters:
    ///   - configuration: the database, and how its sessions are set up.
    ///   - statements: what else will be asked, besides what the ledger asks itself.
    ///   - sessions: the client's sessions.
    /// - Throws: a `PostgresError` when the database can't be reached, or as `open`.
    public static func connect(
        _ configuration: PostgresConfiguration,
        with statements: [any PostgresStatement.Type] = [],
        sessions: Int,
        clock: @escaping JournalClock,
        options: Options = Options()
    ) async throws -> (client: PostgresClient, store: LedgerStore) {
        let client = PostgresClient(
            configuration: configuration,
            catalogue: ledgerStatements + statements,
            sessions: sessions
        )
        try await client.start()
        do {
            return (client, try await open(client, clock: clock, options: options))
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Opens the ledger in a client's database.
    ///
    /// - Throws: `.notInitialized` when the database holds none, `.unavailable` when it can't be asked.
    public static func open(
        _ client: PostgresClient,
        clock: @escaping JournalClock,
        options: Options = Options()
    ) async throws(LedgerStoreError) -> LedgerStore {
        let identity: LedgerIdentity?
        do throws(PostgresError) {
            identity = try await client.query(ReadLedgerIdentity()).first
        } catch {
            throw LedgerStoreError(error)
        }
        guard let identity else {
            let advice = "the database holds no ledger; run `runledger init --journals 16`"
            throw LedgerStoreError(.notInitialized, outcome: .notSent, advice)
        }
        return LedgerStore(identity, client, clock, options)
    }

    private init(
        _ identity: LedgerIdentity,
        _ client: PostgresClient,
        _ clock: @escaping JournalClock,
        _ options: Options
    ) {
        self.name = identity.name
        self.journalCount = identity.journalCount
        self.client = client
        self.clock = clock
        self.keyring = DataKeyring(masters: options.masterKeys)
        self.retryBudget = options.retryBudget
        let limits = JournalQueue<JournalWriter.Ticket>.Limits(
            commands: options.queuedCommandsPerJournal,
            bytes: options.queuedBytesPerJournal,
            batch: options.commandsPerBatch
        )
        self.writers = (0..<identity.journalCount).map { number in
            JournalWriter(
                journal: JournalID(number),
                client: client,
                clock: clock,
                limits: limits,
                retryBudget: options.retryBudget,
                observer: options.observer,
                spans: options.spans,
                onNotice: options.onNotice
            )
        }
    }

    /// The journal an account lives in.
    public func journal(of account: AccountID) -> JournalID { account.journal(of: journalCount) }

    /// Has a command decided. Returns once its events, the refusals too, are durable. What its events must not say is sealed
    /// under the account's key before it waits with the others.
    ///
    /// - Throws: `.overloaded` at once when too much waits; `.unavailable` when the database could not be reached within
    ///   the retry budget (with the outcome `.unknown` if the command may have been carried out); `.rejected` when the
    ///   database refuses this command alone.
    public func submit(_ command: Command) async throws(LedgerStoreError) -> Verdict {
        let writer = writers[Int(journal(of: command.accountID).number)]
        guard command.isPersonal else { return try await writer.submit(command, nil) }
        let sealed = command.sealed(under: try await dataKey(of: command.accountID))
        return try await writer.submit(sealed.command, sealed.side)
    }

    /// Commands that wait, over all journals.
    public var waitingCount: Int { writers.reduce(0) { $0 + $1.waitingCount } }

    /// Commands that wait, journal by journal.
    public var waitingCounts: [Int] { writers.map(\.waitingCount) }

    /// Takes no more commands, and returns once those taken are decided.
    public func close() async {
        await withTaskGroup(of: Void.self) { group in
            for writer in writers { group.addTask { await writer.close() } }
        }
    }

    /// Creates a ledger with a name and a number of journals; one that exists stays as it is.
    ///
    /// - Returns: whether it was created now.
    public static func create(
        name: String,
        journalCount: Int16,
        with client: PostgresClient
    ) async throws(LedgerStoreError) -> Bool {
        do {
            return try await client.withSession { session throws(PostgresError) in
                let before = try await session.query(ReadLedgerIdentity()).first
                var unit = PipelineBatch()
                unit.begin()
                unit.append(CreateLedger(identity: LedgerIdentity(name: name, journalCount: journalCount)))
                unit.append(CreateJournals())
                unit.commit()
                _ = try await session.execute(unit)
                return before == nil
            }
        } catch let error as PostgresError {
            throw LedgerStoreError(error)
        } catch {
            throw LedgerStoreError(.unavailable, outcome: .unknown, "\(error)")
        }
    }
}
