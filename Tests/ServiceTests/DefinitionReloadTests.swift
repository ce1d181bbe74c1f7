import AsyncHTTPClient
import Foundation
import Glibc
import Ledger
import NIOCore
import NIOHTTP1
import Registry
import TestSupport
import Testing

@Suite("definitions that change while the service runs", .serialized, .timeLimit(.minutes(3)))
struct DefinitionReloadTests {
    @Test("a new price is charged without a restart and named by its events; a bad file changes nothing and is told")
    func reload() async throws {
        try await withTemporaryFolder { folder in
            let models = try Program.copyDefinitions(to: folder)
            try await Stack.with { stack in
                let service = try await stack.startService(models: models)
                let customer = try await stack.openAccount(credits: 100)
                let call = Call(customer: customer)
                let file = "\(folder)/models/\(call.model).yaml"
                #expect(await stack.send(call, to: service.url).answer?.cost == Credits(whole: 1))

                let old = try String(contentsOfFile: file, encoding: .utf8)
                // The definition's version and its price's.
                let former = old.matches(of: /version: (\d+)\n/).compactMap { Int64($0.1) }
                try #require(former.count == 2)
                let dearer = old.replacing(/version: (\d+)\n/) { "version: \((Int64($0.1) ?? 0) + 1)\n" }
                    .replacing(#""1""#, with: #""2.5""#)
                #expect(try await version(of: call, stack, service) == former[0])
                try dearer.write(toFile: file, atomically: true, encoding: .utf8)
                try await eventually("the new version is listed") {
                    try await version(of: call, stack, service) == former[0] + 1
                }
                #expect(await stack.send(call, to: service.url).answer?.cost == Credits(decimal: "2.5"))

                // The same version for another price: refused at once when an operator asks for it.
                let cheat = dearer.replacing(#""2.5""#, with: #""3""#)
                try cheat.write(toFile: file, atomically: true, encoding: .utf8)
                Glibc.kill(service.process.pid, SIGHUP)
                let line = try await service.process.waitForLine(
                    containing: "must be above \(former[1] + 1): the price has changed"
                )
                #expect(line.contains("\(call.model).yaml:"))
                #expect(await stack.send(call, to: service.url).answer?.cost == Credits(decimal: "2.5"))

                let versions = try await stack.rows(
                    """
                    SELECT DISTINCT price_version FROM ledger.events
                    WHERE account_id = '\(customer.account)' AND price_version IS NOT NULL ORDER BY price_version
                    """
                )
                #expect(versions == [["\(former[1])"], ["\(former[1] + 1)"]])
            }
        }
    }

    @Test("a run under way ends by its own definition after a restart with another; a forgotten version is told")
    func restart() async throws {
        try await withTemporaryFolder { folder in
            let models = try Program.copyDefinitions(to: folder)
            @Sendable func change(_ file: String, _ old: String, to new: String) throws {
                let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                try #require(text.contains(old))
                let changed = text.replacing(old, with: new)
                try changed.write(toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8)
            }
            try await Stack.with { stack in
                try await stack.script(["jobMilliseconds": 6_000])
                let customer = try await stack.openAccount(credits: 100)
                let first = try await stack.startService(models: models)
                let run = try await stack.submit(customer, to: first.url)
                try await eventually("the provider works on it") { try await stack.simulatorCount("total") == 1 }
                #expect(await first.process.stop() == .exited(code: 0))

                try change("models/gpt-image-2.yaml", "version: 3\n", to: "version: 4\n")
                try change("providers/kie-jobs.yaml", "path: /api/v1/jobs/recordInfo", to: "path: /nowhere")
                try change("models/gpt-5-4-mini.yaml", "displayName: ", to: "displayName: New ")
                let second = try await stack.startService(models: models)
                try await second.process.waitForLine(containing: "gpt-5-4-mini.yaml")
                let answer = try await stack.read(run, customer, from: second.url, wait: 60)
                #expect(answer["status"] == "completed", "\(answer)")
                #expect(answer["cost"] == 10)
                #expect(
                    try await stack.rows(
                        "SELECT version FROM ledger.definition_versions WHERE model = 'gpt-image-2' ORDER BY version"
                    ) == [["3"], ["4"]]
                )
            }
        }
    }

    private func version(of call: Call, _ stack: Stack, _ service: RunningService) async throws -> Int64? {
        var request = HTTPClientRequest(url: "\(service.url)/api/models")
        request.headers.add(name: "x-api-key", value: call.customer.key)
        let response = try await stack.http.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        let models = try JSONValue(parsing: bytes.readableBytesView)["models"]?.arrayValue ?? []
        return models.first { $0["internalName"]?.stringValue == call.model }?["version"]?.integerValue
    }
}
