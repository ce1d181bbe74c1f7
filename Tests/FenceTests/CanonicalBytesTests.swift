import Ledger
import LocalCluster
import TestSupport
import Testing

/// An auditor's SQL must compute what the service's Swift computes.
///
/// For every combination of columns that are NULL, with random values, among them text of every plane of Unicode.
@Suite("Canonical bytes and hashes in SQL", .database(FencedLedger.template))
struct CanonicalBytesTests {
    private static let optionalColumnCount = 13

    @Test("equal Swift's for every combination of absent columns")
    func equalHashes() async throws {
        var seed = Seed.announced(for: "canonical bytes")
        let count = 1 << Self.optionalColumnCount
        let events = (0..<count).map {
            RandomEvent.make(present: $0, position: Int64($0) * 8_191 + 1_000, using: &seed)
        }
        for start in stride(from: 0, to: count, by: 1024) {
            try await LocalCluster.psql(EventSQL.insert(Array(events[start..<start + 1024])), url: TestDatabase.url)
        }
        let equal = "SELECT count(*) FROM ledger.events WHERE position >= 1000 AND hash = ledger.event_hash(events)"
        #expect(try await LocalCluster.psql(equal, url: TestDatabase.url) == String(count))
        let sample = events[count - 1]
        let bytes = try await LocalCluster.psql(
            "SELECT encode(ledger.event_canonical_bytes(events), 'hex') FROM ledger.events "
                + "WHERE journal = \(sample.journal) AND position = \(sample.position)",
            url: TestDatabase.url
        )
        let expected = CanonicalBytes.bytes(
            version: sample.version,
            journal: sample.journal,
            position: sample.position,
            sequence: sample.sequence,
            content: sample.content,
            previousHash: sample.previousHash
        )
        #expect(bytes.replacing("\n", with: "") == expected.map(Self.hexadecimal).joined())
    }

    @Test("differ as soon as one column does")
    func everyColumnCounts() async throws {
        var seed = Seed(7)
        let event = RandomEvent.make(present: (1 << Self.optionalColumnCount) - 1, position: 5_000, using: &seed)
        try await LocalCluster.psql(EventSQL.insert([event]), url: TestDatabase.url)
        let columns = try await LocalCluster.psql(
            """
            SELECT column_name FROM information_schema.columns
            WHERE table_schema = 'ledger' AND table_name = 'events' AND column_name <> 'hash'
            """,
            url: TestDatabase.url
        ).split(separator: "\n")
        #expect(columns.count == 22)
        for column in columns {
            let changed = """
                SELECT ledger.event_hash(jsonb_populate_record(events, jsonb_build_object('\(column)', NULL)))
                    IS NOT DISTINCT FROM ledger.event_hash(events) FROM ledger.events WHERE position = 5000
                """
            #expect(try await LocalCluster.psql(changed, url: TestDatabase.url) == "f", "\(column)")
        }
    }

    @Test("chain a journal as Swift does")
    func chain() async throws {
        var head = Digest.zero
        var expected: [String] = []
        for event in SampleLedger.make().events where event.journal == JournalID(1) {
            head = head.chained(with: event.hash)
            expected.append("\(event.position)\t\(head)")
        }
        let query = "SELECT position, encode(head_hash, 'hex') FROM ledger.journal_chain(1::smallint"
        let whole = try await LocalCluster.psql("\(query))", url: TestDatabase.url)
        #expect(whole == expected.joined(separator: "\n"))
        let part = try await LocalCluster.psql("\(query), 4, 6)", url: TestDatabase.url)
        #expect(part == expected[3...5].joined(separator: "\n"))
    }

    private static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}
