import Administration
import HistoryTestSupport
import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import Reconciliation
import TestSupport
import Testing

/// What is kept of invoices beside their events: it can't be changed unseen, is summed up right, and is shown fast.
extension ReconciliationTests {
    private static let tables = ["invoice_imports", "invoice_lines", "invoice_items", "invoice_item_runs"]

    /// What is summed up from events is what summing up all items gives.
    func expectSums(_ bench: Bench) async throws {
        let different = """
            SELECT count(*) FROM ledger.reconciliation_sums AS sums FULL JOIN (
                SELECT import_id, outcome, count(*) AS items, sum(billed) AS billed, sum(booked) AS booked,
                    count(*) FILTER (WHERE state = 'open') AS open_items,
                    coalesce(sum(difference) FILTER (WHERE state = 'open'), 0) AS open_difference,
                    coalesce(sum(difference) FILTER (WHERE state = 'claimed'), 0) AS claimed_difference
                FROM ledger.reconciliation_items GROUP BY import_id, outcome
            ) AS counted ON sums.import_id = counted.import_id AND sums.outcome = counted.outcome
            WHERE (
                sums.items, sums.billed, sums.booked, sums.open_items, sums.open_difference, sums.claimed_difference
            ) IS DISTINCT FROM (
                counted.items, counted.billed, counted.booked, counted.open_items, counted.open_difference,
                counted.claimed_difference
            )
            """
        #expect(try await count(different) == 0)
        let imports = try await bench.desk.everyImport()
        let all = try await bench.store.importTotal()
        let classes = imports.flatMap(\.classes)
        #expect(all.importCount == Int64(imports.count) && !classes.isEmpty)
        #expect(all.openCount == classes.reduce(0) { $0 + $1.openCount })
        #expect(all.open == classes.reduce(0) { $0 + $1.open } && all.claimed == classes.reduce(0) { $0 + $1.claimed })
        #expect(all.difference == classes.reduce(0) { $0 + $1.sum.difference })
        #expect(all.matchedCount + all.differingCount == classes.reduce(0) { $0 + $1.sum.count })
    }

