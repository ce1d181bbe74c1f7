import AsyncHTTPClient
import Foundation
import Glibc
import Ledger
import LocalCluster
import NIOCore
import NIOHTTP1
import Registry
import TestSupport
import Testing

/// Goal: the console shows what the ledger says, to whom it should, in a browser as people use it, and gives nothing to forms
/// that are not its own. Method: a whole service with runs, refusals and operators of each role; Chromium with clicks and
/// keys, and axe; requests that no browser would send.
@Suite("the console", .serialized, .timeLimit(.minutes(5)))
struct ConsoleTests {
    static let secret = "a-secret-of-the-console-40-characters-01"

    /// What the ledger has, as the pages should show it.
    private struct Facts {
        let tokens: [String: String]
        let json: JSONValue
        let run: String
        let account: String
    }

    @Test("finance, auditors and operators find their way, on a phone and on a desk, and nobody else gets in")
    func console() async throws {
        try await Stack.with { stack in
            let log = try await LogBench(stack)
            do {
                try await Self.walk(stack, log)
            } catch {
                await log.witness.stop(SIGKILL)
                throw error
            }
            await log.witness.stop(SIGKILL)
            try await Self.settings(stack)
        }
    }

    private static func walk(_ stack: Stack, _ log: LogBench) async throws {
        let settings = log.settings.merging([
            "RUNLEDGER_CONSOLE_SECRET": secret, "RUNLEDGER_CONSOLE_AUDITORS": "ada, eve",
        ]) { $1 }
        let service = try await stack.startService(environment: settings)
        // Another process behind the same address.
        let other = try await stack.startService(environment: settings)
        let facts = try await prepare(stack, service)
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: HTTPClient.Configuration(redirectConfiguration: .disallow)
        )
        let caller = ConsoleCaller(http: http, url: service.url)
        do {
            try await published(caller, facts)
            try await browse(service, facts)
            try await forms(caller, ConsoleCaller(http: http, url: other.url), facts)
            try await exports(stack, caller, facts)
            try await removal(stack, caller, facts)
            try await damage(stack, caller, facts)
            try await throttle(caller)
        } catch {
            try? await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }

    /// Without the secret there is no console, and with one that could be guessed the service does not start.
    private static func settings(_ stack: Stack) async throws {
        let service = try await stack.startService()
        let answer = try await stack.http.get(url: service.url + "/console").get()
        #expect(answer.status == .notFound)
        for (name, value, problem) in [
            ("RUNLEDGER_CONSOLE_SECRET", "short", "RUNLEDGER_CONSOLE_SECRET must have 32 characters or more"),
            ("RUNLEDGER_CONSOLE_AUDITORS", "Ada Lovelace", "RUNLEDGER_CONSOLE_AUDITORS: Ada is no name"),
        ] {
            let environment = ["RUNLEDGER_CONSOLE_SECRET": secret].merging([name: value]) { $1 }
                .merging(["RUNLEDGER_DATABASE_URL": stack.databaseURL]) { $1 }
            let (exit, output) = try await ChildProcess.run(
                [
                    Program.path, "serve", "--port", "0", "--models", "\(Program.sources)/models", "--simulator",
                    "http://127.0.0.1:\(stack.simulatorPort)",
                ],
                environment: ProcessInfo.processInfo.environment.merging(environment) { $1 }
            )
            #expect(exit != .exited(code: 0) && output.contains(problem), "\(output)")
        }
    }

