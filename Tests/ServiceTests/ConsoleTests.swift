import AsyncHTTPClient
import Foundation
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
            let service = try await stack.startService(environment: [
                "RUNLEDGER_CONSOLE_SECRET": Self.secret, "RUNLEDGER_CONSOLE_AUDITORS": "ada, eve",
            ])
            let facts = try await Self.prepare(stack, service)
            try await Self.browse(service, facts)
            let http = HTTPClient(
                eventLoopGroupProvider: .singleton,
                configuration: HTTPClient.Configuration(redirectConfiguration: .disallow)
            )
            do {
                try await Self.forms(Caller(http: http, url: service.url), facts)
                try await Self.removal(stack, Caller(http: http, url: service.url), facts)
                try await Self.throttle(Caller(http: http, url: service.url))
            } catch {
                try? await http.shutdown()
                throw error
            }
            try await http.shutdown()
            try await Self.settings(stack)
        }
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
        let account = "\(customer.account)"
        func run(_ arguments: String...) async throws -> Program.Result {
            try await Program.run(arguments, databaseURL: stack.databaseURL).expectSuccess()
        }
        #expect(await stack.send(Call(customer: customer), to: service.url).summary == "402 INSUFFICIENT_CREDITS")
        _ = try await run("credits", "add", account, "50", "--reference", "<b>order</b> & \"more\"")
        for _ in 0..<3 { #expect(await stack.send(Call(customer: customer), to: service.url).answer?.status == 200) }
        #expect(await stack.send(Call(customer: customer, model: "nothing"), to: service.url).answer?.status == 404)
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
        let json: JSONValue = [
            "classes": classes, "tokens": .object(tokens.mapValues { .string($0) }), "account": .string(account),
            "run": .string(id),
            "revenue": "3", "refused": "2", "balance": "47", "runEvents": .array(types),
        ]
        // The day is counted every two seconds.
        try await Task.sleep(for: .seconds(3))
        return Facts(tokens: tokens, json: json, run: id, account: account)
    }

    /// Compares an invoice of the runs' provider with them: one run as it is, one at another price, one left out, one twice,
    /// and two that nobody knows.
    ///
    /// - Returns: how many items there are of each class.
    private static func importInvoice(_ stack: Stack) async throws -> JSONValue {
        let runs = try await stack.rows(
            """
            SELECT provider, provider_request_id, booked::text FROM ledger.provider_runs WHERE booked > 0
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
        // 11 pages at 2 widths in 2 schemes.
        #expect(exit == .exited(code: 0) && output == "looked: 44\n", "\(output)")
    }

    /// Forms that are not the console's own, and cookies that were not sealed by it.
    private static func forms(_ caller: Caller, _ facts: Facts) async throws {
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
        // Deciding takes a form of this session too.
        let list = try await caller.get("/console/reconciliation", cookies: own)
        let invoice = try #require(
            list.body.firstMatch(of: /href="(\/console\/reconciliation\/[^"]+)"/).map { String($0.1) }
        )
        #expect(list.body.contains("2027-01 &lt;b&gt;"))
        let wish = ["item-6": "on", "as": "accepted", "reason": "forged"]
        let stranger = wish.merging(["form": hidden]) { $1 }
        #expect(try await caller.post(invoice, stranger, cookies: own).status == .forbidden)
        #expect(try await caller.post(invoice, wish, cookies: own).status == .forbidden)
        let shown = try await caller.get(invoice + "?state=open", cookies: own)
        #expect(shown.status == .ok && !shown.body.contains("forged"))
        let out = try await caller.post("/console/sign-out", ["form": try #require(page.hidden)], cookies: own)
        #expect(out.status == .seeOther && out.cookies["runledger_console"]?.value == "")
        #expect(try await caller.get("/console", cookies: own).status == .seeOther, "the cookie outlives signing out")
    }

    /// An operator who is removed is out at once.
    private static func removal(_ stack: Stack, _ caller: Caller, _ facts: Facts) async throws {
        let session = try await caller.signIn(try #require(facts.tokens["gone"]))
        #expect(try await caller.get("/console/log", cookies: session).status == .ok)
        try await Program.run(["operator", "remove", "gus"], databaseURL: stack.databaseURL).expectSuccess()
        #expect(try await caller.get("/console/log", cookies: session).status == .seeOther)
    }

    /// Nobody tries tokens one after the other.
    private static func throttle(_ caller: Caller) async throws {
        // Two windows of a minute at most: no more than five of an address fail in each.
        var statuses: [HTTPResponseStatus] = []
        for _ in 0..<12 { statuses.append(try await caller.attempt("rl_admin_nobody").status) }
        #expect(statuses.contains(.unauthorized) && statuses.contains(.tooManyRequests), "\(statuses)")
        #expect(statuses.count { $0 == .unauthorized } <= 10)
    }
}

/// Somebody who sends what a browser would not.
private struct Caller {
    let http: HTTPClient
    let url: String

    struct Answer {
        let status: HTTPResponseStatus
        let headers: HTTPHeaders
        let body: String

        /// Cookies that it sets: their values, and the whole text.
        var cookies: [String: (value: String, text: String)] {
            headers["set-cookie"].reduce(into: [:]) { cookies, text in
                let pair = text.prefix { $0 != ";" }.split(
                    separator: "=",
                    maxSplits: 1,
                    omittingEmptySubsequences: false
                )
                cookies[String(pair[0])] = (String(pair[1]), text)
            }
        }

        /// What its first form carries.
        var hidden: String? { body.firstMatch(of: /name="form" value="([^"]+)"/).map { String($0.1) } }
    }

    func get(_ path: String, cookies: [String: String] = [:]) async throws -> Answer {
        try await send(HTTPClientRequest(url: url + path), cookies)
    }

    func post(
        _ path: String,
        _ members: [String: String],
        cookies: [String: String] = [:],
        site: String? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        if let site { request.headers.add(name: "sec-fetch-site", value: site) }
        let text = members.map {
            "\($0.key)=\($0.value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }
        request.body = .bytes(ByteBuffer(string: text.joined(separator: "&")))
        return try await send(request, cookies)
    }

    /// One attempt with a token, from a form of its own.
    func attempt(_ token: String) async throws -> Answer {
        let form = try await get("/console/sign-in")
        let jar = ["runledger_console_form": try #require(form.cookies["runledger_console_form"]).value]
        return try await post("/console/sign-in", ["token": token, "form": try #require(form.hidden)], cookies: jar)
    }

    /// The cookie of a session.
    func signIn(_ token: String) async throws -> [String: String] {
        ["runledger_console": try #require(try await attempt(token).cookies["runledger_console"]).value]
    }

    private func send(_ request: HTTPClientRequest, _ cookies: [String: String]) async throws -> Answer {
        var request = request
        if !cookies.isEmpty {
            let text = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
            request.headers.add(name: "cookie", value: text)
        }
        let response = try await http.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 1 << 22)
        return Answer(status: response.status, headers: response.headers, body: String(buffer: body))
    }
}