    /// However small the pages are, they hold every import once; and names find one among all.
    func expectPages(_ bench: Bench) async throws {
        let all = try await bench.desk.imports()
        #expect(all.count == 3 && all.map(\.position) == all.map(\.position).sorted(by: >))
        #expect(try await bench.desk.everyImport(pageSize: 1) == all)
        let rest = try await bench.store.summedImports(before: all[0].position, limit: 1)
        #expect(rest.map(\.record.value.id) == [all[1].value.id])
        let sum = all[1].classes.reduce(0) { $0 + $1.openCount }
        #expect(rest[0].total.openCount == sum)
        #expect(try await bench.desk.import(named: "2027-02") == all[0])
        #expect(try await bench.desk.import(named: String("\(all[2].value.id)".prefix(13))) == all[2])
        let both = "2027-01 fits several: \(all[1].value.id), \(all[2].value.id)"
        await #expect(throws: AdminFailure.invalid("import", both)) {
            _ = try await bench.desk.import(named: "2027-01")
        }
        await #expect(throws: AdminFailure.notFound("an import with this id or invoice")) {
            _ = try await bench.desk.import(named: "2027-0_")
        }
    }

    /// Changes each column of each table of an import, as a superuser could who has turned off fences and checks: the check and the
    /// verification name the import.
    func expectDamageIsFound(_ bench: Bench, of id: InvoiceImportID) async throws {
        #expect(try await bench.desk.checkImports().isEmpty)
        var ready = "CREATE SCHEMA kept;"
        var putBack = ""
        for table in Self.tables {
            ready += "CREATE TABLE kept.\(table) AS TABLE ledger.\(table);"
            ready += "ALTER TABLE ledger.\(table) DISABLE TRIGGER USER;"
            putBack += "DELETE FROM ledger.\(table); INSERT INTO ledger.\(table) TABLE kept.\(table);"
        }
        let dropChecks = """
            DO $$
            DECLARE made record;
            BEGIN
                FOR made IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                    WHERE conrelid::regclass::text LIKE 'ledger.invoice_%' AND contype = 'c'
                LOOP
                    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', made.place, made.conname);
                END LOOP;
            END $$
            """
        try await tamper(ready + dropChecks)
        let columns = try await psql(
            """
            SELECT table_name, column_name, CASE data_type
                WHEN 'text' THEN format('coalesce(%I, %L) || %L', column_name, '', 'x')
                WHEN 'uuid' THEN quote_literal('00000000-0000-0000-0000-00000000beef')
                WHEN 'bytea' THEN format('sha256(%I)', column_name)
                WHEN 'bigint' THEN format('coalesce(%I, 0) + 1000000', column_name)
                ELSE format('%I + 1', column_name)
            END
            FROM information_schema.columns
            WHERE table_schema = 'ledger' AND table_name IN ('\(Self.tables.joined(separator: "', '"))')
            ORDER BY table_name, ordinal_position
            """
        )
        let changes = columns.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        #expect(changes.count >= 36)
        for change in changes {
            let (table, column, value) = (change[0], change[1], change[2])
            try await tamper(
                """
                UPDATE ledger.\(table) SET \(column) = \(value)
                WHERE ctid = (SELECT min(ctid) FROM ledger.\(table) WHERE import_id = '\(id)')
                """
            )
            #expect(try await bench.desk.checkImports().map(\.id) == [id], "\(table).\(column)")
            let finding = try await bench.store.verify().findings.first
            #expect(finding?.kind == .invoice && finding?.message.contains("\(id)") == true, "\(table).\(column)")
            try await tamper(putBack)
        }
        // Rows that are gone are found as well.
        for table in Self.tables {
            try await tamper("DELETE FROM ledger.\(table) WHERE import_id = '\(id)'")
            #expect(try await bench.desk.checkImports().map(\.id) == [id], "\(table)")
            try await tamper(putBack)
        }
        #expect(try await bench.desk.checkImports().isEmpty)
        // The fences stay down, which is all that is wrong now.
        #expect(try await bench.store.verify().isClean)
    }

    @Test("an invoice of 100,000 items is shown, listed and summed up as fast as a small one")
    func large() async throws {
        try await withBench { bench in
            let half: Int64 = 50_000
            let id = try await importLarge(bench, half)
            // Thousands of decisions do not slow it down either.
            for start in stride(from: half, to: half + 3_000, by: 500) {
                let decision = ResolveSuspense(
                    importID: id,
                    items: Array(start + 1...start + 500),
                    microUSD: 500,
                    resolution: .accepted,
                    reason: "agreed",
                    after: try await bench.store.houseMoment()
                )
                #expect(try await submit(.resolveSuspense(decision), bench) == .done)
            }
            var first = InvoiceItemQuery(id)
            first.limit = 51
            var differing = first
            differing.isExceptions = true
            var last = differing
            last.after = 99_900
            var open = first
            open.state = .open
            for query in [first, differing, last, open] {
                let time = try await fastest {
                    let items = try await bench.store.invoiceItems(query)
                    #expect(items.count == 51)
                }
                #expect(time < .milliseconds(200), "\(query): \(time)")
            }
            let page = try await fastest {
                let classes = try await bench.store.invoiceImports(.one(id)).first?.classes
                #expect(classes?.map(\.openCount) == [0, half - 3_000])
            }
            #expect(page < .milliseconds(200), "\(page)")
            let list = try await fastest {
                let imports = try await bench.store.summedImports(before: nil, limit: 51)
                let all = try await bench.store.importTotal()
                #expect(imports.map(\.total.open) == [half - 3_000] && all.openCount == half - 3_000)
            }
            #expect(list < .milliseconds(200), "\(list)")
            #expect(try await bench.desk.checkImports().isEmpty)
        }
    }

    /// Records an import of as many items that match as differ, without its lines.
    private func importLarge(_ bench: Bench, _ half: Int64) async throws -> InvoiceImportID {
        let id = InvoiceImportID(Identifier128(high: 7, low: 7))
        try await psql(
            """
            INSERT INTO ledger.invoice_imports
            VALUES ('\(id)', 'fal', 'large', '2027-01-01', '2027-01-31', sha256('f'), 'fal', NULL, 100000, 0, 100000, 0, 0);
            INSERT INTO ledger.invoice_items
            SELECT '\(id)', n, CASE WHEN n <= \(half) THEN 'matched' ELSE 'missing_with_us' END, n, 'r-' || n,
                '2027-01-15', 'painter', 1, CASE WHEN n <= \(half) THEN 1 ELSE 0 END, NULL
            FROM generate_series(1, 100000) AS n;
            ANALYZE ledger.invoice_imports, ledger.invoice_items
            """
        )
        let kept = try #require(
            Digest(hexadecimal: try await psql("SELECT encode(ledger.invoice_digest('\(id)'), 'hex')"))
        )
        let wish = RecordInvoice(
            importID: id,
            provider: "fal",
            invoice: "large",
            fromDay: "2027-01-01",
            untilDay: "2027-01-31",
            file: Digest(of: Array("f".utf8)),
            result: .zero,
            kept: kept,
            positions: [0],
            classes: [
                InvoiceClass(outcome: .matched, count: half, billed: half, booked: half),
                InvoiceClass(outcome: .missingWithUs, count: half, billed: half, booked: 0),
            ],
            after: nil
        )
        #expect(try await submit(.recordInvoice(wish), bench) == .done)
        return id
    }

    private func submit(_ action: Command.Action, _ bench: Bench) async throws -> Verdict {
        let house = AccountID.house(of: JournalID(0), journalCount: bench.store.journalCount)
        return try await bench.store.submit(Command(id: CommandID(FreshID.bits()), accountID: house, action: action))
    }

    /// The shortest of some times, since other tests run beside.
    private func fastest(_ body: () async throws -> Void) async throws -> Duration {
        var times: [Duration] = []
        for _ in 0..<12 { times.append(try await ContinuousClock().measure { try await body() }) }
        return times.min() ?? .zero
    }
}
