import Books
import Foundation
import Ledger
import LedgerStore
import Postgres

extension LedgerExport {
    /// Writes the books: a file of transactions for each part, and one that includes them all, with what the accounts held
    /// before and what they must hold at the end of each month.
    func writeBooks(
        _ format: PlainTextBooks.Format,
        _ store: LedgerStore,
        _ connection: PostgresScriptConnection,
        _ manifest: inout ExportManifest,
        _ progress: (Progress) -> Void
    ) async throws {
        var books = PlainTextBooks(format)
        let opening = try await books.open(connection, manifest.heads)
        var includes = ""
        try await forEachPart(&manifest, progress) { part, name, isWhole in
            includes += books.include(name)
            if isWhole {
                // What its transactions move has to be known for the end of the books.
                try await books.carry(connection, part)
                return nil
            }
            return try await write(name) { file in
                try await books.write(part, of: store) { try file.write($0) }
            }
        }
        let heading = books.heading(title: manifest.ledger) + opening
        manifest.files.append(
            try await write("books.\(format.suffix)") { try $0.write(heading + includes + "\n" + books.ending()) }
        )
    }

    private func write(_ name: String, _ body: (ExportFile) async throws -> Void) async throws -> ExportManifest.File {
        let file = try ExportFile(named: name, in: folder)
        do {
            try await body(file)
            return try file.finish()
        } catch {
            file.abandon()
            throw error
        }
    }
}

extension PlainTextBooks {
    /// Writes the transactions of a part's events, piece by piece.
    mutating func write(
        _ part: ExportRange,
        of store: LedgerStore,
        to write: (_ text: String) async throws -> Void
    ) async throws {
        var position = part.after
        while position < part.through {
            let limit = Int(min(5_000, part.through - position))
            let page = try await store.events(in: JournalID(part.journal), after: position, limit: limit)
            guard page.last?.position == position + Int64(limit) else {
                throw ExportError.damaged("journal \(part.journal) has a gap after position \(position)")
            }
            var text = ""
            do throws(PostingError) {
                for event in page { text += try transaction(event) }
            } catch {
                throw ExportError.damaged(error.description)
            }
            try await write(text)
            position += Int64(limit)
        }
    }

    /// Takes in what every account held before an export's first events; empty when these are the ledger's first.
    fileprivate mutating func open(
        _ connection: PostgresScriptConnection,
        _ heads: [ExportManifest.Head]
    ) async throws -> String {
        guard heads.contains(where: { $0.range.after > 0 }) else { return "" }
        let positions = heads.map { String($0.range.after) }.joined(separator: ",")
        let places = heads.map {
            """
            events.journal = \($0.range.journal) AND events.position > \($0.range.after)
            AND events.position <= \($0.range.through)
            """
        }
        let ends = heads.map { "events.journal = \($0.range.journal) AND events.position = \($0.range.after)" }
        let results = try await connection.execute(
            script: """
                SELECT name, commodity, units FROM ledger.trial_balance('{\(positions)}', by_name => true);
                SELECT to_char(
                    coalesce(
                        (SELECT min(events.recorded_at) FROM ledger.events WHERE \(places.joined(separator: " OR "))),
                        (SELECT max(events.recorded_at) FROM ledger.events WHERE \(ends.joined(separator: " OR ")))
                    ) AT TIME ZONE 'UTC', 'YYYY-MM-DD'
                )
                """
        )
        guard results.count == 2, let day = results[1].rows.first?[0] else {
            throw ExportError.damaged("the books' beginning has no day")
        }
        let place = heads.map { "\($0.range.journal)/\($0.range.after)" }.joined(separator: " ")
        return open(try results[0].rows.map { try Self.sum($0[...]) }, on: day, place: place)
    }

    /// Takes in what the transactions of a part move, which are written already.
    fileprivate mutating func carry(_ connection: PostgresScriptConnection, _ part: ExportRange) async throws {
        let results = try await connection.execute(
            script: """
                SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM'), name, commodity, sum(units)
                FROM ledger.postings
                WHERE journal = \(part.journal) AND position > \(part.after) AND position <= \(part.through)
                GROUP BY 1, 2, 3
                """
        )
        for row in results.last?.rows ?? [] {
            guard let month = row[0].flatMap({ CalendarMonth($0) }) else {
                throw ExportError.damaged("a posting has no month")
            }
            move(try Self.sum(row[1...]), in: month)
        }
    }

    private static func sum(_ row: ArraySlice<String?>) throws(ExportError) -> Sum {
        let columns = Array(row)
        guard let name = columns[0], let commodity = columns[1].flatMap({ Commodity(rawValue: $0) }),
            let units = columns[2].flatMap({ Int64($0) })
        else { throw ExportError.damaged("\(columns[0] ?? "an account") holds more than fits in 64 bits") }
        return Sum(name: name, commodity: commodity, units: units)
    }
}

extension PlainTextBooks.Format {
    /// What the files' names end with.
    var suffix: String { self == .beancount ? "beancount" : "journal" }
}
