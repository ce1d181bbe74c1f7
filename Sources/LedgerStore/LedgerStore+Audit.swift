public import Ledger
import Postgres

/// How far an audit has come in a journal: a value that goes on from page to page.
public struct AuditCursor: Hashable, Sendable {
    /// The journal.
    public let journal: JournalID
    /// The last position whose event was checked.
    public private(set) var position: Int64 = 0
    /// The running hash over the events so far, which the journal's head must have where they end.
    private var headHash = Digest.zero

    /// Starts before the journal's first event.
    public init(journal: JournalID) { self.journal = journal }

    fileprivate mutating func advance(to event: Event) {
        position = event.position
        headHash = headHash.chained(with: event.hash)
    }

    /// What is wrong with a journal's head, if its events end here.
    fileprivate func finding(of head: JournalHead) -> VerificationFinding? {
        JournalFold.finding(of: head, in: journal, position: position, hash: headHash)
    }
}

/// What a page of an audit has covered.
public struct AuditPage: Sendable {
    /// The events that were checked.
    public let events: Int
    /// Whether the journal ends here.
    public let isAtHead: Bool
    /// The accounts whose streams begin in it.
    public let opened: [AccountID]
}

extension LedgerStore {
    /// Checks the next events of a journal by their hashes: each follows its account's event before, is later, and has the
    /// hash of its columns; and the journal's head is where they end. One snapshot a page, beside live traffic; what it
    /// needs in memory is a page.
    ///
    /// - Parameters:
    ///   - cursor: where to go on; it has moved if nothing is thrown.
    ///   - limit: the most events that are read.
    /// - Throws: the first bad thing as a `VerificationFinding`, or a `LedgerStoreError`.
    public func audit(_ cursor: inout AuditCursor, limit: Int) async throws -> AuditPage {
        let start = cursor
        let (page, end) = try await auditing(start.journal) { session in
            try await Self.check(start, limit: limit, session)
        }
        cursor = end
        return page
    }

    private static func check(
        _ start: AuditCursor,
        limit: Int,
        _ session: PostgresSession
    ) async throws -> (AuditPage, AuditCursor) {
        var cursor = start
        var opening = PipelineBatch()
        opening.begin(.repeatableReadOnly)
        opening.append(ReadJournalHead(journal: cursor.journal))
        let head = try await session.execute(opening)[1].decode(as: ReadJournalHead.self).first
        guard let head else { throw VerificationFinding.noHead(of: cursor.journal) }
        let events = try await readable(after: cursor.position, upTo: .max, limit: limit, in: cursor.journal, session)
        try await checkLinks(of: events, after: cursor.position, in: cursor.journal, session)
        for event in events { cursor.advance(to: event) }
        let isAtHead = events.count < limit
        if isAtHead || cursor.position > head.position, let finding = cursor.finding(of: head) { throw finding }
        let opened = events.filter { $0.sequence == 1 }.map(\.content.accountID)
        return (AuditPage(events: events.count, isAtHead: isAtHead, opened: opened), cursor)
    }

    /// Compares an account's projections with the fold of its events, in one snapshot.
    ///
    /// - Parameters:
    ///   - account: the account.
    ///   - limit: the longest stream that is folded. Of a longer one nothing is compared here; `verify()` does.
    /// - Returns: the number of events folded, which is 0 for a stream that is longer.
    /// - Throws: the first bad thing as a `VerificationFinding`, or a `LedgerStoreError`.
    public func audit(_ account: AccountID, limit: Int64) async throws -> Int64 {
        let journal = journal(of: account)
        return try await auditing(journal) { session in
            var opening = PipelineBatch()
            opening.begin(.repeatableReadOnly)
            _ = try await session.execute(opening)
            let known = try await ProjectionSnapshot.rows(ScanAccounts(journal: journal), account, session).first
            guard (known?.sequence ?? 0) <= limit else { return 0 }
            var fold = LedgerState()
            while true {
                let sequence = fold.account?.sequence ?? 0
                let page = try await session.query(
                    ReadAccountEvents(journal: journal, account: account, after: sequence, limit: 1_000)
                )
                for event in page { try fold.fold(event) }
                if page.count < 1_000 { break }
            }
            let live = try await ProjectionSnapshot.read(journal, of: account, session)
            if let finding = live.difference(from: fold, of: account, in: journal) { throw finding }
            return fold.account?.sequence ?? 0
        }
    }

    /// Reads in a session of its own; a row that can't be read is a finding.
    func auditing<Value: Sendable>(
        _ journal: JournalID,
        _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        do {
            return try await client.withSession { session in try await body(session) }
        } catch let error as PostgresError {
            guard error.code == .decoding else { throw LedgerStoreError(error) }
            throw VerificationFinding(
                kind: .unreadable,
                journal: journal,
                position: nil,
                account: nil,
                message: error.message
            )
        }
    }
}
