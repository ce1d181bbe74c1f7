import APIReference
import AsyncHTTPClient
import Foundation
import LocalCluster
import NIOCore
import NIOHTTP1
import OpenAPIFiles
import Registry
import TestSupport
import Testing

/// Goal: what the description says, the service does, and the reverse. Method: a whole service with everything turned on,
/// which tells its own routes, asked for each; generated requests; a client that knows the published examples only; a
/// browser.
@Suite("the description of the running service", .serialized, .timeLimit(.minutes(5)))
struct ReferenceTests {
    static let adminToken = "an-operators-token-of-40-characters-0001"
    /// What needs neither key nor token. Whoever adds a route to this list has thought about it.
    static let publicRoutes: Set<String> = [
        "GET /healthz", "GET /readyz", "GET /openapi.json", "GET /docs", "GET /docs/style.css", "GET /media/**",
        "GET /log/**",
        "POST /api/callbacks/{token}", "POST /admin/payments/stripe", "GET /api/workflows/{slug}/public-schema",
    ]
    /// Steps of the client whose routes the service does not have yet.
    static let stepsLeftOut: [String] = []

    /// The subjects whose routes take an operator's token.
    static let operatorTags = ["API keys", "Webhooks", "Accounts", "Credits", "Operators"]

    private static func start(_ stack: Stack, models: String? = nil) async throws -> RunningService {
        try await stack.startService(
            models: models,
            environment: [
                "RUNLEDGER_LOG_LEVEL": "debug", "RUNLEDGER_ADMIN_TOKEN": adminToken,
                "RUNLEDGER_TLOG_KEY": try await stack.makeLogKey(), "RUNLEDGER_TLOG_FOLDER": "\(stack.folder)/tlog",
                "RUNLEDGER_PUBLIC_URL": "https://runs.example.com",
                "RUNLEDGER_STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef",
                "RUNLEDGER_CONSOLE_SECRET": ConsoleTests.secret,
            ]
        )
    }

    @Test("every route is described or refused with 405, and none but the public ones answers without a key")
    func walk() async throws {
        try await Stack.with { stack in
            let service = try await Self.start(stack)
            let described = try APIDocument(folder: OpenAPIFiles.folder()).operations
            var answered: Set<String> = []
            var pages = 0
            for route in try await service.routes() where route.method != "CONNECT" {
                let answer = try await stack.ask(route.method, service.url + route.sample)
                let note = Comment(rawValue: "\(route): \(answer.status)")
                if answer.status == .methodNotAllowed {
                    let allowed = answer.headers[canonicalForm: "allow"].map(String.init)
                    #expect(!allowed.isEmpty && !allowed.contains(route.method), note)
                    continue
                }
                if route.method == "HEAD" {
                    let other = try await stack.ask("GET", service.url + route.sample)
                    #expect(answer.status == other.status, note)
                    continue
                }
                if route.path == "/console" || route.path.hasPrefix("/console/") {
                    // Pages are no API. A stranger is led to the sign-in, or told that a form is not the console's.
                    if !route.path.hasPrefix("/console/assets/") {
                        let isSignIn = answer.body.contains("name=\"token\"")
                        #expect(isSignIn || answer.body.contains("This form has expired"), note)
                        #expect(!answer.body.contains("Sign out"), note)
                    }
                    pages += 1
                    continue
                }
                answered.insert("\(route)")
                #expect((answer.status == .unauthorized) != Self.publicRoutes.contains("\(route)"), note)
                #expect(described.contains { $0.route == route }, "\(route) is not described: see docs/openapi.md")
            }
            #expect(answered.count > 45)
            // Eighteen pages, three forms, three files.
            #expect(pages == 24)
            #expect(Set(described.map { "\($0.route)" }).subtracting(answered) == [], "described, but not answered")
            #expect(Set(described.filter(\.isPublic).map { "\($0.route)" }) == Self.publicRoutes)
            try await Self.walk(described, at: service, of: stack)
        }
    }

    /// What any key in force may ask, uncounted. Whoever adds a route to this list has thought about it.
    private static let uncounted: [String: HTTPResponseStatus] = [
        "GET /api/whoami": .ok,
        // For who is signed in.
        "GET /api/me": .forbidden,
    ]

