import AsyncHTTPClient
import Egress
import NIOCore
import NIOHTTP1
import NetworkTestSupport
import Synchronization
import Testing

@Suite("Requests to addresses that others name")
struct EgressClientTests {
    /// Gives each name the answers of a script, one after another, and counts the questions.
    final class ScriptedResolver: AddressResolver {
        private let answers: [String: [String]]
        private let asked = Mutex<[String]>([])

        init(_ answers: [String: [String]]) { self.answers = answers }

        var questions: [String] { asked.withLock { $0 } }

        func addresses(of host: String) async throws(EgressError) -> [IPAddress] {
            let count = asked.withLock { asked in
                asked.append(host)
                return asked.filter { $0 == host }.count
            }
            guard let all = answers[host] else { throw EgressError(.unresolvable, "no such name") }
            return [all[min(count, all.count) - 1]].compactMap { IPAddress($0) }
        }
    }

    private func get(
        _ url: String,
        _ resolver: any AddressResolver = SystemResolver(),
        policy: EgressPolicy = .withLoopback,
        redirects: Int = 3,
        seconds: Double = 20
    ) async throws -> String {
        try await EgressClient(policy: policy, resolver: resolver).send(
            EgressRequest(url: url, maximumRedirects: redirects),
            deadline: .now + .seconds(seconds)
        ) { response in
            "\(response.status.code) " + String(buffer: try await response.body.collect(upTo: 1 << 20))
        }
    }

    private func code(_ body: () async throws -> String) async -> EgressError.Code? {
        do {
            _ = try await body()
            return nil
        } catch {
            return (error as? EgressError)?.code
        }
    }

    @Test("The connection goes to the address that was checked, whatever the name stands for a moment later")
    func rebinding() async throws {
        try await LoopbackServer.with(answer: { _ in .answer("200 OK", body: "checked") }) { good in
            try await LoopbackServer.with(host: "127.0.0.2", port: good.port, answer: { _ in .answer("200 OK") }) {
                bad in
                let resolver = ScriptedResolver(["rebind.invalid": ["127.0.0.1", "127.0.0.2"]])
                let answer = try await get("http://rebind.invalid:\(good.port)/x", resolver)
                #expect(answer == "200 checked")
                #expect(resolver.questions == ["rebind.invalid"])
                #expect(bad.connectionCount == 0)
                #expect(good.requests.first?.lowercased().contains("host: rebind.invalid:\(good.port)") == true)
            }
        }
    }

    @Test("A name that turns to a private address between two hops is refused at the second")
    func rebindingBetweenHops() async throws {
        try await LoopbackServer.with(answer: { _ in .answer("302 Found", headers: ["Location: /again"]) }) { server in
            let resolver = ScriptedResolver(["turn.invalid": ["127.0.0.1", "10.0.0.1"]])
            #expect(await code { try await get("http://turn.invalid:\(server.port)/", resolver) } == .addressRefused)
            #expect(resolver.questions.count == 2)
            #expect(server.connectionCount == 1)
        }
    }

    @Test(
        "No connection is made to what the policy refuses",
        arguments: [
            "127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0",
        ]
    )
    func refusedAddresses(address: String) async throws {
        try await LoopbackServer.with(answer: { _ in .answer("200 OK") }) { server in
            let resolver = ScriptedResolver(["name.invalid": [address]])
            var policy = EgressPolicy()
            policy.ports.insert(server.port)
            #expect(
                await code { try await get("http://name.invalid:\(server.port)/", resolver, policy: policy) }
                    == .addressRefused
            )
            let literal = address.contains(":") ? "[\(address)]" : address
            #expect(
                await code { try await get("http://\(literal):\(server.port)/", policy: policy) } == .addressRefused
            )
            #expect(server.connectionCount == 0)
        }
    }

    @Test("The system's own names of loopback are refused too")
    func systemNames() async {
        #expect(await code { try await get("http://localhost/", policy: EgressPolicy()) } == .addressRefused)
    }

    @Test(
        "A redirect is checked like the first URL",
        arguments: [
            ("http://10.0.0.1/", EgressError.Code.addressRefused), ("http://169.254.169.254/latest", .addressRefused),
            ("file:///etc/passwd", .badURL), ("http://user@127.0.0.1/", .badURL),
            ("http://[::ffff:10.0.0.1]/", .addressRefused),
            ("//192.168.0.1/x", .addressRefused),
        ]
    )
    func redirects(location: String, expected: EgressError.Code) async throws {
        try await LoopbackServer.with(answer: { _ in .answer("302 Found", headers: ["Location: \(location)"]) }) {
            server in
            #expect(await code { try await get("http://127.0.0.1:\(server.port)/") } == expected)
        }
    }

    @Test("Three redirects are followed, four are not, and none unless asked")
    func redirectCount() async throws {
        let answer: @Sendable (String) -> String? = { head in
            let number = head.split(separator: " ")[1].dropFirst().prefix { $0.isNumber }
            let next = (Int(number) ?? 0) + 1
            return next > 3
                ? .answer("200 OK", body: "end") : .answer("307 Temporary Redirect", headers: ["Location: /\(next)"])
        }
        try await LoopbackServer.with(answer: answer) { server in
            let followed = try await get("http://127.0.0.1:\(server.port)/0")
            #expect(followed == "200 end")
            #expect(await code { try await get("http://127.0.0.1:\(server.port)/0", redirects: 2) } == .redirectRefused)
            let unfollowed = try await get("http://127.0.0.1:\(server.port)/0", redirects: 0)
            #expect(unfollowed.hasPrefix("307"))
        }
    }

    @Test("A POST follows no redirect")
    func postRedirect() async throws {
        try await LoopbackServer.with(answer: { _ in .answer("307 Temporary Redirect", headers: ["Location: /x"]) }) {
            server in
            let request = EgressRequest(
                url: "http://127.0.0.1:\(server.port)/",
                method: .POST,
                body: ByteBuffer(string: "{}"),
                maximumRedirects: 3
            )
            let status = try await EgressClient(policy: .withLoopback).send(request, deadline: .now + .seconds(20)) {
                $0.status.code
            }
            #expect(status == 307)
            #expect(server.connectionCount == 1)
        }
    }

    @Test("A peer that says nothing, or stops in the middle, is given up at the deadline")
    func deadlines() async throws {
        let middle = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
        try await LoopbackServer.with(answer: { _ in nil }) { silent in
            #expect(await code { try await get("http://127.0.0.1:\(silent.port)/", seconds: 0.3) } == .timedOut)
        }
        try await LoopbackServer.with(answer: { _ in middle }) { cut in
            #expect(await code { try await get("http://127.0.0.1:\(cut.port)/") } == .connectionLost)
        }
    }

    @Test("A port where nobody listens is no connection, and passing")
    func nobody() async throws {
        let port = try await LoopbackServer.with(answer: { _ in nil }) { $0.port }
        let error = await #expect(throws: EgressError.self) { try await get("http://127.0.0.1:\(port)/") }
        #expect(error?.code == .notConnected)
        #expect(error?.isTransient == true)
    }

    @Test("What the reader throws is thrown as it is")
    func readerError() async throws {
        struct Mine: Error {}
        try await LoopbackServer.with(answer: { _ in .answer("200 OK") }) { server in
            _ = await #expect(throws: Mine.self) {
                try await EgressClient(policy: .withLoopback).send(
                    EgressRequest(url: "http://127.0.0.1:\(server.port)/"),
                    deadline: .now + .seconds(20)
                ) { _ in throw Mine() }
            }
        }
    }
}
