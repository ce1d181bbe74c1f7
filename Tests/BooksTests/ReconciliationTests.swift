import Administration
import Books
import Foundation
import HistoryTestSupport
import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import Reconciliation
import Registry
import TestSupport
import Testing

/// Goal: every seeded mismatch of an invoice is found in a real ledger and nothing else, and the books stay balanced, whoever sums
/// them up, until all of it is resolved. Method: a few thousand runs of several providers go through the writers; invoices
/// are made of them.
@Suite("Reconciliation", .gated, .database(StoredLedger.template))
struct ReconciliationTests {
    private static let definitions = """
        INSERT INTO ledger.definition_versions (
            model, version, model_sha256, provider_sha256, model_text, provider_text, first_seen_at
        )
        SELECT model, 1, sha256('m'), sha256('p'), E'provider:\n  use: x\n  model: ' || named, 'name: ' || provider, '2026-12-01 00:00Z'
        FROM (
            VALUES
            ('painter', 'fal', '"fal-ai/painter/v2"'), ('bulk-text', 'fal', '${BULK_MODEL:-bulk-2}'),
            ('singer', 'suno', '{$if: quality}'), ('bulk-code', 'openai', 'code-9 # the latest')
        ) AS definition (model, provider, named)
        """
    private static let mapping = (name: "test.yaml", text: SeededInvoice.mapping)
    private static let january = CalendarMonth("2027-01")!

    struct Bench {
        let store: LedgerStore
        let desk: AdminDesk
        let clock: TestClock

        func call(_ actor: String = "operator:ann") -> AdminCall {
            AdminCall(actor: Actor(actor)!, requestID: nil, commandID: CommandID(FreshID.bits()))
        }

        func order(
            _ provider: String = "fal",
            _ invoice: String = "2027-01",
            from: String? = "2027-01",
            until: String? = nil
        ) throws -> InvoiceOrder {
            try InvoiceOrder(
                provider: provider,
                invoice: invoice,
                file: ReconciliationTests.mapping,
                from: from,
                until: until,
                tolerances: "* 0.000003 0"
            )
        }

        func read(_ csv: String, _ order: InvoiceOrder) throws -> InvoiceFile {
            var intake = InvoiceIntake(order)
            try intake.take(Array(csv.utf8))
            return try intake.finish()
        }

        func take(_ csv: String, _ order: InvoiceOrder, isTrial: Bool = false) async throws -> ComparedInvoice {
            try await desk.importInvoice(try read(csv, order), order, isTrial: isTrial, call())
        }

        func items(_ id: InvoiceImportID) async throws -> [RecordedItem] {
            var query = InvoiceItemQuery(id)
            // Pages of an odd size.
            query.limit = 333
            return try await desk.everyItem(query)
        }

        func resolve(
            _ id: InvoiceImportID,
            _ items: SuspenseChoice.Items,
            _ resolution: SuspenseResolution
        ) async throws -> SuspenseDecision {
            let choice = SuspenseChoice(importID: id, items: items, resolution: resolution, reason: "agreed")
            return try await desk.resolve(choice, call())
        }

        func charges(of provider: String) async throws -> [Charge] {
            let day = Day("2027-01-01")!
            return try await store.reconciliationBasis(for: [], of: provider, in: day...Day("2027-12-31")!).charges
        }
    }

    func withBench(_ body: (Bench) async throws -> Void) async throws {
        try await psql(Self.definitions)
        let names = try await psql(
            "SELECT model, coalesce(provider_model, '-') FROM ledger.model_providers ORDER BY model"
        )
        #expect(names == "bulk-code\tcode-9\nbulk-text\tbulk-2\npainter\tfal-ai/painter/v2\nsinger\t-")
        let clock = TestClock()
        var settings = StoreSettings()
        settings.clock = { clock.now }
        try await withStore(settings) { store in
            try await body(
                Bench(
                    store: store,
                    desk: AdminDesk(store: store, models: nil, clock: { clock.now }),
                    clock: clock
                )
            )
        }
    }

