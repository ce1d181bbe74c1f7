public import Ledger
import Postgres

/// What a look at a part of a chain has found to be good.
public struct ChainPart: Hashable, Sendable {
    /// Events that were checked.
    public internal(set) var events: Int64 = 0
    /// The sequence or position of the last of them; 0 for none.
    public internal(set) var last: Int64 = 0
    /// The hash of the last of them.
    public internal(set) var hash: Digest?
    /// Nothing checked yet.
    public init() {}
}

extension LedgerStore {
    /// Events that are read at once.
    private static let pageSize: Int64 = 1_000

    /// Checks some events of an account's stream by their hashes: each has the next sequence, follows from the account's event
    /// before, is later than that, and has the hash of its columns. The event before the first is taken at its word.
    ///
    /// - Parameters:
    ///   - account: the account.
    ///   - sequences: what to check; from 1 on.
    /// - Throws: the first bad thing as a `VerificationFinding`, or a `LedgerStoreError`.
    public func audit(_ account: AccountID, _ sequences: ClosedRange<Int64>) async throws -> ChainPart {
        let journal = journal(of: account)
        return try await auditing(journal) { session in
            var part = ChainPart()
            var link: StreamLink?
            if sequences.lowerBound > 1 {
                let before = ReadStreamLinks(journal: journal, places: [(account, sequences.lowerBound - 1)])
                link = try await session.query(before).first
            }
            var next = sequences.lowerBound
            while next <= sequences.upperBound {
                let limit = min(Self.pageSize, sequences.upperBound - next + 1)
                let page = try await Self.readable(
                    after: next - 1,
                    limit: Int(limit),
                    session,
                    of: \.sequence,
                    page: { ReadAccountEvents(journal: journal, account: account, after: $0, limit: $1) },
                    fault: { sequence, message in
                        VerificationFinding(
                            kind: .unreadable,
                            journal: journal,
                            position: nil,
                            account: account,
                            message: "event \(sequence) of the account can't be read: \(message)"
                        )
                    }
                )
                guard let last = page.last else { break }
                for event in page {
                    try event.check(after: link)
                    link = StreamLink(event)
                }
                part.events += Int64(page.count)
                (part.last, part.hash) = (last.sequence, last.hash)
                next = last.sequence + 1
            }
            return part
        }
    }

    /// Checks some events of a journal by their hashes: positions have no gap, each event follows from its account's event
    /// before, is later than that, and has the hash of its columns.
    ///
    /// - Parameters:
    ///   - journal: the journal.
    ///   - positions: what to check; from 1 on.
    /// - Throws: the first bad thing as a `VerificationFinding`, or a `LedgerStoreError`.
    public func audit(_ journal: JournalID, _ positions: ClosedRange<Int64>) async throws -> ChainPart {
        try await auditing(journal) { session in
            var part = ChainPart()
            var position = positions.lowerBound - 1
            while position < positions.upperBound {
                let page = try await Self.readable(
                    after: position,
                    upTo: positions.upperBound,
                    limit: Int(Self.pageSize),
                    in: journal,
                    session
                )
                guard let last = page.last else { break }
                try await Self.checkLinks(of: page, after: position, in: journal, session)
                part.events += Int64(page.count)
                position = last.position
                (part.last, part.hash) = (position, last.hash)
            }
            return part
        }
    }

    /// The next events of a journal, or the finding that one of them can't be read.
    static func readable(
        after position: Int64,
        upTo last: Int64,
        limit: Int,
        in journal: JournalID,
        _ session: PostgresSession
    ) async throws -> [Event] {
        try await readable(
            after: position,
            limit: limit,
            session,
            of: \.position,
            page: { ReadEvents(journal: journal, after: $0, upTo: last, limit: $1) },
            fault: { position, message in
                VerificationFinding(
                    kind: .unreadable,
                    journal: journal,
                    position: position,
                    account: nil,
                    message: "the event can't be read: \(message)"
                )
            }
        )
    }

    /// The next events after a number; where a page has one that can't be read, they are read one by one to find it.
    private static func readable<S: PostgresStatement>(
        after start: Int64,
        limit: Int,
        _ session: PostgresSession,
        of number: (Event) -> Int64,
        page: (_ after: Int64, _ limit: Int64) -> S,
        fault: (_ number: Int64, _ message: String) -> VerificationFinding
    ) async throws -> [Event] where S.Row == Event {
        do throws(PostgresError) {
            return try await session.query(page(start, Int64(limit)))
        } catch {
            guard error.code == .decoding else { throw error }
        }
        var events: [Event] = []
        var last = start
        while events.count < limit {
            do throws(PostgresError) {
                guard let event = try await session.query(page(last, 1)).first else { break }
                events.append(event)
                last = number(event)
            } catch {
                guard error.code == .decoding else { throw error }
                throw fault(last + 1, error.message)
            }
        }
        return events
    }

    /// Checks events that follow one another in a journal, each against the event before it in its account's stream.
    static func checkLinks(
        of events: [Event],
        after position: Int64,
        in journal: JournalID,
        _ session: PostgresSession
    ) async throws {
        var position = position
        var links: [AccountID: StreamLink] = [:]
        let firsts = Dictionary(events.map { ($0.content.accountID, $0.sequence) }, uniquingKeysWith: { min($0, $1) })
        let before = ReadStreamLinks(
            journal: journal,
            places: firsts.filter { $0.value > 1 }.map { (account: $0.key, sequence: $0.value - 1) }
        )
        if !before.places.isEmpty {
            for link in try await session.query(before) { links[link.account] = link }
        }
        for event in events {
            guard event.position == position + 1 else {
                let message = "expected position \(position + 1), found \(event.position)"
                throw VerificationFinding(event, .position, message, in: journal)
            }
            let account = event.content.accountID
            if links[account] == nil, event.sequence > 1 {
                // The event before it is not where this one says: what it should follow is what came last.
                links[account] = try await session.query(ReadLatestLink(before: event)).first
            }
            try event.check(after: links[account])
            links[account] = StreamLink(event)
            position = event.position
        }
    }
}
