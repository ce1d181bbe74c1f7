public import Ledger
import Synchronization

/// How far this process's own audit of the journals has come, for the page that shows it.
public final class AuditBoard: Sendable {
    /// The audit of a journal.
    public struct Progress: Hashable, Sendable {
        /// Up to where every event was checked since the process started, and nothing bad was found.
        public let verifiedThrough: Int64
        /// When the latest pass over the whole journal began that found nothing; nil before there was one.
        public let cleanPassBegan: Timestamp?
        /// The first bad thing, in words.
        public let finding: String?

        /// Makes a progress.
        public init(verifiedThrough: Int64, cleanPassBegan: Timestamp?, finding: String?) {
            self.verifiedThrough = verifiedThrough
            self.cleanPassBegan = cleanPassBegan
            self.finding = finding
        }
    }

    private let journals = Mutex<[JournalID: Progress]>([:])

    /// A board on which nothing is.
    public init() {}

    /// Notes how far a journal's audit has come.
    public func note(_ progress: Progress, of journal: JournalID) { journals.withLock { $0[journal] = progress } }

    /// How far a journal's audit has come; nil before it has begun, and in a process that does not audit.
    func progress(of journal: JournalID) -> Progress? { journals.withLock { $0[journal] } }
}

/// What the console asks of the transparency log.
public protocol ConsoleLog: Sendable {
    /// The key that its notes are signed with, as auditors need it.
    var key: String { get }
    /// The ledger's own checkpoint as it is published; nil before the first.
    func checkpoint() async throws -> PublishedCheckpoint?
    /// A run's receipts as text; nil while they are not published.
    func receipt(of execution: Execution, for account: AccountID) async throws -> String?
}

/// The checkpoint over the journals' checkpoints: one root for the whole ledger.
public struct PublishedCheckpoint: Hashable, Sendable {
    /// Checkpoints of journals that it covers.
    public let size: Int64
    /// The root, in base64.
    public let root: String
    /// The names of the witnesses that have cosigned it.
    public let witnesses: [String]
    /// The whole note.
    public let note: String

    /// Makes a checkpoint.
    public init(size: Int64, root: String, witnesses: [String], note: String) {
        self.size = size
        self.root = root
        self.witnesses = witnesses
        self.note = note
    }
}