    /// Asks for every route with the key of an approved account that may do nothing of it, and looks that it is refused as
    /// the description says, or counted.
    private static func walk(
        _ described: [APIDocument.Operation],
        at service: RunningService,
        of stack: Stack
    ) async throws {
        let customer = try await stack.openAccount(isKeyless: true)
        let key = try await stack.issueKey(to: customer.account, ["webhook:receive"]).key
        var seen: [String: Int] = [:]
        for operation in described where !operation.isPublic {
            let route = operation.route
            let answer = try await stack.ask(route.method, service.url + route.sample, headers: ["x-api-key": key])
            let json = (try? JSONValue(text: answer.body)) ?? .null
            let note = Comment(rawValue: "\(route): \(answer.status) \(answer.body.prefix(300))")
            if operation.value["security"] != nil {
                seen["operators", default: 0] += 1
                #expect(answer.status == .forbidden && json["code"] == "API_KEY_NOT_ALLOWED", note)
            } else if let capability = operation.value["x-capability"]?.text {
                seen["capability", default: 0] += 1
                #expect(answer.status == .forbidden && json["code"] == "CAPABILITY_DENIED", note)
                let needed = capability.replacing(/\{[^}]*\}/, with: "gpt-5-4-mini")
                #expect(json["required"]?.stringValue == needed, note)
            } else if let expected = uncounted["\(route)"] {
                seen["uncounted", default: 0] += 1
                #expect(answer.status == expected && operation.value["x-window"] == nil, note)
                #expect(answer.headers.first(name: "x-ratelimit-limit") == nil, note)
            } else {
                seen["counted", default: 0] += 1
                #expect(operation.value["x-window"] != nil, note)
                for name in ["limit", "remaining", "reset"] {
                    #expect(answer.headers.first(name: "x-ratelimit-\(name)").flatMap { Int64($0) } != nil, note)
                }
            }
        }
        #expect(seen["uncounted"] == uncounted.count)
        #expect(
            (seen["operators"] ?? 0) > 30 && (seen["capability"] ?? 0) > 10 && (seen["counted"] ?? 0) > 2,
            "\(seen)"
        )
        #expect(try await stack.rows("SELECT count(*) FROM ledger.executions") == [["0"]])
    }

    @Test("document and page come with a tag, may be kept, and load nothing from elsewhere")
    func documents() async throws {
        try await Stack.with { stack in
            let service = try await Self.start(stack)
            for (path, type) in [
                ("/openapi.json", "application/json"), ("/docs", "text/html; charset=utf-8"),
                ("/docs/style.css", "text/css; charset=utf-8"),
            ] {
                let answer = try await stack.ask("GET", service.url + path)
                #expect(answer.status == .ok)
                #expect(answer.headers.first(name: "content-type") == type)
                #expect(answer.headers.first(name: "cache-control") == "public, max-age=300")
                let tag = try #require(answer.headers.first(name: "etag"))
                let again = try await stack.ask("GET", service.url + path, headers: ["if-none-match": tag])
                #expect(again.status == .notModified && again.body.isEmpty)
                #expect(again.headers.first(name: "etag") == tag)
            }
            let document = try JSONValue(text: try await stack.ask("GET", service.url + "/openapi.json").body)
            #expect(document["openapi"] == "3.1.0")
            let page = try await stack.ask("GET", service.url + "/docs")
            let policy = try #require(page.headers.first(name: "content-security-policy"))
            #expect(policy.hasPrefix("default-src 'none'; style-src 'self';"))
            #expect(!page.body.contains("<script") && !page.body.contains("style=") && !page.body.contains("src="))
            let all = try APIDocument(folder: OpenAPIFiles.folder())
            for operation in all.operations {
                let id = try #require(operation.value["operationId"]?.text)
                #expect(page.body.contains("id=\"\(id)\""), "\(id) is not on the page")
            }
            for code in all.errorCodes { #expect(page.body.contains("<code>\(code)</code>")) }
            // Without an address for callbacks, or Stripe's secret, there is no route for them, and no description.
            let other = try await stack.startService()
            let smaller = try await stack.ask("GET", other.url + "/openapi.json").body
            #expect(!smaller.contains("/api/callbacks/") && !smaller.contains("/admin/payments/stripe"))
        }
    }

    @Test("the page can be read in a browser on a phone and on a desk, light and dark, with a keyboard")
    func page() async throws {
        try await Stack.with { stack in
            let service = try await Self.start(stack)
            let chromium = try #require(
                ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].first {
                    FileManager.default.isExecutableFile(atPath: $0)
                },
                "scripts/setup python installs Chromium"
            )
            let output = try await Self.python("page.py", [chromium, service.url + "/docs"])
            #expect(output == "looked: 4\n")
        }
    }

    @Test("a client written from the published examples works unchanged")
    func client() async throws {
        try await Stack.with { stack in
            let service = try await Self.start(stack)
            let customer = try await stack.openAccount(
                credits: 1_000,
                capabilities: ["workflow:run", "workflow:read", "workflow:write"]
            )
            let output = try await Self.python("client.py", [service.url, customer.key])
            let lines = output.split(separator: "\n").map(String.init)
            let leftOut = lines.filter { $0.hasPrefix("left out: ") }.map { String($0.dropFirst(10)) }.sorted()
            #expect(leftOut == Self.stepsLeftOut)
            #expect(lines.filter { $0.hasPrefix("done: ") }.count == 7 - Self.stepsLeftOut.count, "\(output)")
        }
    }

    @Test("no generated request, sensible or not, is answered otherwise than described", arguments: [false, true])
    func generated(asOperator: Bool) async throws {
        try await withTemporaryFolder { folder in
            // A synchronous run takes as long as its provider does, and the checks allow an answer ten seconds. The simulator
            // is done sooner than some vendors are first asked: here all are asked at its pace.
            let models = try Program.copyDefinitions(to: folder, pollMilliseconds: 100)
            try await Stack.with { stack in
                try await stack.script(["jobMilliseconds": 200])
                let service = try await Self.start(stack, models: models)
                let customer = try await stack.openAccount(
                    credits: 100_000,
                    capabilities: ["webhook:receive", "workflow:run", "workflow:read", "workflow:write"]
                )
                // To be closed, and its key revoked, while the other one goes on.
                let spare = try await stack.openAccount()
                let execution = try await stack.submit(customer, to: service.url)
                let header = asOperator ? "Authorization: Bearer \(Self.adminToken)" : "x-api-key: \(customer.key)"
                let (exit, output) = try await ChildProcess.run(
                    [
                        try await PythonTools.interpreter(), "-m", "schemathesis.cli", "run",
                        service.url + "/openapi.json",
                        "--header", header,
                        // Whether a model takes generated inputs is a matter of its own schema.
                        "--checks", "all", "--exclude-checks", "positive_data_acceptance", "--max-examples", "12",
                        // No answer of the operators' routes leads on to another.
                        "--phases", asOperator ? "examples,coverage,fuzzing" : "examples,coverage,fuzzing,stateful",
                        "--seed", "4", "--no-shrink", "--continue-on-failure", "--request-timeout", "20", "--no-color",
                    ] + Self.operatorTags.flatMap { [asOperator ? "--include-tag" : "--exclude-tag", $0] },
                    environment: ProcessInfo.processInfo.environment.merging([
                        "SCHEMATHESIS_HOOKS": "\(Program.sources)/Tests/ClientTests/hooks.py",
                        "EXECUTION_ID": execution, "KEY_ID": "\(customer.keyID)", "ACCOUNT_ID": "\(customer.account)",
                        "SPARE_KEY_ID": "\(spare.keyID)", "SPARE_ACCOUNT_ID": "\(spare.account)",
                        "PYTHONDONTWRITEBYTECODE": "1",
                    ]) { $1 }
                )
                // The summary alone does not name the request.
                let failures = output.range(of: "FAILURES").map { output[$0.lowerBound...] } ?? output[...]
                #expect(exit == .exited(code: 0), "\(failures)")
                #expect(try await stack.verify()["clean"] == true)
            }
        }
    }

    /// Runs one of the scripts of `Tests/ClientTests` and returns what it printed.
    private static func python(_ script: String, _ arguments: [String]) async throws -> String {
        let (exit, output) = try await ChildProcess.run(
            [try await PythonTools.interpreter(), "\(Program.sources)/Tests/ClientTests/\(script)"] + arguments
        )
        #expect(exit == .exited(code: 0), "\(output)")
        return output
    }
}