    /// Runs on some days, a tenth of which fail. Models that begin with `bulk` have no request ids.
    func run(_ bench: Bench, models: [String], days: Int, perDay: Int, seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        var tenants: [Tenant] = []
        for number in 0..<StoredLedger.journalCount {
            tenants.append(
                try await .open(in: bench.store, credits: Credits(whole: 1_000_000), journal: JournalID(number))
            )
        }
        for day in 0..<days {
            var admissions: [Command] = []
            var ends: [Command] = []
            for number in 0..<perDay {
                let tenant = tenants[number % tenants.count]
                let execution = tenant.newExecution()
                let model = models.randomElement(using: &random)!
                admissions.append(tenant.admit(execution, model: model))
                let outcome: RunOutcome =
                    Int.random(in: 0..<10, using: &random) == 0
                    ? .failed(code: "PROVIDER_ERROR", durationMilliseconds: 9)
                    : .succeeded(
                        cost: Credits(whole: 1),
                        providerCost: MicroUSD(microdollars: .random(in: 10..<90_000, using: &random)),
                        resultDigest: nil,
                        durationMilliseconds: 17
                    )
                let request = model.hasPrefix("bulk") ? nil : "\(model)-\(seed)-\(day)-\(number)"
                let settlement = SettleRun(executionID: execution, outcome: outcome, providerRequestID: request)
                ends.append(tenant.command(.settleRun(settlement)))
            }
            let verdicts = try await bench.store.submitAtOnce(admissions)
            let isAdmitted = verdicts.map { if case .admitted = $0 { true } else { false } }
            try #require(!isAdmitted.contains(false), "\(verdicts.prefix(2))")
            bench.clock.advance(seconds: 60)
            _ = try await bench.store.submitAtOnce(ends)
            bench.clock.advance(seconds: 86_340)
        }
    }

    func book(_ name: String) async throws -> Int {
        try await count("SELECT coalesce(sum(units), 0)::bigint FROM ledger.trial_balance() WHERE name = '\(name)'")
    }

    @Test("seeded mismatches are all found in a real ledger and nothing else, and every book agrees")
    func seeded() async throws {
        let seed = Seed.announced(for: "reconciliation").value
        try await withBench { bench in
            let models = ["painter", "bulk-text", "singer", "bulk-code"]
            try await run(bench, models: models, days: 10, perDay: 240, seed: seed)
            var expectedSuspense: Int64 = 0
            var owed: Int64 = 0
            for provider in ["fal", "suno", "openai"] {
                let charges = try await bench.charges(of: provider)
                #expect(charges.count > 300)
                let invoice = SeededInvoice(of: charges, seed: seed, limit: 3)
                let order = try bench.order(provider)
                let tried = try await bench.take(invoice.csv, order, isTrial: true)
                #expect(tried.fate == .tried && tried.recordedAt == nil)
                #expect(try await bench.desk.imports().contains { $0.value.provider == provider } == false)
                let found = try await bench.take(invoice.csv, order)
                #expect(found.fate == .imported && found.classes == tried.classes)
                let items = try await bench.items(found.value.id)
                let findings = items.map { item in
                    SeededInvoice.Finding(
                        item.outcome,
                        item.requestID ?? "\(item.day) \(item.model ?? "")",
                        billed: item.billed,
                        booked: item.booked
                    )
                }.sorted()
                let wrong = Set(findings).symmetricDifference(invoice.findings)
                #expect(findings == invoice.findings, "\(provider): \(wrong.prefix(5))")
                #expect(items.allSatisfy { ($0.state == .matched) == ($0.outcome == .matched) })
                let differing = items.filter { $0.outcome != .matched }
                expectedSuspense += differing.reduce(0) { $0 + $1.difference }
                owed += found.value.billed
                // The same file again is recognized, under whatever number, and changes nothing.
                let heads = try await psql("SELECT journal, position FROM ledger.journals ORDER BY journal")
                let again = try await bench.take(invoice.csv, try bench.order(provider, "another"))
                #expect(again.fate == .known && again.value == found.value && again.actor == "operator:ann")
                #expect(try await psql("SELECT journal, position FROM ledger.journals ORDER BY journal") == heads)
            }
            // What providers are owed is now what they have billed.
            #expect(try await book("Liabilities:Providers") == Int(-owed))
            #expect(try await book("Liabilities:Suspense") == Int(expectedSuspense))
            try await expectBooks(bench)
            try await expectSums(bench)
            try await resolveAll(bench)
            try await expectSums(bench)
            #expect(try await book("Liabilities:Suspense") == 0)
            #expect(try await book("Assets:Claims") == 0)
            try await expectBooks(bench)
            try await expectSound(bench.store)
            for number in 0..<StoredLedger.journalCount { _ = try await bench.store.rebuild(JournalID(number)) }
            try await expectSound(bench.store)
            let (exit, output) = try await Report.run("reconciliation", ["from=2027-01-01", "until=2027-02-01"])
            #expect(exit == .exited(code: 0) && output.contains("missing_with_them"), "\(output)")
        }
    }

