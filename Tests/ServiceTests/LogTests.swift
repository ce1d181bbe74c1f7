import AsyncHTTPClient
import Foundation
import Ledger
import LocalCluster
import NIOCore
import NIOHTTP1
import Registry
import TestSupport
import Testing

/// Goal: a customer's run ends up under one signed and witnessed root, and whoever has the key can see that without the service.
/// Method: two services and a witness, each a process, one run, and the commands of an auditor, which are given no database.
@Suite("the transparency log of a service", .serialized, .timeLimit(.minutes(5)))
struct LogTests {
    @Test("a run's receipt is served, holds without the database, and what was changed in the log's folder is named")
    func receipts() async throws {
        try await Stack.with { stack in
            let bench = try await LogBench(stack)
            let service = try await stack.startService(environment: bench.settings)
            // Another process of the same ledger: one publishes, and both serve.
            let other = try await stack.startService(environment: bench.settings)
            let customer = try await stack.openAccount(credits: 100)
            let stranger = try await stack.openAccount()
            let answer = try #require(await stack.send(Call(customer: customer), to: service.url).answer)
            let debits = try await stack.rows("SELECT execution_id FROM ledger.events WHERE type = 'credits.debited'")
            let id = try #require(debits.first?.first)
            let path = "/api/executions/\(id)/receipt"
            #expect(try await bench.get(service.url + path).status == 401)
            #expect(try await bench.get(service.url + path, ["x-api-key": stranger.key]).status == 404)
            var receipt = ""
            try await eventually("the run is published, up to the ledger's log") {
                let answer = try await bench.get(other.url + path, ["x-api-key": customer.key])
                #expect(
                    answer.status == 200 || (answer.status == 202 && answer.headers.first(name: "retry-after") == "1")
                )
                receipt = answer.body
                return answer.status == 200 && receipt.contains("\nledger.example\n")
            }
            let file = "\(stack.folder)/run.tlog-proof"
            try receipt.write(toFile: file, atomically: true, encoding: .utf8)
            let verdict = try await bench.audit("verify", file, "--policy", bench.policy)
            let events = try #require(try JSONValue(text: verdict.output)["events"]?.arrayValue)
            #expect(events.allSatisfy { $0["execution_id"]?.stringValue == id })
            let types = try await stack.rows(
                "SELECT type FROM ledger.events WHERE execution_id = '\(id)' ORDER BY position"
            ).map { $0[0] }
            #expect(events.map { $0["type"]?.stringValue } == types)
            #expect(types.first == "request.received" && types.contains("credits.debited"))
            #expect(events.contains { $0["amount"]?.stringValue == answer.cost?.description })
            try receipt.replacing("index ", with: "index 1").write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try await bench.audit("verify", file).exit == .exited(code: 1))
            let taken = try await Program.run(
                ["audit", "receipt", id, "--account", "\(customer.account)"],
                databaseURL: stack.databaseURL,
                environment: bench.settings
            )
            #expect(taken.output.contains("c2sp.org/tlog-proof@v1"))

            try await serves(bench, service.url)
            #expect(await service.process.stop() == .exited(code: 0))
            // The other one goes on with the log.
            let size = try await bench.size(other.url)
            _ = await stack.send(Call(customer: customer), to: other.url)
            try await eventually("the log goes on") { try await bench.size(other.url) > size }
            #expect(await other.process.stop() == .exited(code: 0))
            try await names(bench)
            await bench.witness.stop(SIGKILL)
        }
    }

    /// The files over HTTP: checkpoints and hashes for everybody, events for operators.
    private func serves(_ bench: LogBench, _ url: String) async throws {
        let checkpoint = try await bench.get(url + "/log/checkpoint")
        #expect(checkpoint.status == 200)
        #expect(checkpoint.headers.first(name: "cache-control") == "no-cache")
        #expect(checkpoint.headers.first(name: "content-type") == "text/plain; charset=utf-8")
        #expect(checkpoint.body.contains("— witness.example/w1 "))
        for path in ["", "/", "/tile/0/../checkpoint", "/journal/9/checkpoint", "/tlog.key", "/tile/0/x", "/lock"] {
            #expect(try await bench.get(url + "/log" + path).status == 404, "\(path)")
        }
        let open = try await bench.audit("fsck", url + "/log", "--policy", bench.policy)
        let logs = try #require(try JSONValue(text: open.output)["logs"]?.arrayValue)
        #expect(open.exit == .exited(code: 0), "\(open.output)")
        #expect(logs.dropFirst().allSatisfy { $0["entriesChecked"] == false })
        let operators = try await bench.audit(
            "fsck",
            url + "/log",
            environment: ["RUNLEDGER_OPERATOR_TOKEN": bench.token]
        )
        let whole = try #require(try JSONValue(text: operators.output)["logs"]?.arrayValue)
        #expect(whole.allSatisfy { $0["entriesChecked"] == true })
        let journal = try #require(logs.dropFirst().first { $0["size"]?.integerValue ?? 0 > 0 })
        let origin = try #require(journal["origin"]?.stringValue).dropFirst("ledger.example/".count)
        let size = try #require(journal["size"]?.integerValue)
        let tile = try await bench.get(url + "/log/\(origin)/tile/0/000.p/\(size)")
        #expect(tile.headers.first(name: "cache-control") == "public, max-age=31536000, immutable")
        let entries = url + "/log/\(origin)/tile/entries/000.p/\(size)"
        #expect(try await bench.get(entries).status == 401)
        let read = try await bench.get(entries, ["authorization": "Bearer \(bench.token)"])
        #expect(read.status == 200)
        #expect(read.headers.first(name: "cache-control") == "private, max-age=31536000, immutable")
    }

    /// A byte in the folder, and what an auditor is told.
    private func names(_ bench: LogBench) async throws {
        let clean = try await bench.audit("fsck", bench.folder, "--policy", bench.policy)
        #expect(clean.exit == .exited(code: 0), "\(clean.output)")
        let logs = try #require(try JSONValue(text: clean.output)["logs"]?.arrayValue)
        let ledgerSize = try #require(logs.first?["size"]?.integerValue)
        let path = "tile/entries/000.p/\(ledgerSize)"
        let file = URL(fileURLWithPath: "\(bench.folder)/\(path)")
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: file)
        let found = try await bench.audit("fsck", bench.folder)
        #expect(found.exit == .exited(code: 1))
        let finding = try #require(try JSONValue(text: found.output)["findings"]?.arrayValue?.first)
        #expect(finding["path"]?.stringValue == path)
    }
}

