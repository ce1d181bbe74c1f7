import Ledger
import LedgerStore
import LedgerTestSupport
import TestSupport
import Testing

/// Goal: whatever a superuser changes in the ledger's rows, `verify` finds it and names the first bad thing.
/// Method: one history; for each kind of damage, change the rows behind the ledger's back, verify, and put them back.
@Suite("Damage", .gated, .database(LedgerDatabase.template(journals: 2)))
struct DamageTests {
    /// A history in journal 0 or 1 of a ledger whose rows can be damaged and put back.
    private func withLedger(_ body: (LedgerStore, Tenant, [Event]) async throws -> Void) async throws {
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            let history = try await History.make(in: store, clock: clock, tenantCount: 4)
            try await expectSound(store)
            try await psql(TamperedTables.keepCopies)
            let tenant = history.tenants[1]
            let events = try await psql(
                "SELECT account_id, sequence FROM ledger.events WHERE journal = \(tenant.journal) ORDER BY position"
            )
            // The whole journal in order, other accounts in it too.
            var all: [Event] = []
            for other in history.tenants where other.journal == tenant.journal {
                all += try await store.allEvents(of: other.account)
            }
            all.sort { $0.position < $1.position }
            #expect(events.split(separator: "\n").count == all.count)
            try await body(store, tenant, all)
            #expect(try await store.verify().isClean, "the rows were put back")
        }
    }

    /// Damages, verifies, and puts the rows back. The audit, which reads page by page, must find the same, unless it is a row
    /// of an account that has no events.
    private func finding(
        _ damage: String,
        _ store: LedgerStore,
        location: SourceLocation = #_sourceLocation
    ) async throws -> VerificationFinding {
        try await tamper(damage)
        let report = try await store.verify()
        let audited = try await Self.audit(store)
        let looked = try await Self.look(store)
        try await psql(TamperedTables.putBack)
        if let found = report.findings.first, found.kind == .hash || looked != nil {
            #expect(looked == found, "\(damage)", sourceLocation: location)
        }
        if let found = report.findings.first, audited != found {
            let account = found.account.map { "'\($0)'" } ?? "NULL"
            let events = try await count("SELECT count(*) FROM ledger.events WHERE account_id = \(account)")
            #expect(
                events == 0 && found.kind == .projection,
                "\(damage): \(String(describing: audited))",
                sourceLocation: location
            )
        }
        return try #require(report.findings.first, "not found: \(damage)", sourceLocation: location)
    }

    /// The first bad thing that a look at a part of each journal finds, which is all of it.
    private static func look(_ store: LedgerStore) async throws -> VerificationFinding? {
        for number in 0..<store.journalCount {
            do {
                _ = try await store.audit(JournalID(number), 1...20_000_000)
            } catch let finding as VerificationFinding {
                return finding
            }
        }
        return nil
    }

    /// The first bad thing that an audit of every journal finds, a few events a page.
    private static func audit(_ store: LedgerStore) async throws -> VerificationFinding? {
        for number in 0..<store.journalCount {
            do {
                var cursor = AuditCursor(journal: JournalID(number))
                var accounts: [AccountID] = []
                while true {
                    let page = try await store.audit(&cursor, limit: 7)
                    accounts += page.opened
                    if page.isAtHead { break }
                }
                for account in accounts.sorted() { _ = try await store.audit(account, limit: 10_000) }
            } catch let finding as VerificationFinding {
                return finding
            }
        }
        return nil
    }

    @Test("one byte of any column of an event")
    func eventColumns() async throws {
        try await withLedger { store, tenant, _ in
            let columns = try await TamperedTables.columns(of: "events")
            #expect(columns.count == 23)
            for column in columns {
                // Of the events of one account in the middle of the journal, one in which the column applies.
                let candidates = """
                    SELECT position FROM ledger.events
                    WHERE account_id = '\(tenant.account)' AND sequence > 2 AND \(column.name) IS NOT NULL
                    ORDER BY position
                    """
                let positions = try await psql(candidates).split(separator: "\n").compactMap { Int64($0) }
                let position = try #require(positions.dropLast().last ?? positions.first, "\(column.name) is never set")
                let place = "journal = \(tenant.journal) AND position = \(position)"
                // Places are unique, so these go to where none was.
                let isPlace = column.name == "position" || column.name == "sequence"
                let free = "16000000"
                let change =
                    column.name == "journal" ? "1 - journal, position = \(free)" : isPlace ? free : column.changed
                let damage = "UPDATE ledger.events SET \(column.name) = \(change) WHERE \(place)"
                let finding = try await finding(damage, store)
                switch column.name {
                case "journal" where finding.journal != tenant.journal:
                    // It is one too many in the other journal.
                    #expect(finding.kind == .position)
                case "journal", "position":
                    // It is missing where it was: the next one is not the one expected.
                    #expect(finding.kind == .position, "\(finding)")
                    #expect(finding.position == position + 1)
                default:
                    #expect(finding.journal == tenant.journal, "\(column.name)")
                    #expect(finding.position == position, "\(column.name): \(finding)")
                    #expect(finding.kind == column.eventFinding, "\(column.name): \(finding)")
                }
                guard column.isNullable else { continue }
                let erased = try await self.finding(
                    "UPDATE ledger.events SET \(column.name) = NULL WHERE \(place)",
                    store
                )
                #expect(erased.position == position, "\(column.name) erased: \(erased)")
            }
        }
    }

    @Test("events that are gone, swapped, doubled, or of another type")
    func wholeEvents() async throws {
        try await withLedger { store, tenant, events in
            let journal = tenant.journal
            let last = Int64(events.count)
            func at(_ position: Int64) -> String { "journal = \(journal) AND position = \(position)" }
            let gone = try await finding("DELETE FROM ledger.events WHERE \(at(10))", store)
            #expect(gone.kind == .position)
            #expect(gone.position == 11)
            let first = try await finding("DELETE FROM ledger.events WHERE \(at(1))", store)
            #expect(first.kind == .position)
            #expect(first.position == 2)
            for count in [1, 5] {
                let tail = try await finding(
                    "DELETE FROM ledger.events WHERE journal = \(journal) AND position > \(last - Int64(count))",
                    store
                )
                #expect(tail.kind == .journalHead)
                #expect(tail.position == last - Int64(count))
                #expect(tail.journal == journal)
            }
            let all = try await finding("DELETE FROM ledger.events WHERE journal = \(journal)", store)
            #expect(all.kind == .journalHead)
            #expect(all.journal == journal)
            // A gap closed by moving everything behind it up.
            let closed = try await finding(
                """
                DELETE FROM ledger.events WHERE \(at(10));
                UPDATE ledger.events SET position = position + 1000000 WHERE journal = \(journal) AND position > 10;
                UPDATE ledger.events SET position = position - 1000001 WHERE journal = \(journal) AND position > 10
                """,
                store
            )
            #expect(closed.position == 10)
            let swapped = try await finding(
                """
                UPDATE ledger.events SET position = 900000 WHERE \(at(12));
                UPDATE ledger.events SET position = 12 WHERE \(at(13));
                UPDATE ledger.events SET position = 13 WHERE \(at(900_000))
                """,
                store
            )
            #expect(swapped.position == 12)
            let sequence = try #require(events.last).sequence
            let more = try await finding(
                TamperedTables.insertCopy(
                    of: "events",
                    changing: ["position": "\(last + 1)", "sequence": "\(sequence + 1)"],
                    where: at(last)
                ),
                store
            )
            #expect(more.position == last + 1)
            let type = try await finding(
                "UPDATE ledger.events SET type = 'account.approved' WHERE \(at(last))",
                store
            )
            #expect(type.kind == .hash)
            #expect(type.position == last)
        }
    }

    @Test("a changed event whose hash was recomputed is found by the next hash, or the head")
    func recomputedHash() async throws {
        try await withLedger { store, tenant, events in
            for event in [events.first { $0.content.type == .creditsAdded }, events.last].compactMap({ $0 }) {
                let place = "journal = \(tenant.journal) AND position = \(event.position)"
                let finding = try await finding(
                    """
                    UPDATE ledger.events SET request_id = gen_random_uuid() WHERE \(place);
                    UPDATE ledger.events SET hash = ledger.event_hash(events) WHERE \(place)
                    """,
                    store
                )
                if event.position == events.last?.position {
                    #expect(finding.kind == .journalHead)
                } else {
                    let own = events.filter { $0.content.accountID == event.content.accountID }
                    let next = own.first { $0.sequence > event.sequence }
                    #expect(finding.kind == .previousHash)
                    #expect(finding.position == next?.position)
                }
            }
        }
    }

    @Test("a journal's head that was moved, changed, or is gone")
    func journalHead() async throws {
        try await withLedger { store, tenant, _ in
            let place = "WHERE journal = \(tenant.journal)"
            for damage in [
                "UPDATE ledger.journals SET position = position + 1 \(place)",
                "UPDATE ledger.journals SET position = position - 1 \(place)",
                "UPDATE ledger.journals SET head_hash = set_byte(head_hash, 31, get_byte(head_hash, 31) # 1) \(place)",
                "DELETE FROM ledger.journals \(place)",
            ] {
                let finding = try await finding(damage, store)
                #expect(finding.kind == .journalHead, "\(damage)")
                #expect(finding.journal == tenant.journal)
            }
        }
    }

    @Test("any column of any row of a projection, a row that is gone, and one too many", arguments: projectionTables)
    func projections(_ table: String) async throws {
        try await withLedger { store, tenant, _ in
            try await tamper(TamperedTables.dropChecks(of: table))
            let one = "ctid = (SELECT min(ctid) FROM ledger.\(table) WHERE account_id = '\(tenant.account)')"
            let columns = try await TamperedTables.columns(of: table)
            func expectNamed(_ finding: VerificationFinding, _ what: String) {
                #expect(finding.journal == tenant.journal, "\(what): \(finding)")
                #expect(finding.message.contains(table), "\(what): \(finding)")
                switch finding.kind {
                case .projection where what == "account_id": break
                case .projection: #expect(finding.account == tenant.account, "\(what): \(finding)")
                case .unreadable: break
                default: Issue.record("\(what): \(finding)")
                }
            }
            for column in columns {
                let rows = try await count(
                    "SELECT count(*) FROM ledger.\(table) WHERE account_id = '\(tenant.account)' AND \(column.name) IS NOT NULL"
                )
                if rows > 0 {
                    let row = """
                        ctid = (
                            SELECT min(ctid) FROM ledger.\(table)
                            WHERE account_id = '\(tenant.account)' AND \(column.name) IS NOT NULL
                        )
                        """
                    let change = column.name == "journal" ? "99" : column.changed
                    let damage = "UPDATE ledger.\(table) SET \(column.name) = \(change) WHERE \(row)"
                    expectNamed(try await finding(damage, store), column.name)
                }
                guard column.isNullable else { continue }
                for (present, value) in [("IS NOT NULL", "NULL"), ("IS NULL", column.example)] {
                    let place = """
                        FROM ledger.\(table) WHERE account_id = '\(tenant.account)' AND \(column.name) \(present)
                        """
                    guard try await count("SELECT count(*) \(place)") > 0 else { continue }
                    let damage = """
                        UPDATE ledger.\(table) SET \(column.name) = \(value) WHERE ctid = (SELECT min(ctid) \(place))
                        """
                    expectNamed(try await finding(damage, store), "\(column.name) \(present)")
                }
            }
            expectNamed(try await finding("DELETE FROM ledger.\(table) WHERE \(one)", store), "a row that is gone")
            let key = [
                "accounts": "account_id", "auto_top_ups": "account_id", "rate_windows": "route", "api_keys": "key_id",
                "ended_executions": "execution_id", "workflows": "slug", "workflow_nodes": "execution_id",
            ][table]
            let identity = key ?? "\(table.dropLast())_id"
            let copy = TamperedTables.insertCopy(
                of: table,
                changing: [identity: ["route": "'read'", "slug": "'other'"][identity] ?? "gen_random_uuid()"],
                where: one
            )
            let extra = try await finding(copy, store)
            expectNamed(extra, ["accounts", "auto_top_ups"].contains(table) ? "account_id" : "one too many")
        }
    }
}