/// An answer with its headers.
private struct WholeAnswer {
    let status: HTTPResponseStatus
    let headers: HTTPHeaders
    let body: String
}

extension Stack {
    /// Asks once, without a key.
    fileprivate func ask(_ method: String, _ url: String, headers: [String: String] = [:]) async throws -> WholeAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if ["POST", "PUT", "PATCH"].contains(method) { request.body = .bytes(ByteBuffer(string: "{}")) }
        let response = try await http.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 1 << 22)
        return WholeAnswer(status: response.status, headers: response.headers, body: String(buffer: body))
    }
}

extension RunningService {
    /// Every route, as the service logs them when it starts.
    fileprivate func routes() async throws -> [APIDocument.Route] {
        let line = try await process.waitForLine(containing: "\"routes\":")
        let text = try #require(line.firstMatch(of: /"routes":\[([^\]]*)\]/)?.1).replacing("\\/", with: "/")
        return text.split(separator: ",").compactMap { route in
            let words = route.replacing("\"", with: "").split(separator: " ")
            return words.count == 2 ? APIDocument.Route(method: String(words[0]), path: String(words[1])) : nil
        }
    }
}

extension APIDocument.Route {
    /// A path of the route, with something well-formed for each parameter.
    fileprivate var sample: String {
        path.replacing("**", with: "none.png").replacing(/\{internalName\}|\{slug\}/, with: "gpt-5-4-mini")
            .replacing(/\{[^}]*\}/, with: "0198e0ae-7c55-7d22-9c1f-0005f4b3a2c1")
    }
}
