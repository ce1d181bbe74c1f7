import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import TestSupport
import Testing

@Suite("What operators ask about the past", .database(LedgerDatabase.template(journals: 3)))
struct PastTests {
    @Test("the program, the API and SQL give the same answer")
    func sameAnswer() async throws {
        try await AdminBench.with { bench in
            let clock = bench.clock
            let tenant = try await Tenant.open(in: bench.store, tier: .business, credits: Credits(whole: 9))
            clock.advance(seconds: 90)
            let execution = tenant.newExecution()
            _ = try await bench.store.submit(tenant.admit(execution, quote: Credits(whole: 2)))
            _ = try await bench.store.submit(tenant.succeed(execution, cost: Credits(microcredits: 1_250_000)))
            let state = try #require(try await bench.store.replay(tenant.account).account)
            clock.advance(seconds: 90)
            let pot = try #require(try await bench.store.state(of: tenant.account)?.pots.keys.first)
            let correction = AdjustCredits(potID: pot, amount: Credits(whole: -1), reason: "é", correctsSequence: 3)
            try await bench.store.succeed(tenant.command(.adjustCredits(correction)))

            let path = "/admin/accounts/\(tenant.account)"
            let at = state.lastRecordedAt.rfc3339
            let points = [
                ("?at=\(at)", ["--as-of", at], "at => '\(at)'"),
                (
                    "?sequence=\(state.sequence)", ["--sequence", "\(state.sequence)"],
                    "at_sequence => \(state.sequence)"
                ),
                ("", [], "at => NULL"),
            ]
            for (query, options, argument) in points {
                let api = try await bench.ask(.get, path + "/balance" + query)
                #expect(api.status == 200, "\(api)")
                let said = try await Programs.json(["balance", "\(tenant.account)"] + options)
                for key in ["balance", "held", "balanceKnownNow", "difference", "lateEvents", "moment", "position"] {
                    #expect(api.json[key] == said[key], "\(key) as of \(query)")
                }
                let sql = try await psql(
                    """
                    SELECT (balance / 1000000.0)::numeric(20, 2), (balance_known_now / 1000000.0)::numeric(20, 2)
                    FROM ledger.balance_as_of('\(tenant.account)', \(argument))
                    """
                )
                let isPast = !query.isEmpty
                #expect(sql == (isPast ? "7.75\t6.75" : "6.75\t6.75"))
                #expect(api.json["balance"]?.scalarText == (isPast ? "7.75" : "6.75"))
                #expect(api.json["balanceKnownNow"]?.scalarText == "6.75")
                #expect(api.json["lateEvents"]?.arrayValue?.count == (isPast ? 1 : 0))
            }
            let api = try await bench.ask(.get, path + "/why?number=charge&of=\(execution)").json
            let said = try await Programs.json(["why", "\(tenant.account)", "charge", "\(execution)"])
            #expect(api["value"]?.scalarText == "1.25" && api["unit"] == "credits")
            #expect(api["events"] == said["events"] && api["events"]?.arrayValue?.count == 3)
            let rows = try await psql(
                "SELECT type, change, price_version FROM ledger.why('\(tenant.account)', 'charge', '\(execution)')"
            )
            #expect(
                rows == "credits.held\t2000000\t2026-01\nexecution.succeeded\t\t\ncredits.released\t-750000\t2026-01"
            )
        }
    }

    @Test("a question that can't be asked is told by its field")
    func refused() async throws {
        try await AdminBench.with { bench in
            let account = try await bench.open()
            let questions = [
                ("/balance?at=yesterday", "at"), ("/balance?sequence=-1", "sequence"),
                ("/balance?position=x", "position"),
                ("/balance?at=2027-01-01T00:00:00Z&sequence=3", "sequence"), ("/why?number=luck", "number"),
                ("/why?number=pot", "of"), ("/why?number=balance&of=3", "of"), ("/why?number=refusal&of=x", "of"),
            ]
            for (path, field) in questions {
                let answer = try await bench.ask(.get, account + path)
                #expect(answer.status == 400 && answer.code == "INVALID_REQUEST", "\(path): \(answer)")
                #expect(answer.json["issues"]?.arrayValue?.first?["path"]?.stringValue == field, "\(answer)")
            }
            let unknown = try await bench.ask(.get, "/admin/accounts/\(AccountID(FreshID.bits()))/why")
            #expect(unknown.status == 404 && unknown.code == "ACCOUNT_NOT_FOUND")
        }
    }
}
