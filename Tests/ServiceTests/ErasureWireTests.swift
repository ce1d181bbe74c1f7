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

/// Goal: what was decided to be erased is erased, whoever is killed over it, in the database and in the files, and a receipt
/// that was handed out before still holds.
/// Method: services and commands as processes; a lock makes the deletion wait, so that it can be killed between the event and
/// the first row.
@Suite("An erasure by processes", .serialized, .timeLimit(.minutes(5)))
struct ErasureWireTests {
    private static let prompt = "portrait of Thaddeus Vole"
    private static let email = "zanzibar@example.org"
    private static let token = "an-operators-token-of-40-characters-0001"

    @Test("a killed command's erasure is finished by the next service: rows and files go, and every proof stays")
    func killed() async throws {
        try await Stack.with { stack in
            let media = "\(stack.folder)/media"
            let settings = [
                "RUNLEDGER_DATA_KEY": String(repeating: "a1", count: 32), "RUNLEDGER_MEDIA_FOLDER": media,
                "RUNLEDGER_TLOG_KEY": try await stack.makeLogKey(), "RUNLEDGER_TLOG_FOLDER": "\(stack.folder)/tlog",
                "RUNLEDGER_ADMIN_TOKEN": Self.token,
            ]
            func run(_ arguments: String..., expecting code: Int32 = 0) async throws -> String {
                let result = try await Program.run(arguments, databaseURL: stack.databaseURL, environment: settings)
                #expect(result.exit == .exited(code: code), "\(result.output)")
                return result.output
            }
            let customer = try await stack.openAccount(credits: 100)
            let account = "\(customer.account)"
            #expect(try await run("data-key", "rewrap").hasPrefix("1 key"))
            _ = try await run("account", "contact", account, "--email", Self.email)
            let service = try await stack.startService(environment: settings)
            let run1 = Call(customer: customer, model: Call.imageModel, prompt: Self.prompt)
            #expect(await stack.send(run1, to: service.url).answer?.status == 200)
            #expect(
                await stack.send(Call(customer: customer, prompt: Self.prompt), to: service.url).answer?.status == 200
            )
            #expect(Self.files(in: media) == 1)
            let receipt = try await Self.receipt(stack, customer, service.url)
            _ = try await run("account", "erase", account, "--confirm", account, expecting: 1)
            #expect(try await run("account", "close", account).contains("closed"))
            #expect(await service.process.stop() == .exited(code: 0))
            try await Self.expectWrongKeyRefused(stack, settings)

            try await Self.killWhileErasing(stack, account, settings)
            #expect(try await stack.rows("SELECT count(*) FROM ledger.execution_results") == [["2"]])
            #expect(try await stack.rows("SELECT wrapped_key IS NULL FROM ledger.data_keys") == [["t"]])
            #expect(Self.files(in: media) == 1)
            #expect(try await run("account", "erasure", account).contains("erasing"))

            let next = try await stack.startService(environment: settings)
            try await eventually("the next service finishes it") {
                try await stack.rows("SELECT count(*) FROM ledger.erasures WHERE finished_at IS NOT NULL") == [["1"]]
            }
            #expect(Self.files(in: media) == 0)
            #expect(
                try await stack.rows("SELECT files_erased, rows_done_at IS NOT NULL FROM ledger.erasures") == [
                    ["1", "t"]
                ]
            )
            try await Self.expectAnswers(stack, account, next.url)
            try await Self.expectGone(stack, [media, "\(stack.folder)/tlog"])
            // The receipt from before, with the log as it is now.
            let file = "\(stack.folder)/run.tlog-proof"
            try receipt.text.write(toFile: file, atomically: true, encoding: .utf8)
            _ = try await run("audit", "verify", file, "--key", receipt.key)
            _ = try await run("audit", "fsck", "\(stack.folder)/tlog", "--key", receipt.key)
            #expect(try await stack.verify()["clean"] == true)
            #expect(await next.process.stop() == .exited(code: 0))
        }
    }

    private static func files(in folder: String) -> Int {
        let paths = FileManager.default.enumerator(atPath: folder)?.allObjects.compactMap { $0 as? String } ?? []
        return paths.count { !$0.contains("/.") && !$0.hasPrefix(".") && $0.contains(".") }
    }

    /// A run's receipt as its customer gets it, up to the ledger's own log.
    private static func receipt(
        _ stack: Stack,
        _ customer: Customer,
        _ url: String
    ) async throws -> (text: String, key: String) {
        let sql = "SELECT execution_id FROM ledger.events WHERE type = 'credits.debited' LIMIT 1"
        let id = try #require(try await stack.rows(sql).first?.first)
        var text = ""
        try await eventually("the run is published") {
            var request = HTTPClientRequest(url: "\(url)/api/executions/\(id)/receipt")
            request.headers.add(name: "x-api-key", value: customer.key)
            let response = try await stack.http.execute(request, timeout: .seconds(60))
            text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            return response.status == .ok && text.contains("\nledger.example\n")
        }
        let key = try await Program.run(
            ["audit", "key", "\(stack.folder)/tlog.key", "--json"],
            databaseURL: ""
        )
        return (text, try #require(try JSONValue(text: key.output)["key"]?.stringValue))
    }

    /// A service with another master key says which setting is wrong, and does not start.
    private static func expectWrongKeyRefused(_ stack: Stack, _ settings: [String: String]) async throws {
        let wrong = settings.merging(["RUNLEDGER_DATA_KEY": String(repeating: "b2", count: 32)]) { $1 }
        let result = try await Program.run(
            ["serve", "--port", "0", "--models", "\(Program.sources)/models", "--simulator", "http://127.0.0.1:9"],
            databaseURL: stack.databaseURL,
            environment: wrong
        )
        #expect(result.exit == .exited(code: 69) && result.output.contains("RUNLEDGER_DATA_KEY is not the key"))
    }

    /// Kills the command between the event and the first row that it deletes.
    private static func killWhileErasing(
        _ stack: Stack,
        _ account: String,
        _ settings: [String: String]
    ) async throws {
        let lock = try ServiceProcess(
            [
                try PostgresBinaries.find(requiredMajorVersion: nil).path("psql"), "--dbname=\(stack.databaseURL)",
                "--command=SELECT pg_sleep(600) FROM (SELECT FROM ledger.account_contacts FOR UPDATE) locked",
            ],
            logPath: "\(stack.folder)/lock.log"
        )
        try await eventually("the row is locked") {
            try await stack.rows("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == [["1"]]
        }
        let command = try ServiceProcess(
            [Program.path, "account", "erase", account, "--confirm", account],
            environment: settings.merging(["RUNLEDGER_DATABASE_URL": stack.databaseURL]) { $1 },
            logPath: "\(stack.folder)/erase.log"
        )
        try await eventually("the erasure is decided") {
            try await stack.rows("SELECT count(*) FROM ledger.events WHERE type = 'account.erased'") == [["1"]]
        }
        await command.stop(SIGKILL)
        await lock.stop(SIGKILL)
        _ = try await stack.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query ~ 'account_contacts'"
        )
    }

    /// What operators are told, by role, and what the customer's key still opens.
    private static func expectAnswers(_ stack: Stack, _ account: String, _ url: String) async throws {
        func ask(_ method: String, _ path: String, _ token: String, _ body: String = "") async throws -> (
            Int, JSONValue
        ) {
            var request = HTTPClientRequest(url: url + path)
            request.method = .init(rawValue: method)
            request.headers.add(name: "authorization", value: "Bearer \(token)")
            if !body.isEmpty { request.body = .bytes(ByteBuffer(string: body)) }
            let response = try await stack.http.execute(request, timeout: .seconds(60))
            let bytes = try await response.body.collect(upTo: 1 << 20)
            return (Int(response.status.code), try JSONValue(parsing: bytes.readableBytesView))
        }
        let path = "/admin/accounts/\(account)/erase"
        let made = try await ask("POST", "/admin/operators", token, #"{"name":"fin","role":"finance"}"#)
        let finance = try #require(made.1["token"]?.stringValue)
        let shown = try await ask("GET", path, finance)
        #expect(shown.0 == 200 && shown.1["erasure"]?["progress"]?["state"] == "erased", "\(shown)")
        #expect(shown.1["erasure"]?["certificate"]?["by"] == "cli")
        #expect(try await ask("POST", path, finance, #"{"confirm":"\#(account)"}"#).0 == 403)
        let unsure = try await ask("POST", path, token, #"{"confirm":"00000000-0000-0000-0000-000000000000"}"#)
        #expect(unsure.0 == 400 && "\(unsure.1)".contains("confirm"))
        let again = try await ask("POST", path, token, #"{"confirm":"\#(account)"}"#)
        #expect(again.0 == 200 && again.1["erasure"]?["repeated"] == true)
        #expect(
            try await ask("GET", "/admin/accounts/\(AccountID(Identifier128(high: 1, low: 1)))/erase", token).0 == 404
        )
        let keys = try await ask("GET", "/admin/accounts/\(account)/keys", token)
        #expect("\(keys.1)".contains("(erased)"))
    }

    /// Neither a dump of the whole database nor a file has a planted text.
    private static func expectGone(_ stack: Stack, _ folders: [String]) async throws {
        let (exit, dump) = try await ChildProcess.run(
            [
                try PostgresBinaries.find(requiredMajorVersion: nil).path("pg_dump"), "--data-only", "--inserts",
                "--dbname=\(stack.databaseURL)",
            ],
            environment: ProcessInfo.processInfo.environment
        )
        #expect(exit == .exited(code: 0) && dump.contains("account.erased"))
        for text in [prompt, email] {
            #expect(!dump.contains(text))
            for folder in folders {
                let (found, _) = try await ChildProcess.run(
                    ["/bin/grep", "--recursive", "--quiet", text, folder],
                    environment: [:]
                )
                #expect(found == .exited(code: 1), "\(text) in \(folder)")
            }
        }
    }
}
