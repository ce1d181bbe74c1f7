public import Ledger
import Postgres

/// What a verification covered, and the first bad thing of each journal that has one.
public struct VerificationReport: Sendable {
    /// Journals read.
    public internal(set) var journals = 0
    /// Events folded.
    public internal(set) var events: Int64 = 0
    /// Accounts compared.
    public internal(set) var accounts = 0
    /// Holds that are open.
    public internal(set) var openHolds = 0
    /// Runs whose fate is not known.
    public internal(set) var unresolvedExecutions = 0
    /// Credits posted over all accounts.
    public internal(set) var posted = Credits.zero
    /// Credits on hold over all accounts.
    public internal(set) var held = Credits.zero
    /// The first bad thing of each journal that has one, by journal.
    public internal(set) var findings: [VerificationFinding] = []
    /// Nothing covered yet.
    public init() {}
    /// Whether nothing bad was found.
    public var isClean: Bool { findings.isEmpty }
}

extension LedgerStore {
    /// Checks every journal: positions and sequences without gap, hashes and chains, times, sums, the journal's head, and
    /// every projection against the fold of the events; and what is kept of invoices against their events. Each journal is read in one snapshot, beside live traffic.
    ///
    /// - Parameter progress: called after each page of events with the number of events folded so far.
    public func verify(
        progress: @Sendable (Int64) -> Void = { _ in }
    ) async throws(LedgerStoreError) -> VerificationReport {
        var report = VerificationReport()
        for number in 0..<journalCount {
            let journal = JournalID(number)
            do {
                let fold = try await client.withSession { session in
                    try await verify(journal, session, from: report.events, progress)
                }
                report.add(fold)
            } catch let finding as VerificationFinding {
                report.findings.append(finding)
            } catch let error as PostgresError {
                guard error.code == .decoding else { throw LedgerStoreError(error) }
                report.findings.append(
                    VerificationFinding(
                        kind: .unreadable,
                        journal: journal,
                        position: nil,
                        account: nil,
                        message: error.message
                    )
                )
            } catch {
                throw LedgerStoreError(.unavailable, outcome: .unknown, "\(error)")
            }
            report.journals += 1
        }
        try await addChangedImport(to: &report)
        return report
    }

    /// Invoices are beside the events of journal 0's house account, which have their hash. Where that journal is damaged itself, its
    /// first bad thing was found already.
    private func addChangedImport(to report: inout VerificationReport) async throws(LedgerStoreError) {
        let journal = JournalID(0)
        guard !report.findings.contains(where: { $0.journal == journal }),
            let changed = try await changedImports().first
        else { return }
        let finding = VerificationFinding(
            kind: .invoice,
            journal: journal,
            position: changed.position,
            account: .house(of: journal, journalCount: journalCount),
            message: "what is kept of \(changed) is not what the event recorded"
        )
        report.findings.insert(finding, at: 0)
    }

    private func verify(
        _ journal: JournalID,
        _ session: PostgresSession,
        from counted: Int64,
        _ progress: @Sendable (Int64) -> Void
    ) async throws -> JournalFold {
        var opening = PipelineBatch()
        opening.begin(.repeatableReadOnly)
        opening.append(ReadJournalHead(journal: journal))
        guard let head = try await session.execute(opening)[1].decode(as: ReadJournalHead.self).first else {
            throw VerificationFinding.noHead(of: journal)
        }
        var fold = JournalFold(journal: journal)
        // Up to the last event there is, not to the head: one beyond the head is a finding too.
        try await fold.addEvents(upTo: .max, session) { progress(counted + $0) }
        if let finding = fold.finding(of: head) { throw finding }
        let snapshot = try await ProjectionSnapshot.read(journal, session)
        if let difference = snapshot.firstDifference(from: fold) { throw difference }
        return fold
    }
}

extension JournalFold {
    /// Folds the events after the fold's position, a page at a time.
    mutating func addEvents(
        upTo last: Int64,
        _ session: PostgresSession,
        progress: (Int64) -> Void = { _ in }
    ) async throws {
        var pageSize: Int64 = 5_000
        while position < last {
            let page: [Event]
            do throws(PostgresError) {
                page = try await session.query(
                    ReadEvents(journal: journal, after: position, upTo: last, limit: pageSize)
                )
            } catch {
                guard error.code == .decoding else { throw error }
                // Smaller pages, until the event that can't be read stands alone.
                guard pageSize == 1 else {
                    pageSize /= 2
                    continue
                }
                throw VerificationFinding(
                    kind: .unreadable,
                    journal: journal,
                    position: position + 1,
                    account: nil,
                    message: "the event can't be read: \(error.message)"
                )
            }
            for event in page { try add(event) }
            progress(position)
            if page.count < Int(pageSize) { break }
        }
    }
}

extension VerificationReport {
    fileprivate mutating func add(_ fold: JournalFold) {
        events += fold.position
        accounts += fold.states.count
        for state in fold.states.values {
            openHolds += state.holds.count
            unresolvedExecutions += state.executions.values.count { $0.status == .unresolved }
            posted += state.account?.posted ?? .zero
            held += state.account?.held ?? .zero
        }
    }
}
