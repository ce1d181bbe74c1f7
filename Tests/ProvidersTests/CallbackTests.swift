import AsyncHTTPClient
import Foundation
import Ledger
import Runs
import Synchronization
import Testing

@testable import Providers
@testable import Registry

/// Signatures of callbacks, and of tokens, against published and own vectors.
@Suite("callbacks and tokens")
struct CallbackTests {
    private static let falKey = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
    private static let falHeaders = [
        "x-fal-webhook-request-id": "req-1", "x-fal-webhook-user-id": "user-1",
        "x-fal-webhook-timestamp": "1700000000",
        "x-fal-webhook-signature":
            "dacc79a55c73b33e12c2b25f38e1e287a4b8789d206cf7fa2a0bdecf2b6b22245ec042bfbea08b72b37d6f3ae83f3143"
            + "ab930ba0fd1609d489c28c41429e8b05",
    ]
    private static let falBody = Array(#"{"status":"OK"}"#.utf8)

    @Test("fal: the vector passes within five minutes; any change fails")
    func fal() {
        let keys = CallbackVerifier.ed25519Keys(
            inKeySet: Array(
                #"{"keys":[{"kty":"RSA","n":"x"},{"kty":"OKP","crv":"Ed25519","x":"\#(Self.falKey)"},{"kty":"OKP"}]}"#
                    .utf8
            )
        )
        #expect(keys.count == 1)
        let check = { (change: [String: String], body: [UInt8], now: Int64) in
            CallbackVerifier.isGenuineFal(
                headers: Self.falHeaders.merging(change) { $1 },
                body: body,
                publicKeys: [[UInt8](repeating: 1, count: 32)] + keys,
                unixSeconds: now
            )
        }
        #expect(check([:], Self.falBody, 1_700_000_000))
        #expect(check([:], Self.falBody, 1_700_000_300))
        #expect(check([:], Self.falBody, 1_699_999_700))
        #expect(!check([:], Self.falBody, 1_700_000_301))
        #expect(!check([:], Self.falBody, 1_699_999_699))
        #expect(!check([:], Self.falBody + [32], 1_700_000_000))
        #expect(!check(["x-fal-webhook-request-id": "req-2"], Self.falBody, 1_700_000_000))
        #expect(!check(["x-fal-webhook-user-id": "user-2"], Self.falBody, 1_700_000_000))
        #expect(!check(["x-fal-webhook-timestamp": "1700000001"], Self.falBody, 1_700_000_000))
        #expect(!check(["x-fal-webhook-timestamp": "-9223372036854775808"], Self.falBody, 1_700_000_000))
        #expect(!check(["x-fal-webhook-signature": "zz"], Self.falBody, 1_700_000_000))
        #expect(!CallbackVerifier.isGenuineFal(headers: [:], body: [], publicKeys: keys, unixSeconds: 1))
    }

    struct Vector: Sendable {
        let key: String
        let id: String
        let timestamp: String
        let body: String
        let signature: String
    }

    static let vectors = [
        Vector(
            key: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            body: #"{"test": 2432232314}"#,
            signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        ),
        Vector(
            key: "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=",
            id: "9876543210",
            timestamp: "1781080794",
            body:
                #"{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}"#,
            signature: "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="
        ),
        Vector(
            key: "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            body: #"{"test": 2432232314}"#,
            signature:
                "v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ=="
        ),
    ]

    @Test(
        "Standard Webhooks: each vector passes, also beside other keys and signatures; any change fails",
        arguments: vectors
    )
    func standardWebhooks(_ vector: Vector) throws {
        let now = try #require(Int64(vector.timestamp))
        let check = { (change: [String: String], body: String, keys: [String], seconds: Int64) in
            CallbackVerifier.isGenuineStandardWebhook(
                headers: [
                    "webhook-id": vector.id, "webhook-timestamp": vector.timestamp,
                    "webhook-signature": vector.signature,
                ].merging(change) { $1 },
                body: Array(body.utf8),
                keys: keys,
                unixSeconds: seconds
            )
        }
        #expect(check([:], vector.body, [vector.key], now))
        #expect(check([:], vector.body, ["whsec_YWJj", vector.key], now + 300))
        #expect(check(["webhook-signature": "v1,AAAA v2,x \(vector.signature)"], vector.body, [vector.key], now))
        #expect(!check([:], vector.body, [vector.key], now + 301))
        #expect(!check([:], vector.body + " ", [vector.key], now))
        #expect(!check([:], vector.body, ["whsec_YWJj"], now))
        #expect(!check([:], vector.body, [], now))
        #expect(!check(["webhook-id": "other"], vector.body, [vector.key], now))
        #expect(!check(["webhook-timestamp": String(now + 1)], vector.body, [vector.key], now))
        #expect(!check(["webhook-signature": "v1,"], vector.body, [vector.key], now))
    }

    @Test("a signed token is the vector's")
    func token() {
        let rule = TokenRule(accessKey: "AK_TEST", secretKey: "SK_TEST", lifetimeSeconds: 1_800)
        #expect(
            rule.signed(at: 1_700_000_000)
                == "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
                + "eyJpc3MiOiJBS19URVNUIiwiZXhwIjoxNzAwMDAxODAwLCJuYmYiOjE2OTk5OTk5OTV9."
                + "6L4y5-2k74trk6jmaKXDAvqPATo_9aKYSk-HhIQYesk"
        )
    }

    @Test("fal's keys are fetched once, not for every callback, and not again and again for forged ones")
    func keys() async throws {
        let script =
            #"GET /.well-known/jwks.json -> 200 {"keys":[{"kty":"OKP","crv":"Ed25519","x":"\#(Self.falKey)"}]}"#
        try await withScript(script) { bench, server in
            let clock = Mutex<Int64>(0)
            let callbacks = ProviderCallbacks(client: bench.client) {
                Timestamp(microseconds: clock.withLock { $0 } * 1_000_000)
            }
            let model = try #require(bench.registry.model(named: "fal-video"))
            let check = { (body: [UInt8], now: Int64) in
                clock.withLock { $0 = now }
                return await callbacks.verify(headers: Self.falHeaders, body: body, provider: model.provider)
            }
            for now in 1_700_000_000...1_700_000_003 { #expect(await check(Self.falBody, Int64(now)) == .genuine) }
            #expect(server.received.count == 1)
            for _ in 0..<3 { #expect(await check([1], 1_700_000_004) == .forged) }
            #expect(server.received.count == 1)
            // Perhaps the vendor has other keys by now.
            #expect(await check([1], 1_700_000_100) == .forged)
            #expect(server.received.count == 2)
            // One that comes while the keys are fetched for another waits for them.
            let fresh = ProviderCallbacks(client: bench.client) { Timestamp(microseconds: 1_700_000_000_000_000) }
            await withTaskGroup(of: CallbackProof.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        await fresh.verify(headers: Self.falHeaders, body: Self.falBody, provider: model.provider)
                    }
                }
                for await proof in group { #expect(proof == .genuine) }
            }
            #expect(server.received.count == 3)
            // A vendor that signs nothing has only its URL.
            let unsigned = try #require(bench.registry.model(named: "seedance"))
            #expect(await callbacks.verify(headers: [:], body: [], provider: unsigned.provider) == .unverified)
        }
    }
}