/// A key, a witness, and the settings of services that publish.
struct LogBench: Sendable {
    let http: HTTPClient
    let folder: String
    let policy: String
    let key: String
    let token = "an-operators-token-of-40-characters-0001"
    let settings: [String: String]
    let witness: ServiceProcess

    init(_ stack: Stack) async throws {
        http = stack.http
        folder = "\(stack.folder)/tlog"
        policy = "\(stack.folder)/policy"
        func json(_ arguments: String...) async throws -> JSONValue {
            let result = try await Program.run(arguments + ["--json"], databaseURL: "")
            return try JSONValue(text: result.expectSuccess().output)
        }
        let keyFile = try await stack.makeLogKey()
        key = try #require(try await json("audit", "key", keyFile)["key"]?.stringValue)
        // A key is never replaced, nor used when others can read it.
        let again = try await Program.run(["audit", "key", keyFile, "--name", "other"], databaseURL: "")
        #expect(again.exit == .exited(code: 64) && again.output.contains("never replaced"))
        let witnessFile = "\(stack.folder)/witness.key"
        let cosigner = try await json("witness", "key", witnessFile, "--name", "witness.example/w1")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: witnessFile)
        let open = try await Program.run(["witness", "key", witnessFile], databaseURL: "")
        #expect(open.exit == .exited(code: 64) && open.output.contains("chmod 600"))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: witnessFile)
        witness = try Program.start(
            [
                "witness", "serve", "--key", witnessFile, "--store", "\(stack.folder)/witness", "--log", key, "--port",
                "0",
            ],
            databaseURL: "",
            logPath: "\(stack.folder)/witness.log"
        )
        let port = try await Program.port(of: witness)
        let vkey = try #require(cosigner["key"]?.stringValue)
        try "witness w1 \(vkey) http://127.0.0.1:\(port)\nquorum w1\n".write(
            toFile: policy,
            atomically: true,
            encoding: .utf8
        )
        settings = [
            "RUNLEDGER_TLOG_KEY": keyFile, "RUNLEDGER_TLOG_FOLDER": folder, "RUNLEDGER_TLOG_POLICY": policy,
            "RUNLEDGER_ADMIN_TOKEN": token,
        ]
    }

    func get(
        _ url: String,
        _ headers: [String: String] = [:]
    ) async throws -> (status: Int, headers: HTTPHeaders, body: String) {
        var request = HTTPClientRequest(url: url)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await http.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 1 << 24)
        return (Int(response.status.code), response.headers, String(buffer: body))
    }

    /// A command of an auditor, who has no database.
    func audit(_ command: String..., environment: [String: String] = [:]) async throws -> Program.Result {
        try await Program.run(
            ["audit"] + command + ["--key", key, "--json"],
            databaseURL: "postgresql://nowhere.invalid/none",
            environment: environment
        )
    }

    /// Entries of the ledger's log as it is served.
    func size(_ url: String) async throws -> Int64 {
        let lines = try await get(url + "/log/checkpoint").body.split(separator: "\n")
        return try #require(Int64(lines[1]))
    }
}
