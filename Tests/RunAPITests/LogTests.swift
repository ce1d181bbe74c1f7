import HTTPTypes
import HummingbirdTesting
import Ledger
import Logging
import NIOCore
import Registry
import RunTestSupport
import Runs
import Testing

@Suite("what is logged")
struct LogTests {
    @Test("a line for each request tells what an operator needs, by the route and not by the path")
    func line() async throws {
        let log = RecordingLog(level: .info)
        let bench = try APIBench(logger: log.logger)
        _ = try await bench.answer(APIRequest())
        let line = try #require(log.lines.first)
        #expect(log.lines.count == 1)
        #expect(line.hasPrefix("info request code=OK method=POST ms="))
        #expect(line.contains(" route=/api/models/{internalName}/run status=200"))
        let request = try #require(bench.ledger.events.last?.requestID)
        #expect(line.contains(" request=\(request) "))
    }

    @Test("no record of any request, at any level, has a key or an input or a result in it")
    func secrets() async throws {
        let log = RecordingLog(level: .trace)
        let secret = "s3cr3tW0rd"
        let bench = try APIBench(logger: log.logger) { request, submitted in
            await submitted("task_1")
            switch request.inputs["prompt"]?.stringValue?.prefix(4) {
            case "fail":
                return .failed(DispatchFailure(message: "s3cr3tW0rd", failureClass: .user, providerCode: "s3cr3tW0rd"))
            case "lost": return .unresolved(.connectionLost, providerRequestID: nil)
            default: return .done
            }
        }
        let body = { (text: String) in #"{"inputs":{"prompt":"\#(text)"}}"# }
        let requests = [
            APIRequest(body: body(secret)), APIRequest(body: body("fail \(secret)")),
            APIRequest(body: body("lost \(secret)")), APIRequest(body: #"{"inputs":{"\#(secret)":1}}"#),
            APIRequest(body: secret), APIRequest(body: "\(secret){"), APIRequest("/api/models/\(secret)/run"),
            APIRequest("/api/models/echo/run?\(secret)=\(secret)"), APIRequest("/\(secret)"),
            APIRequest(key: .text(secret)), APIRequest(key: .text(bench.account.secret.text + "x")),
            APIRequest(headers: [("Prefer", secret), ("Authorization", secret)], body: body("hi")),
            APIRequest(body: body(String(repeating: secret, count: 200_000))),
        ]
        let statuses = try await bench.app.test(.router) { client in
            var statuses: Set<Int> = []
            for request in requests {
                let response = try await client.execute(
                    uri: request.uri,
                    method: request.method,
                    headers: request.fields(key: bench.account.secret.text),
                    body: ByteBuffer(bytes: request.body)
                )
                statuses.insert(response.status.code)
            }
            return statuses
        }
        #expect(statuses == [200, 400, 401, 404, 413, 500])
        #expect(log.lines.count >= requests.count)
        let key = bench.account.secret.text.dropFirst("knouds_live_".count)
        for line in log.lines {
            #expect(!line.contains(secret), "\(line)")
            #expect(!line.contains(key.prefix(30)) && !line.contains(key.suffix(30)), "\(line)")
            #expect(!line.contains("It is done."), "\(line)")
        }
    }
}
