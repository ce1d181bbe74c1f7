import HTTPTypes
import Ledger
import LedgerStore
import LedgerTestSupport
import Registry
import TestSupport
import Testing

@Suite("Invoices over HTTP", .database(LedgerDatabase.template(journals: 2)))
struct ReconciliationRouteTests {
    private static let path = "/admin/reconciliations"
    private static let query = "?provider=fal&invoice=A-1"
    private static let file = """
        request_id,timestamp,endpoint_id,cost_estimate_nano_usd
        r-1,2027-01-15T08:00:00Z,fal-ai/painter,40000000
        r-2,2027-01-15T09:00:00Z,fal-ai/painter,1250000000
        r-2,2027-01-15T09:00:00Z,fal-ai/painter,1250000000

        """

    @Test(
        "a file is compared, recognized, listed, looked into and decided on; again under its key it is answered the same"
    )
    func life() async throws {
        try await AdminBench.with { bench in
            let tried = try await bench.ask(.post, Self.path + Self.query + "&dryRun=true", Self.file)
            #expect(tried.status == 200 && tried.json["comparison"]?["fate"] == "tried", "\(tried)")
            #expect(tried.json["comparison"]?["exceptions"]?.arrayValue?.count == 3)
            #expect(try await bench.ask(.get, Self.path).json["imports"]?.arrayValue?.isEmpty == true)
            let key = [("authorization", "Bearer \(AdminBench.token)"), ("idempotency-key", "import-1")]
            let made = try await bench.ask(.post, Self.path + Self.query, Self.file, headers: key)
            #expect(made.status == 201, "\(made)")
            let comparison = try #require(made.json["comparison"])
            #expect(comparison["fate"] == "imported" && comparison["billed"]?.scalarText == "2.540000")
            #expect(comparison["from"] == "2027-01-15" && comparison["until"] == "2027-01-15")
            let classes = comparison["classes"]?.arrayValue?.map { $0["outcome"]?.stringValue ?? "" }
            #expect(classes == ["missing_with_us", "duplicate"])
            let id = try #require(comparison["import"]?.stringValue)
            let replayed = try await bench.ask(.post, Self.path + Self.query, Self.file, headers: key)
            #expect(replayed.status == 201 && replayed.text == made.text)
            let other = try await bench.ask(.post, Self.path + Self.query + "2", Self.file, headers: key)
            #expect(other.status == 422 && other.code == "IDEMPOTENCY_MISMATCH", "\(other)")
            let known = try await bench.ask(.post, Self.path + Self.query + "2", Self.file)
            #expect(known.status == 200 && known.json["comparison"]?["fate"] == "known")
            #expect(known.json["comparison"]?["import"]?.stringValue == id)
            #expect(try await bench.ask(.get, Self.path).json["imports"]?.arrayValue?.count == 1)

            let page = try await bench.ask(.get, Self.path + "?limit=1").json
            let next = try #require(page["next"]?.integerValue)
            let last = try await bench.ask(.get, Self.path + "?limit=1&before=\(next)").json
            #expect(last["imports"]?.arrayValue?.isEmpty == true && last["next"] == .null)
            let wrong = try await bench.ask(.get, Self.path + "?limit=1001")
            #expect(wrong.status == 400 && wrong.code == "INVALID_REQUEST", "\(wrong)")

            let items = try await bench.ask(.get, "\(Self.path)/\(id)/items?limit=2").json
            #expect(items["items"]?.arrayValue?.count == 2 && items["next"] == 2)
            let duplicates = try await bench.ask(.get, "\(Self.path)/\(id)/items?class=duplicate").json
            #expect(duplicates["items"]?.arrayValue?.compactMap { $0["item"]?.integerValue } == [3])
            let decided = try await bench.ask(
                .post,
                "\(Self.path)/\(id)/resolutions",
                #"{"class":"duplicate","as":"claimed","reason":"billed twice"}"#
            )
            #expect(decided.json["decision"]?["amount"]?.scalarText == "1.250000", "\(decided)")
            let open = try await bench.ask(.get, "\(Self.path)/\(id)/items?state=open").json["items"]?.arrayValue
            #expect(open?.count == 2)
            let sums = try await bench.ask(.get, "\(Self.path)/\(id)").json["import"]?["classes"]?.arrayValue
            #expect(sums?.last?["claimedDifference"]?.scalarText == "1.250000" && sums?.last?["open"] == 0)
            try await expectRefusals(bench, id)
        }
    }

    /// What can't be taken is told with its field, and changes nothing.
    private func expectRefusals(_ bench: AdminBench, _ id: String) async throws {
        let heads = "SELECT journal, position FROM ledger.journals ORDER BY journal"
        let before = try await psql(heads)
        let resolutions = "\(id)/resolutions"
        let bad: [(path: String, body: String, part: String)] = [
            ("?invoice=1", "x", "provider: the name of a provider is needed"),
            ("?provider=fal", "x", "invoice: the invoice's number is needed"),
            (
                "?provider=fal&invoice=1&mapping=none", "x",
                "mapping: there is no mapping none; there are anthropic, ark"
            ),
            ("?provider=fal&invoice=1&rate=EUR", "x", "rate: EUR is not like EUR=1.0837"),
            ("?provider=fal&invoice=1&from=2027-13", "x", "from: `2027-13` is no day such as 2027-01-31"),
            ("?provider=fal&invoice=1&until=2027-01", "x", "from: it is missing"),
            ("?provider=fal&invoice=1&dryRun=1", "x", "dryRun: true or false is needed"),
            ("?provider=fal&invoice=1&day=1", "x", "day: there is no such field"),
            (Self.query, "", "file: line 1: the file is empty"),
            (Self.query, "a,b\n1,2\n", "file: line 1, column timestamp: it is missing"),
            (
                Self.query, "request_id,timestamp,cost_estimate_nano_usd\nr,2027-01-15,free\n",
                "file: line 2, column cost_estimate_nano_usd: `free` is no amount"
            ),
            (resolutions, #"{"as":"claimed","reason":"r"}"#, "items: one of items, class and all is needed"),
            (resolutions, #"{"items":[0],"as":"claimed","reason":"r"}"#, "items: a list of 1 to 1000 whole numbers"),
            (resolutions, #"{"all":true,"as":"lost","reason":"r"}"#, "as: one of accepted, claimed, reversed"),
            (resolutions, #"{"items":[3],"as":"accepted","reason":"r"}"#, "items: 3 is claimed, and must be open"),
            (
                resolutions, #"{"items":[9],"as":"accepted","reason":"r"}"#,
                "items: 9 is no item of the import that differs"
            ),
        ]
        for (path, body, part) in bad {
            let answer = try await bench.ask(.post, Self.path + (path.hasPrefix("?") ? "" : "/") + path, body)
            #expect(answer.status == 400 && answer.code == "INVALID_REQUEST", "\(path): \(answer)")
            #expect(answer.text.contains(part), "\(path): \(answer.text)")
        }
        let nobody = "00000000-0000-0000-0000-000000000001"
        for path in ["\(Self.path)/\(nobody)", "\(Self.path)/x", "\(Self.path)/\(nobody)/items"] {
            #expect(try await bench.ask(.get, path).code == "NOT_FOUND", "\(path)")
        }
        #expect(try await bench.ask(.get, "\(Self.path)/\(id)/items?state=gone").code == "INVALID_REQUEST")
        #expect(try await psql(heads) == before)
    }
}
