import Ledger
public import TransparencyLog

/// The first bad thing of a log.
public struct LogFinding: Error, Hashable, Sendable, CustomStringConvertible {
    /// The log's name.
    public let origin: String
    /// The file, below where the ledger's log is.
    public let path: String
    /// The entry that is wrong, from 0; nil when it is not one entry.
    public let entry: UInt64?
    /// What is wrong.
    public let reason: String

    /// The log, the file, the entry, and what is wrong.
    public var description: String { "\(origin): \(path)\(entry.map { ", entry \($0)" } ?? ""): \(reason)" }
}

/// What an audit of logs found.
public struct LogAuditReport: Sendable {
    /// One log that holds.
    public struct Log: Hashable, Sendable {
        /// What it has signed.
        public let checkpoint: Checkpoint
        /// Whether every entry was read; a log that is served to everybody shows the hashes only.
        public let hasEntries: Bool
        /// Earlier checkpoints of it that the ledger's log holds.
        public let earlierCheckpoints: Int
    }

    /// The logs that hold.
    public internal(set) var logs: [Log] = []
    /// The first bad thing of each log that does not.
    public internal(set) var findings: [LogFinding] = []
    /// Whether all logs hold.
    public var isClean: Bool { findings.isEmpty }
}

/// Checks the files of a ledger's logs, or of one log, with nothing but them and a key.
///
/// It recomputes every tile and root from the entries, looks whether every checkpoint that the ledger's log holds is a state of
/// its journal's log, and whether the events of each account follow upon each other.
public struct LogAudit: Sendable {
    private let files: any LogReading
    private let key: NoteVerifier
    private let policy: WitnessPolicy

    /// Names what is checked.
    ///
    /// - Parameters:
    ///   - files: where they are.
    ///   - key: the ledger's key, for its log and the journals' below; or a journal's, for that log alone.
    ///   - policy: who must have cosigned the log at the top.
    public init(_ files: any LogReading, key: NoteVerifier, policy: WitnessPolicy = WitnessPolicy()) {
        self.files = files
        self.key = key
        self.policy = policy
    }

    /// Checks.
    ///
    /// - Parameter progress: called after each 256 entries with the number of all so far.
    /// - Throws: what reading throws, when a file can't be had rather than being wrong.
    public func run(progress: @Sendable (UInt64) -> Void = { _ in }) async throws -> LogAuditReport {
        var report = LogAuditReport()
        var count: UInt64 = 0
        func step(_ added: Int) {
            count += UInt64(added)
            progress(count)
        }
        guard LedgerLogs.journal(ofName: key.name) == nil else {
            var rules = JournalRules(key.name)
            report.add(try await walk(key, "", policy, &rules, [], step))
            return report
        }
        var rules = LedgerRules(key)
        report.add(try await walk(key, "", policy, &rules, [], step))
        for (journal, checkpoints) in rules.checkpoints.sorted(by: { $0.key < $1.key }) {
            let origin = LedgerLogs.origin(ofJournal: journal, ledger: key.name)
            guard let verifier = LedgerLogs.verifier(ofOrigin: origin, ledger: key) else { continue }
            let prefix = LedgerLogs.prefix(ofJournal: journal)
            var rules = JournalRules(origin)
            report.add(try await walk(verifier, prefix, WitnessPolicy(), &rules, checkpoints, step))
        }
        return report
    }

    private func walk(
        _ key: NoteVerifier,
        _ prefix: String,
        _ policy: WitnessPolicy,
        _ rules: inout some EntryRules,
        _ earlier: [Checkpoint],
        _ progress: (Int) -> Void
    ) async throws -> Result<LogAuditReport.Log, LogFinding> {
        do {
            let walk = LogWalk(files: files, key: key, prefix: prefix)
            return .success(try await walk.run(policy, &rules, earlier, progress))
        } catch let finding as LogFinding {
            return .failure(finding)
        }
    }
}

extension LogAuditReport {
    fileprivate mutating func add(_ result: Result<Log, LogFinding>) {
        switch result {
        case .success(let log): logs.append(log)
        case .failure(let finding): findings.append(finding)
        }
    }
}

/// What entries of a log must be, beside being under its root.
protocol EntryRules {
    /// Whether a log that does not show its entries is taken.
    var mayLackEntries: Bool { get }
    /// Looks at an entry; says what is wrong with it.
    mutating func check(_ entry: [UInt8], at index: UInt64) -> String?
}

/// Entries of a journal: events by position, each account's following upon each other.
struct JournalRules: EntryRules {
    let mayLackEntries = true
    private let journal: Int64?
    private var accounts: [String: (sequence: Int64, hash: Digest)] = [:]

    init(_ origin: String) { journal = LedgerLogs.journal(ofName: origin).map(Int64.init) }

    mutating func check(_ entry: [UInt8], at index: UInt64) -> String? {
        guard let event = EntryFields(entry) else { return "it is no event" }
        guard journal == nil || event.journal == journal else { return "it is an event of journal \(event.journal)" }
        guard UInt64(bitPattern: event.position) == index + 1 else {
            return "it is the event at position \(event.position)"
        }
        let before = accounts[event.account]
        guard event.sequence == (before?.sequence ?? 0) + 1, event.previousHash == before?.hash else {
            return "it does not follow upon the event before of account \(event.account)"
        }
        accounts[event.account] = (event.sequence, MerkleHash.leaf(entry))
        return nil
    }
}

/// Entries of the ledger's log: checkpoints that the ledger has signed, each journal's ever larger.
struct LedgerRules: EntryRules {
    let mayLackEntries = false
    private let key: NoteVerifier
    /// By journal, the checkpoints so far.
    private(set) var checkpoints: [Int16: [Checkpoint]] = [:]

    init(_ key: NoteVerifier) { self.key = key }

    mutating func check(_ entry: [UInt8], at index: UInt64) -> String? {
        guard let note = SignedNote(String(decoding: entry, as: UTF8.self)),
            let named = Checkpoint(text: note.text),
            let journal = LedgerLogs.journal(ofOrigin: named.origin, ledger: key.name),
            let verifier = LedgerLogs.verifier(ofOrigin: named.origin, ledger: key),
            Checkpoint(note, signedBy: verifier) == named
        else { return "it is no checkpoint of a journal, signed by the ledger" }
        guard named.size > checkpoints[journal]?.last?.size ?? 0 else {
            return "journal \(journal) is not larger than in the checkpoint before"
        }
        checkpoints[journal, default: []].append(named)
        return nil
    }
}