    /// Fills the ledger: three runs that succeed, one that is refused, one model that is not there, four operators.
    private static func prepare(_ stack: Stack, _ service: RunningService) async throws -> Facts {
        let customer = try await stack.openAccount()
        _ = try await stack.openAccount(tier: .pro, credits: 1_234, isKeyless: true)
        let account = "\(customer.account)"
        func run(_ arguments: String...) async throws -> Program.Result {
            try await Program.run(arguments, databaseURL: stack.databaseURL).expectSuccess()
        }
        #expect(await stack.send(Call(customer: customer), to: service.url).summary == "402 INSUFFICIENT_CREDITS")
        _ = try await run("credits", "add", account, "50", "--reference", "<b>order</b> & \"more\"")
        for _ in 0..<3 { #expect(await stack.send(Call(customer: customer), to: service.url).answer?.status == 200) }
        #expect(await stack.send(Call(customer: customer, model: "nothing"), to: service.url).answer?.status == 404)
        // A free run after the paid ones.
        _ = try await run("grant", "issue", account, Call.imageModel, "--runs", "2")
        let free = Call(customer: customer, model: Call.imageModel)
        #expect(await stack.send(free, to: service.url).answer?.status == 200)
        var tokens: [String: String] = [:]
        for (role, name, given) in [
            ("finance", "fin", "finance"), ("auditor", "ada", "finance"), ("operator", "oli", "support"),
            ("gone", "gus", "admin"),
        ] {
            let json = try JSONValue(text: try await run("operator", "add", name, "--role", given, "--json").output)
            tokens[role] = try #require(json["token"]?.stringValue)
        }
        let rows = try await stack.rows(
            "SELECT execution_id FROM ledger.ended_executions ORDER BY admitted_at LIMIT 1"
        )
        let id = try #require(rows.first?.first)
        let types = try await stack.rows(
            "SELECT type FROM ledger.events WHERE execution_id = '\(id)' ORDER BY position"
        ).map { JSONValue.string($0[0]) }
        let classes = try await importInvoice(stack)
        let own = "ledger.events WHERE account_id = '\(account)'"
        let json: JSONValue = [
            "classes": classes, "tokens": .object(tokens.mapValues { .string($0) }), "account": .string(account),
            "run": .string(id),
            "revenue": "3", "refused": "2", "balance": "47", "runEvents": .array(types),
            "added": .string(try await number(stack, "SELECT sequence FROM \(own) AND type = 'credits.added'")),
            "inFirstSecond": .string(
                try await number(
                    stack,
                    """
                    SELECT count(*) FROM \(own) AND date_trunc('second', recorded_at) = (
                        SELECT date_trunc('second', recorded_at) FROM \(own) AND sequence = 1
                    )
                    """
                )
            ),
            "reports": [
                "usage": "Usage", "losses": "Breakage, refunds and absorbed cost", "holds": "Holds and unresolved runs",
            ],
        ]
        return Facts(tokens: tokens, json: json, run: id, account: account)
    }

    /// Compares an invoice of the runs' provider with them: one run as it is, one at another price, one left out, one twice,
    /// and two that nobody knows.
    ///
    /// - Returns: how many items there are of each class.
    private static func importInvoice(_ stack: Stack) async throws -> JSONValue {
        let runs = try await stack.rows(
            """
            SELECT provider, provider_request_id, booked::text FROM ledger.provider_runs
            WHERE booked > 0 AND provider = (
                SELECT provider FROM ledger.provider_runs GROUP BY provider ORDER BY count(*) DESC LIMIT 1
            )
            ORDER BY provider_request_id
            """
        )
        try #require(runs.count == 3, "\(runs)")
        let costs = runs.map { MicroUSD(microdollars: Int64($0[2]) ?? 0) }
        let lines = [
            "id,day,cost", "\(runs[0][1]),2027-01-01,\(costs[0])", "\(runs[0][1]),2027-01-01,\(costs[0])",
            "\(runs[1][1]),2027-01-01,\(costs[1] + costs[1])", "stranger-1,2027-01-01,0.5", "<script>,2027-01-02,0.25",
        ]
        try await withTemporaryFolder { folder in
            try "columns: {request: id, day: day, amount: cost}"
                .write(toFile: "\(folder)/own.yaml", atomically: true, encoding: .utf8)
            try lines.joined(separator: "\n").write(toFile: "\(folder)/a.csv", atomically: true, encoding: .utf8)
            let arguments = [
                "reconcile", "import", "\(folder)/a.csv", "--provider", runs[0][0], "--invoice", "2027-01 <b>",
                "--mapping", "\(folder)/own.yaml", "--from", "2020-01", "--until", "2099-12",
            ]
            let first = try await Program.run(arguments, databaseURL: stack.databaseURL).expectSuccess()
            #expect(first.output.contains("missing with them"), "\(first.output)")
            let again = try await Program.run(arguments, databaseURL: stack.databaseURL).expectSuccess()
            #expect(again.output.contains("This file was imported before"), "\(again.output)")
        }
        return [
            "matched": "1", "price differs": "1", "missing with us": "2", "missing with them": "1", "duplicate": "1",
        ]
    }

    private static func number(_ stack: Stack, _ sql: String) async throws -> String {
        try #require(try await stack.rows(sql).first?.first)
    }

    /// Waits until the day is counted, the run is under a published root, and the service's own audit has seen every event.
    private static func published(_ caller: ConsoleCaller, _ facts: Facts) async throws {
        let session = try await caller.signIn(try #require(facts.tokens["auditor"]))
        let path = "/console/accounts/\(facts.account)/runs/\(facts.run)/receipt"
        try await eventually("the day's runs are counted") {
            try await caller.get("/console", cookies: session).body.contains("id=\"runs\">4<")
        }
        try await eventually("the run's receipt is there") {
            let answer = try await caller.get(path, cookies: session)
            if answer.status == .notFound { #expect(answer.body.contains("not yet in a checkpoint")) }
            return answer.status == .ok && answer.body.contains("\nledger.example\n")
        }
        try await eventually("the audit has come to the end") {
            try await caller.get("/console/verification", cookies: session).body.contains("every event there is")
        }
    }

    /// An export from the console is that of the command, byte for byte.
    private static func exports(_ stack: Stack, _ caller: ConsoleCaller, _ facts: Facts) async throws {
        let session = try await caller.signIn(try #require(facts.tokens["finance"]))
        for (kind, query, options) in [
            ("events", "", []), ("postings", "", []), ("focus", "?price=0.01", ["--usd-per-credit", "0.01"]),
            ("beancount", "", []), ("hledger", "", []),
        ] {
            let folder = "\(stack.folder)/\(kind)"
            try await Program.run(["export", kind, "--to", folder] + options, databaseURL: stack.databaseURL)
                .expectSuccess()
            let answer = try await caller.get("/console/exports/\(kind).zip\(query)", cookies: session)
            #expect(answer.status == .ok && answer.headers.first(name: "content-type") == "application/zip")
            let archive = "\(folder).zip"
            try Data(answer.bytes).write(to: URL(fileURLWithPath: archive))
            let compare = """
                import sys, pathlib, zipfile
                archive, folder = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
                assert archive.testzip() is None
                assert sorted(archive.namelist()) == sorted(f.name for f in folder.iterdir()), archive.namelist()
                assert all(archive.read(f.name) == f.read_bytes() for f in folder.iterdir()), "other bytes"
                """
            let (exit, output) = try await ChildProcess.run(
                [try await PythonTools.interpreter(), "-c", compare, archive, folder]
            )
            #expect(exit == .exited(code: 0), "\(kind): \(output)")
        }
        for (path, status) in [
            ("exports/everything.zip", HTTPResponseStatus.notFound), ("exports/focus.zip", .badRequest),
            ("reports/none", .notFound), ("reports/usage?by=detail", .badRequest),
            ("reports/usage/other.csv", .notFound),
            ("verification/chain?of=99", .notFound), ("verification/chain?of=\(facts.account)&from=0", .badRequest),
            ("verification/chain?of=\(facts.account)&from=3&to=2", .badRequest),
            ("accounts/\(facts.account)?second=soon", .badRequest),
        ] {
            #expect(try await caller.get("/console/\(path)", cookies: session).status == status, "\(path)")
        }
    }

    private static func browse(_ service: RunningService, _ facts: Facts) async throws {
        let chromium = try #require(
            ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].first {
                FileManager.default.isExecutableFile(atPath: $0)
            },
            "scripts/setup python installs Chromium"
        )
        let pictures = ProcessInfo.processInfo.environment["RUNLEDGER_CONSOLE_PICTURES"].map { [$0] } ?? []
        let (exit, output) = try await ChildProcess.run(
            [
                try await PythonTools.interpreter(), "\(Program.sources)/Tests/ClientTests/console.py", chromium,
                service.url, facts.json.description,
            ] + pictures
        )
        // 22 pages at 2 widths in 2 schemes.
        #expect(exit == .exited(code: 0) && output == "looked: 88\n", "\(output)")
    }

    /// Forms that are not the console's own, and cookies that were not sealed by it.
    private static func forms(_ caller: ConsoleCaller, _ other: ConsoleCaller, _ facts: Facts) async throws {
        let token = try #require(facts.tokens["finance"])
        #expect(try await caller.post("/console/sign-in", ["token": token]).status == .forbidden)
        let form = try await caller.get("/console/sign-in")
        let policy = try #require(form.headers.first(name: "content-security-policy"))
        #expect(policy.hasPrefix("default-src 'none'; style-src 'self'; script-src 'self'; "))
        #expect(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"))
        #expect(form.headers.first(name: "cache-control") == "no-store")
        let formCookie = try #require(form.cookies["runledger_console_form"])
        let hidden = try #require(form.hidden)
        let members = ["token": token, "form": hidden, "next": "//evil.example/"]
        #expect(try await caller.post("/console/sign-in", members).status == .forbidden, "without its cookie")
        let jar = ["runledger_console_form": formCookie.value]
        let foreign = try await caller.post("/console/sign-in", members, cookies: jar, site: "cross-site")
        #expect(foreign.status == .forbidden && foreign.body.contains("This form has expired"))
        let signedIn = try await caller.post("/console/sign-in", members, cookies: jar)
        #expect(signedIn.status == .seeOther && signedIn.headers.first(name: "location") == "/console")
        let session = try #require(signedIn.cookies["runledger_console"])
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/console", "Max-Age=28800"] {
            #expect(session.text.contains(attribute), "\(session.text)")
        }
        // This service is reached by plain http.
        #expect(!session.text.contains("Secure"))
        let own = ["runledger_console": session.value]
        let page = try await caller.get("/console/accounts/\(facts.account)", cookies: own)
        #expect(page.status == .ok && page.body.contains("&lt;b&gt;order&lt;/b&gt; &amp; &quot;more&quot;"))
        #expect(!page.body.contains("<b>") && !page.body.contains("style=") && !page.body.contains("onclick"))
        #expect(try await caller.get("/console/accounts?q=%3Cscript%3E", cookies: own).body.contains("&lt;script&gt;"))
        #expect(try await caller.get("/console/log", cookies: own).status == .forbidden)
        #expect(try await caller.get("/console/accounts/none", cookies: own).status == .notFound)
        #expect(try await caller.get("/console/accounts?from=x", cookies: own).status == .badRequest)
        #expect(try await caller.get("/console/runs/\(facts.run)", cookies: own).status == .seeOther)
        let changed = [
            "runledger_console": String(session.value.dropLast()) + (session.value.hasSuffix("A") ? "B" : "A")
        ]
        #expect(try await caller.get("/console", cookies: changed).status == .seeOther)
        #expect(try await caller.post("/console/sign-out", [:], cookies: own).status == .forbidden)
        #expect(try await caller.get("/console", cookies: own).status == .ok, "a foreign form has signed out")
        try await decisions(caller, own, foreign: hidden)
        #expect(
            try await other.get("/console", cookies: own).status == .ok,
            "another process does not know the session"
        )
        let out = try await caller.post("/console/sign-out", ["form": try #require(page.hidden)], cookies: own)
        #expect(out.status == .seeOther && out.cookies["runledger_console"]?.value == "")
        #expect(try await caller.get("/console", cookies: own).status == .seeOther, "the cookie outlives signing out")
        #expect(try await other.get("/console", cookies: own).status == .seeOther, "it lives on in another process")
        let again = try await caller.signIn(token)
        #expect(try await other.get("/console", cookies: again).status == .ok, "signing out ends other sessions")
    }

    /// Deciding on an invoice takes a form of this session too.
    private static func decisions(
        _ caller: ConsoleCaller,
        _ session: [String: String],
        foreign hidden: String
    ) async throws {
        let list = try await caller.get("/console/reconciliation", cookies: session)
        let invoice = try #require(
            list.body.firstMatch(of: /href="(\/console\/reconciliation\/[^"]+)"/).map { String($0.1) }
        )
        #expect(list.body.contains("2027-01 &lt;b&gt;"))
        let wish = ["item-6": "on", "as": "accepted", "reason": "forged"]
        let stranger = wish.merging(["form": hidden]) { $1 }
        #expect(try await caller.post(invoice, stranger, cookies: session).status == .forbidden)
        #expect(try await caller.post(invoice, wish, cookies: session).status == .forbidden)
        let shown = try await caller.get(invoice + "?state=open", cookies: session)
        #expect(shown.status == .ok && !shown.body.contains("forged"))
    }