    /// Decides on everything: claims duplicates, half of which are credited, and bears the rest.
    private func resolveAll(_ bench: Bench) async throws {
        for record in try await bench.desk.imports() {
            let id = record.value.id
            let before = try await book("Liabilities:Providers")
            let duplicates = try await bench.items(id).filter { $0.outcome == .duplicate }
            let claimed = try await bench.resolve(id, .every(.duplicate), .claimed)
            #expect(claimed.items == duplicates.map(\.number))
            let half = duplicates.prefix(duplicates.count / 2)
            if !half.isEmpty {
                let credited = try await bench.resolve(id, .numbers(half.map(\.number)), .credited)
                #expect(credited.microUSD == half.reduce(0) { $0 + $1.difference })
                #expect(try await book("Liabilities:Providers") == before + Int(credited.microUSD))
            }
            try await expectSums(bench)
            _ = try await bench.resolve(id, .every(nil), .writtenOff)
            _ = try await bench.resolve(id, .every(nil), .accepted)
            // Again changes nothing.
            #expect(try await bench.resolve(id, .every(nil), .accepted).items.isEmpty)
        }
    }

    /// Beancount and hledger read the books as they are, and agree with ours to the unit.
    private func expectBooks(_ bench: Bench) async throws {
        try await withTemporaryFolder { folder in
            for accountant in Accountant.all {
                var text = PlainTextBooks(accountant.format)
                var whole = text.heading(title: "reconciled")
                for number in 0..<StoredLedger.journalCount {
                    let events = try await bench.store.events(in: JournalID(number), after: 0, limit: 1_000_000)
                    for event in events { whole += try text.transaction(event) }
                }
                whole += text.ending()
                let file = "\(folder)/books.\(accountant.format)"
                try Data(whole.utf8).write(to: URL(fileURLWithPath: file))
                let (isGood, output) = try await accountant.check(file)
                #expect(isGood, "\(accountant.format): \(output.prefix(500))")
                #expect(try await accountant.balances(file) == text.balance.units)
                #expect(whole.contains("Liabilities:Suspense:I-") && text.balance.difference(in: .usd) == 0)
            }
        }
        let different = """
            SELECT count(*) FROM (SELECT FROM ledger.trial_balance() GROUP BY commodity HAVING sum(units) <> 0) AS wrong
            """
        #expect(try await count(different) == 0)
    }

    @Test(
        "what one invoice lacks and the next one bills leaves suspense; what two bill is a duplicate; closed months stay"
    )
    func parts() async throws {
        try await withBench { bench in
            // 2027-01-15 to 2027-01-16.
            try await run(bench, models: ["painter"], days: 2, perDay: 12, seed: 5)
            let charges = try await bench.charges(of: "fal").filter { $0.booked > 0 }
                .sorted { ($0.day, $0.requestID ?? "") < ($1.day, $1.requestID ?? "") }
            func csv(_ charges: some Sequence<Charge>) -> String {
                "request,day,model,cost\n"
                    + charges.map { "\($0.requestID!),\($0.day),x,\(MicroUSD(microdollars: $0.booked))\n" }.joined()
            }
            let half = charges.count / 2
            let first = try await bench.take(csv(charges[..<half]), try bench.order())
            #expect(first.classes.map(\.outcome) == [.matched, .missingWithThem])
            let lacking = charges[half...].reduce(0) { $0 + $1.booked }
            #expect(try await book("Liabilities:Suspense") == Int(-lacking))
            // A month that is closed keeps what it says; what is decided later belongs to the open one.
            bench.clock.advance(seconds: 30 * 86_400)
            let closed = try await bench.desk.closePeriod(Self.january, bench.call())
            let frozen = "SELECT book, units FROM ledger.trial_by_month WHERE is_closed ORDER BY book"
            let before = try await psql(frozen)
            #expect(before.contains("Liabilities:Suspense\t-\(lacking)"))
            // The second part bills one of the first again, and all that was lacking but one.
            let dropped = charges[half]
            _ = try await bench.resolve(first.value.id, .numbers([Int64(half + 1)]), .accepted)
            let second = try await bench.take(csv(charges[(half + 1)...] + charges[..<1]), try bench.order())
            #expect(second.classes.map(\.outcome) == [.matched, .duplicate])
            #expect(second.arrivedCount == charges.count - half - 1)
            let states = try await bench.items(first.value.id).filter { $0.outcome == .missingWithThem }
            #expect(states.map(\.state) == [.accepted] + Array(repeating: .reversed, count: states.count - 1))
            #expect(states.last?.reason == "billed by 2027-01")
            let items = try await bench.items(second.value.id)
            #expect(items.filter { $0.outcome == .duplicate }.map(\.earlier) == [first.value.id])
            #expect(try await book("Liabilities:Suspense") == Int(charges[0].booked))
            #expect(try await book("Expenses:Reconciled") == Int(-dropped.booked))
            #expect(try await book("Liabilities:Providers") == Int(-first.value.billed - second.value.billed))
            // What was decided not to be owed is unknown when it is billed after all.
            let third = try await bench.take(csv([dropped]), try bench.order("fal", "2027-02"))
            #expect(third.classes.map(\.outcome) == [.missingWithUs] && third.arrivedCount == 0)
            #expect(try await psql(frozen) == before && closed.count == Int(StoredLedger.journalCount))
            #expect(try await bench.desk.checkPeriods().isEmpty)
            try await expectRefusals(bench, first.value.id, csv(charges))
            try await expectSound(bench.store)
            let (exit, output) = try await Report.run("reconciliation", ["from=2027-01-01", "until=2027-03-01"])
            #expect(exit == .exited(code: 0), "\(output)")
            expectGolden(output, named: "reconciliation.txt")
            try await expectPages(bench)
            try await expectDamageIsFound(bench, of: second.value.id)
        }
    }

