import CoreMetrics
import Ledger
import LedgerStore
import Logging
import ServiceLifecycle

/// Checks the ledger while it is in use: new events as they come, and again and again all of them, journal after journal,
/// so that what somebody changes in an event that was checked is found too. Reads so many events a second at most, and
/// never holds up a writer.
///
/// It trusts nothing that it has not read itself: after a start it begins at the first event.
struct SelfAudit: Service {
    /// Bounds of an audit.
    struct Limits: Hashable, Sendable {
        /// Events that are read in a second at most; 0 for no audit.
        var eventsPerSecond: Int
        /// Seconds from the beginning of a pass over a journal to that of the next, if it takes no longer.
        var passSeconds: Int
        /// The longest stream of an account whose projections are compared with its fold.
        var streamEvents: Int64 = 100_000
    }

    private let store: LedgerStore
    private let metrics: ServiceMetrics
    private let limits: Limits
    private let logger: Logger

    init(_ configuration: AppConfiguration, _ store: LedgerStore, _ metrics: ServiceMetrics, _ logger: Logger) {
        self.store = store
        self.metrics = metrics
        self.logger = logger
        self.limits = Limits(
            eventsPerSecond: configuration.auditEventsPerSecond,
            passSeconds: configuration.auditPassSeconds
        )
    }

    func run() async throws {
        guard limits.eventsPerSecond > 0 else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            var journals = (0..<store.journalCount).map { JournalAudit(journal: JournalID($0)) }
            while !Task.isCancelled {
                var read = 0
                for index in journals.indices where !Task.isCancelled { read += await turn(&journals[index]) }
                if read == 0 { try? await Task.sleep(for: .seconds(1)) }
            }
        }
    }

    /// Goes on with a journal, and returns how many events were read.
    private func turn(_ audit: inout JournalAudit) async -> Int {
        guard audit.isDue(now: .now) else { return 0 }
        var read = 0
        do {
            read += try await follow(&audit)
            read += try await pass(&audit)
            metrics.note(audit)
        } catch let finding as VerificationFinding {
            if audit.finding != finding {
                logger.critical(
                    "the ledger is damaged",
                    metadata: [
                        "finding": "\(finding)", "kind": "\(finding.kind.rawValue)",
                        "journal": "\(finding.journal)", "position": "\(finding.position ?? 0)",
                        "account": "\(finding.account.map(\.description) ?? "")",
                    ]
                )
            }
            audit.found(finding, now: .now, passSeconds: limits.passSeconds)
            metrics.note(audit)
        } catch {
            logger.warning("a journal can't be audited now", metadata: ["error": "\(error)"])
            try? await Task.sleep(for: .seconds(1))
        }
        return read
    }

    /// Checks events that came since.
    private func follow(_ audit: inout JournalAudit) async throws -> Int {
        guard audit.isFollowing else { return 0 }
        let page = try await store.audit(&audit.tip, limit: pageSize)
        await paced(page.events)
        return page.events
    }

    /// Goes on with the pass over the whole journal, if one is due or under way.
    private func pass(_ audit: inout JournalAudit) async throws -> Int {
        guard audit.beginsPass(now: .now, at: SystemClock.now(), passSeconds: limits.passSeconds),
            var cursor = audit.cursor
        else { return 0 }
        let page = try await store.audit(&cursor, limit: pageSize)
        await paced(page.events)
        var read = page.events
        for account in page.opened where !Task.isCancelled {
            let folded = Int(try await store.audit(account, limit: limits.streamEvents))
            await paced(folded)
            read += folded
        }
        audit.went(to: cursor, isAtHead: page.isAtHead)
        return read
    }

    private var pageSize: Int { min(500, limits.eventsPerSecond) }

    /// Waits as long as reading so many events may take.
    private func paced(_ events: Int) async {
        metrics.verifiedEvents.increment(by: events)
        guard events > 0 else { return }
        try? await Task.sleep(for: .seconds(Double(events) / Double(limits.eventsPerSecond)))
    }
}

/// How far the audit of a journal has come. A value: what it decides needs neither a database nor a clock of its own.
struct JournalAudit {
    let journal: JournalID
    /// Where new events are followed, once the first pass has ended.
    var tip: AuditCursor
    /// Where the pass over the whole journal is; nil between two.
    private(set) var cursor: AuditCursor?
    /// The first bad thing, until a whole pass has found nothing.
    private(set) var finding: VerificationFinding?
    /// When the latest pass began that found nothing; nil before there was one.
    private(set) var cleanPassBegan: Timestamp?
    private var passBegan: (instant: ContinuousClock.Instant, time: Timestamp)?
    private var resumesAt: ContinuousClock.Instant?
    /// Whether new events are followed: not during the first pass, nor after a finding.
    private(set) var isFollowing = false

    init(journal: JournalID) {
        self.journal = journal
        self.tip = AuditCursor(journal: journal)
    }

    /// Up to where every event was checked and nothing bad was found.
    var verifiedThrough: Int64 {
        if let finding {
            let before = finding.kind == .journalHead ? finding.position : finding.position.map { $0 - 1 }
            return max(0, before ?? 0)
        }
        return isFollowing ? tip.position : cursor?.position ?? 0
    }

    /// Whether there is something to do: after a finding not at once, for nothing will have changed.
    func isDue(now: ContinuousClock.Instant) -> Bool { resumesAt.map { now >= $0 } ?? true }

    /// Whether a pass is under way; begins one if it is time.
    mutating func beginsPass(now: ContinuousClock.Instant, at time: Timestamp, passSeconds: Int) -> Bool {
        if cursor != nil { return true }
        if let passBegan, now < passBegan.instant.advanced(by: .seconds(passSeconds)) { return false }
        passBegan = (now, time)
        cursor = AuditCursor(journal: journal)
        return true
    }

    /// A page of the pass was good.
    mutating func went(to next: AuditCursor, isAtHead: Bool) {
        cursor = next
        guard isAtHead else { return }
        finding = nil
        cleanPassBegan = passBegan?.time
        cursor = nil
        if !isFollowing { (isFollowing, tip) = (true, next) }
    }

    /// Something bad was found: begins anew after a while, in case it is mended.
    mutating func found(_ finding: VerificationFinding, now: ContinuousClock.Instant, passSeconds: Int) {
        self.finding = finding
        cursor = nil
        passBegan = nil
        isFollowing = false
        resumesAt = now.advanced(by: .seconds(min(60, passSeconds)))
    }
}
