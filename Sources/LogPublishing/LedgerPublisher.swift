public import Ledger
import LedgerStore
import LogFiles
import TransparencyLog

/// What is told of publishing.
public protocol PublishingObserver: Sendable {
    /// A log stands at a size, which was all that there was.
    func published(_ log: LogID, size: Int64)
    /// A log could not be published; nothing of it was.
    func failed(_ log: LogID, _ error: any Error, isFinal: Bool)
}

/// One of a ledger's logs.
public enum LogID: Hashable, Sendable, CustomStringConvertible {
    /// The ledger's own, of checkpoints.
    case ledger
    /// A journal's, of events.
    case journal(JournalID)

    /// `ledger`, or `journal/3`.
    public var description: String {
        switch self {
        case .ledger: "ledger"
        case .journal(let journal): "journal/\(journal.number)"
        }
    }
}

/// Publishes every log of a ledger: each journal's, then the ledger's own, whose entries are the journals' checkpoints.
public actor LedgerPublisher {
    /// How often and how much.
    public struct Cadence: Sendable {
        /// The longest that an event waits for a checkpoint to be begun.
        public var interval = Duration.seconds(1)
        /// Events after which none waits longer.
        public var entries: Int64 = 1_000
        /// How long a log is left alone after it could not be published.
        public var pauseAfterFailure = Duration.seconds(10)

        /// A checkpoint each second, or after 1,000 events.
        public init() {}
    }

    private struct Progress {
        var size: Int64?
        var nextAt = ContinuousClock.now
    }

    private let store: LedgerStore
    private let logs: LedgerLogSet
    private let cadence: Cadence
    private let observer: (any PublishingObserver)?
    private var progress: [LogID: Progress] = [:]
    /// Whether a journal has a checkpoint that the ledger's log may not have yet.
    private var isLedgerBehind = true

    /// Makes a publisher.
    public init(logs: LedgerLogSet, cadence: Cadence = Cadence(), observer: (any PublishingObserver)? = nil) {
        self.store = logs.store
        self.logs = logs
        self.cadence = cadence
        self.observer = observer
    }

    /// Publishes whatever is due. A log that can't be published does not keep the others from it.
    ///
    /// - Parameter all: whether everything is due, whatever the cadence says.
    /// - Returns: what went wrong, by log.
    /// - Throws: when the ledger can't be asked what there is.
    @discardableResult
    public func publish(all: Bool = false) async throws -> [(log: LogID, error: any Error)] {
        var failures: [(log: LogID, error: any Error)] = []
        for (journal, position) in try await store.journalPositions() where !Task.isCancelled {
            let log = LogID.journal(journal)
            guard isDue(log, at: position, all) else { continue }
            do {
                note(log, try await publish(journal))
                isLedgerBehind = true
            } catch {
                failures.append((log, fail(log, error)))
            }
        }
        guard isLedgerBehind || all, !Task.isCancelled else {
            if let size = progress[.ledger]?.size { observer?.published(.ledger, size: size) }
            return failures
        }
        if all || (progress[.ledger]?.nextAt ?? .now) <= .now {
            do {
                note(.ledger, Int64(try await logs.ledger.publish().size))
                isLedgerBehind = false
            } catch {
                failures.append((.ledger, fail(.ledger, error)))
            }
        }
        return failures
    }

    private func isDue(_ log: LogID, at position: Int64, _ all: Bool) -> Bool {
        guard let known = progress[log], !all else { return true }
        guard let size = known.size else { return known.nextAt <= .now }
        guard size != position else {
            observer?.published(log, size: size)
            return false
        }
        return known.nextAt <= .now || position - size >= cadence.entries
    }

    /// Publishes a journal and takes its checkpoint down as an entry of the ledger's log.
    private func publish(_ journal: JournalID) async throws -> Int64 {
        let log = logs.log(of: journal)
        let checkpoint = try await log.publish()
        guard checkpoint.size > 0 else { return 0 }
        let note = try checkpoint.signed(by: logs.signer(of: journal))
        // A place that another process took at the same time is a place later.
        while try await !store.recordLogCheckpoint(note.description, of: journal, size: Int64(checkpoint.size)) {
            try await Task.sleep(for: .milliseconds(20))
        }
        return Int64(checkpoint.size)
    }

    private func note(_ log: LogID, _ size: Int64) {
        progress[log] = Progress(size: size, nextAt: .now + cadence.interval)
        observer?.published(log, size: size)
    }

    private func fail(_ log: LogID, _ error: any Error) -> any Error {
        progress[log, default: Progress()].size = nil
        progress[log]?.nextAt = .now + cadence.pauseAfterFailure
        observer?.failed(log, error, isFinal: error.isFinalForLog)
        return error
    }
}

extension Error {
    /// Whether trying again can't help: what is to be published is not what was, or a witness says so.
    var isFinalForLog: Bool {
        if case .conflict? = self as? WitnessRefusal { return true }
        return self is LogPublishingError || self is LogFileDamaged
    }
}