    /// An operator who is removed is out at once.
    private static func removal(_ stack: Stack, _ caller: ConsoleCaller, _ facts: Facts) async throws {
        let session = try await caller.signIn(try #require(facts.tokens["gone"]))
        #expect(try await caller.get("/console/log", cookies: session).status == .ok)
        try await Program.run(["operator", "remove", "gus"], databaseURL: stack.databaseURL).expectSuccess()
        #expect(try await caller.get("/console/log", cookies: session).status == .seeOther)
    }

    /// What somebody changed behind the ledger's back is named by who checks the chain: of the account, and of its journal.
    private static func damage(_ stack: Stack, _ caller: ConsoleCaller, _ facts: Facts) async throws {
        let session = try await caller.signIn(try #require(facts.tokens["auditor"]))
        let event = "account_id = '\(facts.account)' AND type = 'credits.added'"
        let place = try #require(
            try await stack.rows("SELECT journal, position FROM ledger.events WHERE \(event)").first
        )
        try await stack.change("UPDATE ledger.events SET amount = amount + 1 WHERE \(event)")
        for chain in [facts.account, place[0]] {
            let page = try await caller.get("/console/verification/chain?of=\(chain)", cookies: session)
            #expect(page.status == .ok && page.body.contains("Something is wrong."))
            #expect(page.body.contains("journal \(place[0]), position \(place[1])"), "\(page.body)")
        }
    }

    /// Nobody tries tokens one after the other.
    private static func throttle(_ caller: ConsoleCaller) async throws {
        // Two windows of a minute at most: no more than five of an address fail in each.
        var statuses: [HTTPResponseStatus] = []
        for _ in 0..<12 { statuses.append(try await caller.attempt("rl_admin_nobody").status) }
        #expect(statuses.contains(.unauthorized) && statuses.contains(.tooManyRequests), "\(statuses)")
        #expect(statuses.count { $0 == .unauthorized } <= 10)
    }
}
