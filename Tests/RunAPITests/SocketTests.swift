import Foundation
import Hummingbird
import HummingbirdTesting
import Ledger
import RunTestSupport
import Runs
import Testing

@Suite("over a socket", .serialized)
struct SocketTests {
    private static func withServer(
        _ bench: APIBench,
        _ body: @Sendable (RawConnection) async throws -> Void
    ) async throws {
        try await bench.app.test(.live) { client in
            try await body(try RawConnection(port: try #require(client.port)))
        }
    }

    private static func head(_ bench: APIBench, _ fields: String, method: String = "POST") -> String {
        "\(method) /api/models/echo/run HTTP/1.1\r\nHost: localhost\r\nx-api-key: \(bench.account.secret.text)\r\n"
            + "\(fields)\r\n\r\n"
    }

    private static let run = #"{"inputs":{"prompt":"hi"}}"#

    @Test("a body that is too large is refused with 413, with a length and in chunks, and the connection can go on")
    func tooLarge() async throws {
        let bench = try APIBench()
        let chunk = "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n"
        let bodies = [
            (
                "Content-Length: 1048577", String(repeating: "x", count: 1_048_577)
            ),
            ("Transfer-Encoding: chunked", String(repeating: chunk, count: 17) + "0\r\n\r\n"),
        ]
        for (field, body) in bodies {
            try await Self.withServer(bench) { connection in
                await connection.send(Self.head(bench, field) + body)
                let refused = await connection.receive(until: #""limit":1048576}"#)
                #expect(refused.hasPrefix("HTTP/1.1 413 "))
                #expect(refused.contains(#""code":"BODY_TOO_LARGE""#))
                await connection.send(Self.head(bench, "Content-Length: \(Self.run.utf8.count)") + Self.run)
                let next = await connection.receive(until: #""ms""#)
                #expect(next.hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    @Test("the answer to HEAD has no body, so that the next answer on the connection is read as what it is")
    func head() async throws {
        let bench = try APIBench()
        try await Self.withServer(bench) { connection in
            await connection.send(Self.head(bench, "Content-Length: 0", method: "HEAD"))
            await connection.send(Self.head(bench, "Content-Length: \(Self.run.utf8.count)") + Self.run)
            let answers = await connection.receive(until: #""ms""#)
            let parts = answers.components(separatedBy: "HTTP/1.1 ")
            #expect(parts.count == 3)
            #expect(parts[1].hasPrefix("405 ") && parts[1].hasSuffix("\r\n\r\n"))
            #expect(parts[2].hasPrefix("200 "))
        }
    }

    @Test("a client that goes away in mid-body is no error of ours, and nothing is recorded")
    func abortedBody() async throws {
        let log = RecordingLog()
        let bench = try APIBench(logger: log.logger)
        let before = bench.ledger.events.count
        try await Self.withServer(bench) { connection in
            await connection.send(Self.head(bench, "Content-Length: 1000") + "{")
            await connection.shutdownSending()
            _ = await connection.receive(until: "never")
        }
        #expect(bench.ledger.events.count == before)
        #expect(!log.lines.contains { $0.hasPrefix("error") })
    }

    @Test("a client that hangs up in mid-run is charged for its run")
    func hangUp() async throws {
        let work = Gate()
        let bench = try APIBench { _, _ in
            await work.pass()
            return .done
        }
        try await bench.app.test(.live) { client in
            var connection: RawConnection? = try RawConnection(port: try #require(client.port))
            await connection?.send(Self.head(bench, "Content-Length: \(Self.run.utf8.count)") + Self.run)
            await work.waitForArrivals()
            connection = nil
            try await Task.sleep(for: .milliseconds(50))
            work.open()
            let end = ContinuousClock.now + .seconds(120)
            while bench.service.underWayCount > 0, ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(bench.ledger.state(of: bench.account.id).account?.available == Credits(decimal: "998.5"))
        }
    }
}