    /// What can't be done is refused with its field, and changes nothing.
    private func expectRefusals(_ bench: Bench, _ id: InvoiceImportID, _ csv: String) async throws {
        let heads = "SELECT journal, position FROM ledger.journals ORDER BY journal"
        let rows = "SELECT (SELECT count(*) FROM ledger.invoice_imports), (SELECT count(*) FROM ledger.invoice_items)"
        let before = try await psql(heads) + psql(rows)
        func expect(_ field: String, _ message: String, _ body: () async throws -> Void) async {
            await #expect(throws: AdminFailure.invalid([FieldIssue(field: field, message: message)])) {
                try await body()
            }
        }
        await expect("items", "1 is no item of the import that differs") {
            _ = try await bench.resolve(id, .numbers([1]), .accepted)
        }
        let last = try #require(try await bench.items(id).last).number
        await expect("items", "\(last) is reversed, and must be open to be accepted") {
            _ = try await bench.resolve(id, .numbers([last]), .accepted)
        }
        await expect("items", "\(last) is reversed, and must be claimed to be credited") {
            _ = try await bench.resolve(id, .numbers([last]), .credited)
        }
        await expect("items", "one at least is needed") { _ = try await bench.resolve(id, .numbers([]), .claimed) }
        await expect(
            "file",
            "line 2, column cost: `x` is no amount; digits and a decimal point are needed, such as 1234.5"
        ) {
            _ = try await bench.take("request,day,cost\na,2027-01-01,x\n", try bench.order())
        }
        await expect("from", "the first day, 2027-02-01, is after the last, 2027-01-31") {
            _ = try bench.order(from: "2027-02", until: "2027-01")
        }
        #expect(try await psql(heads) + psql(rows) == before)
        // The rows are append-only for everybody.
        for table in ["invoice_imports", "invoice_lines", "invoice_items", "invoice_item_runs"] {
            await #expect(throws: (any Error).self) { try await psql("DELETE FROM ledger.\(table)") }
        }
        #expect(try await count("SELECT count(*) FROM ledger.fence_faults()") == 0)
    }

    @Test("of two imports of one file at once, one is made, and the other recognizes it")
    func atOnce() async throws {
        try await withBench { bench in
            try await run(bench, models: ["painter"], days: 1, perDay: 9, seed: 6)
            let csv = "request,day,cost\nunknown,2027-01-15,1.25\n"
            let order = try bench.order()
            let fates = try await withThrowingTaskGroup(of: ComparedInvoice.self) { group in
                for _ in 0..<4 { group.addTask { try await bench.take(csv, order) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(fates.count { $0.fate == .imported } == 1 && Set(fates.map(\.value.id)).count == 1)
            #expect(try await bench.desk.imports().count == 1)
            let booked = try await bench.charges(of: "fal").reduce(0) { $0 + $1.booked }
            #expect(try await book("Liabilities:Suspense") == 1_250_000 - Int(booked))
            // Of decisions at once, too, none is lost and none is made twice.
            let id = try #require(fates.first).value.id
            let missing = try await bench.items(id).filter { $0.outcome == .missingWithThem }.prefix(4)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for item in Array(missing) + missing {
                    group.addTask { _ = try await bench.resolve(id, .numbers([item.number]), .accepted) }
                }
                try await group.waitForAll()
            }
            let accepted = try await bench.items(id).filter { $0.state == .accepted }
            #expect(accepted.map(\.number) == missing.map(\.number))
            #expect(try await book("Expenses:Reconciled") == Int(missing.reduce(0) { $0 + $1.difference }))
        }
    }
}
