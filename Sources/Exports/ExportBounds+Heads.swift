import Ledger
import Postgres
import TransparencyLog

extension ExportBounds {
    /// Finds each journal's range, and what the journal is at both of its ends: by reading the hash of every event up to there.
    func heads(
        _ connection: PostgresScriptConnection,
        _ progress: @escaping @Sendable (LedgerExport.Progress) -> Void
    ) async throws -> [ExportManifest.Head] {
        let rows = try await connection.execute(
            script: "SELECT journal, position, encode(head_hash, 'hex') FROM ledger.journals ORDER BY journal"
        )
        let ends = (rows.last?.rows ?? []).compactMap { row -> (journal: Int16, position: Int64, hash: String)? in
            guard let journal = row[0].flatMap({ Int16($0) }), let position = row[1].flatMap({ Int64($0) }),
                let hash = row[2]
            else { return nil }
            return (journal, position, hash)
        }
        let after = try await positions(before: from, ends.map(\.position), connection)
        let through = try await positions(before: to, ends.map(\.position), connection)
        var heads: [ExportManifest.Head] = []
        let total = (through ?? ends.map(\.position)).reduce(0, +)
        var done: Int64 = 0
        for (index, end) in ends.enumerated() {
            let range = ExportRange(
                journal: end.journal,
                after: after?[index] ?? 0,
                through: through?[index] ?? end.position
            )
            guard range.after <= range.through else {
                throw ExportError.outside(
                    "Journal \(end.journal) would begin after position \(range.after) and end at \(range.through)."
                )
            }
            let before = done
            let walk = HashWalk(range) {
                progress(LedgerExport.Progress(stage: .hashing, done: before + $0, total: total))
            }
            try await connection.copyOut(
                """
                COPY (
                    SELECT encode(hash, 'hex') FROM ledger.events
                    WHERE journal = \(range.journal) AND position <= \(range.through) ORDER BY position
                ) TO STDOUT
                """
            ) { try walk.add($0) }
            let head = try walk.head()
            guard range.through < end.position || head.hash.description == end.hash else {
                throw ExportError.damaged("the running hash of journal \(end.journal) is not that of its events")
            }
            guard hashesBefore.map({ $0[index] == head.hashBefore }) ?? true else {
                throw ExportError.ledgerDiffers(journal: end.journal)
            }
            heads.append(head)
            done += range.through
        }
        return heads
    }

    /// The positions before an edge, by journal; nil when there is no edge.
    private func positions(
        before edge: ExportBounds.Edge?,
        _ ends: [Int64],
        _ connection: PostgresScriptConnection
    ) async throws -> [Int64]? {
        switch edge {
        case nil: return nil
        case .positions(let asked):
            let positions = asked.count == 1 ? Array(repeating: asked[0], count: ends.count) : asked
            guard positions.count == ends.count else {
                throw ExportError.outside("\(asked.count) positions for \(ends.count) journals: name one for each.")
            }
            for (journal, (position, end)) in zip(positions, ends).enumerated()
            where !(1...end + 1).contains(position) {
                throw ExportError.outside(
                    "Position \(position) is not in journal \(journal): it may be from 1 to \(end + 1)."
                )
            }
            return positions.map { $0 - 1 }
        case .time(let moment):
            let rows = try await connection.execute(
                script: """
                    SELECT coalesce(
                        (
                            SELECT events.position - 1 FROM ledger.events
                            WHERE events.journal = journals.journal AND events.recorded_at >= '\(moment.rfc3339)'
                            ORDER BY events.position LIMIT 1
                        ),
                        journals.position
                    )
                    FROM ledger.journals ORDER BY journals.journal
                    """
            )
            let found = (rows.last?.rows ?? []).compactMap { $0[0].flatMap { Int64($0) } }
            // What has been recorded since the ends were read is not in it.
            return zip(found, ends).map { min($0, $1) }
        }
    }
}

/// The running hash and the tree over a journal's events, from the first one on.
private final class HashWalk: @unchecked Sendable {
    // Unchecked: the connection's thread adds while the one that waits for it does nothing else.
    private let range: ExportRange
    private let progress: (Int64) -> Void
    private var hash = Digest.zero
    private var hashBefore = Digest.zero
    private var last: Digest?
    private var edge = RightEdge()

    init(_ range: ExportRange, progress: @escaping (Int64) -> Void) {
        self.range = range
        self.progress = progress
    }

    /// Adds a row: 64 digits and the end of the line.
    func add(_ row: UnsafeRawBufferPointer) throws {
        guard let event = Digest(hexadecimal: String(decoding: row.prefix(64), as: UTF8.self)) else {
            throw ExportError.damaged("journal \(range.journal) has an event without a hash")
        }
        hash = hash.chained(with: event)
        last = event
        edge.append(event)
        if edge.size == UInt64(range.after) { hashBefore = hash }
        if edge.size % 65_536 == 0 { progress(Int64(edge.size)) }
    }

    func head() throws(ExportError) -> ExportManifest.Head {
        guard edge.size == UInt64(range.through) else {
            throw ExportError.damaged(
                "journal \(range.journal) has \(edge.size) events up to position \(range.through)"
            )
        }
        return ExportManifest.Head(range: range, hashBefore: hashBefore, hash: hash, root: edge.root, eventHash: last)
    }
}
