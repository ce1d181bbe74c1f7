import Crypto
import Foundation
import ProviderSimulator
import Registry
import Testing

@Suite("Kling's wire")
struct KlingTests {
    private static func legacy(_ prompt: String = "A fox", id: String = "") -> JSONValue {
        ["model_name": "kling-v2-5-turbo", "prompt": .string(prompt), "duration": "5", "external_task_id": .string(id)]
    }

    private static func modern(_ prompt: String = "A fox", id: String = "", callback: String = "") -> JSONValue {
        [
            "prompt": .string(prompt), "settings": ["duration": "5"],
            "options": ["external_task_id": .string(id), "callback_url": .string(callback)],
        ]
    }

    @Test("the legacy API ends in succeed, the new one in succeeded")
    func success() async throws {
        let time = ManualClock()
        try await LiveSimulator.run(SimulatorScript(jobMilliseconds: 4_000), clock: time.clock) {
            simulator async throws in
            let old = try await simulator.ask(.post, "/kling/v1/videos/text2video", Self.legacy(id: "run-1")).json
            #expect(old["code"] == 0)
            #expect(old["data"]?["task_status"] == "submitted")
            let oldID = try #require(old["data"]?["task_id"]?.stringValue)
            let new = try await simulator.ask(.post, "/kling/text-to-video/kling-3.0", Self.modern(id: "run-2")).json
            let newID = try #require(new["data"]?["id"]?.stringValue)
            var words: [JSONValue?] = []
            for _ in 0..<3 {
                // By the vendor's id and by our own.
                for id in [oldID, "run-1"] {
                    let answer = try await simulator.ask(.get, "/kling/v1/videos/text2video/\(id)").json
                    words.append(answer["data"]?["task_status"])
                }
                for query in ["task_ids=\(newID)", "external_task_ids=run-2"] {
                    let answer = try await simulator.ask(.get, "/kling/tasks?\(query)").json
                    words.append(answer["data"]?.arrayValue?.first?["status"])
                }
                time.advance(milliseconds: 2_000)
            }
            let expected: [JSONValue] = ["submitted", "processing", "succeed", "succeeded"]
            #expect(
                words == [
                    expected[0], expected[0], expected[0], expected[0], expected[1], expected[1], expected[1],
                    expected[1], expected[2], expected[2], expected[3], expected[3],
                ]
            )
            let done = try await simulator.ask(.get, "/kling/v1/videos/text2video/\(oldID)").json["data"]
            #expect(done?["task_result"]?["videos"]?.arrayValue?.first?["duration"] == "5.1")
            let task = try await simulator.ask(.get, "/kling/tasks?task_ids=\(newID)").json["data"]?.arrayValue?.first
            #expect(task?["billing"]?.arrayValue?.first?["charge_type"] == "cash")
            #expect(task?["outputs"]?.arrayValue?.first?["url"]?.stringValue?.hasSuffix(".mp4") == true)
        }
    }

    @Test("an id of our own is taken once, and an unknown one is not found")
    func ownID() async throws {
        try await LiveSimulator.run { simulator async throws in
            let first = try await simulator.ask(.post, "/kling/v1/videos/text2video", Self.legacy(id: "run-1"))
            #expect(first.status == 200)
            let second = try await simulator.ask(.post, "/kling/text-to-video/kling-3.0", Self.modern(id: "run-1"))
            #expect(second.status == 400)
            #expect(second.json["code"] == 1_201)
            let unknown = try await simulator.ask(.get, "/kling/v1/videos/text2video/run-9")
            #expect(unknown.status == 404)
            #expect(unknown.json["code"] == 1_203)
            #expect(try await simulator.ask(.get, "/kling/tasks?external_task_ids=run-9").json["data"] == [])
            #expect(try await simulator.books("kling")["submitted"] == 1)
        }
    }

    @Test("an id is free again when its request was refused, and found when the answer was lost")
    func lostAnswer() async throws {
        try await LiveSimulator.run { simulator async throws in
            let refused = Self.legacy("[[fault:error500]]", id: "run-1")
            #expect(try await simulator.ask(.post, "/kling/v1/videos/text2video", refused).status == 500)
            await #expect(throws: (any Error).self) {
                _ = try await simulator.ask(
                    .post,
                    "/kling/v1/videos/text2video",
                    Self.legacy("[[fault:drop]]", id: "run-1")
                )
            }
            let found = try await simulator.ask(.get, "/kling/v1/videos/text2video/run-1").json
            #expect(found["data"]?["task_status"] == "succeed")
        }
    }

    @Test("a task that finds no slot is refused with 1303 until one is free")
    func slots() async throws {
        let time = ManualClock()
        let settings = SimulatorSettings(slots: ["kling": 2])
        try await LiveSimulator.run(
            SimulatorScript(jobMilliseconds: 1_000),
            settings: settings,
            clock: time.clock
        ) { simulator async throws in
            for _ in 0..<2 {
                let answer = try await simulator.ask(.post, "/kling/v1/videos/text2video", Self.legacy())
                #expect(answer.status == 200)
            }
            let full = try await simulator.ask(.post, "/kling/v1/videos/text2video", Self.legacy())
            #expect(full.status == 429)
            #expect(full.json["code"] == 1_303)
            time.advance(milliseconds: 1_000)
            #expect(try await simulator.ask(.post, "/kling/v1/videos/text2video", Self.legacy()).status == 200)
        }
    }

    @Test(
        "refusals have the vendor's codes",
        arguments: [
            ("refuse", 400, 1_301), ("invalid", 400, 1_200), ("unauthorised", 401, 1_000), ("noCredit", 429, 1_101),
            ("forbidden", 403, 1_103), ("rateLimit", 429, 1_302), ("noSlot", 429, 1_303), ("error500", 500, 5_000),
            ("overloaded", 503, 5_001), ("gatewayTimeout", 504, 5_002),
        ] as [(String, UInt, Int64)]
    )
    func refusals(fault: String, status: UInt, code: Int64) async throws {
        try await LiveSimulator.run { simulator async throws in
            for path in ["/kling/v1/videos/image2video", "/kling/image-to-video/kling-3.0"] {
                let body: JSONValue = ["prompt": .string("[[fault:\(fault)]]")]
                let answer = try await simulator.ask(.post, path, body)
                #expect(answer.status == status)
                #expect(answer.json["code"] == .integer(code))
            }
        }
    }

    private static func token(_ accessKey: String, _ secret: String, expires: Int64, notBefore: Int64) -> String {
        func part(_ text: String) -> String { url(Data(text.utf8)) }
        func url(_ data: Data) -> String {
            data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        let claims = #"{"iss":"\#(accessKey)","exp":\#(expires),"nbf":\#(notBefore)}"#
        let signed = part(#"{"alg":"HS256","typ":"JWT"}"#) + "." + part(claims)
        let key = SymmetricKey(data: Data(secret.utf8))
        return signed + "." + url(Data(HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: key)))
    }

    @Test("a token is checked: its signature, its key and its time")
    func tokens() async throws {
        let time = ManualClock()
        let settings = SimulatorSettings(keys: ["kling": "AK_TEST:SK_TEST"])
        try await LiveSimulator.run(settings: settings, clock: time.clock) { simulator async throws in
            let now = time.now / 1_000
            // The first is a published pair of key and token.
            let table: [(token: String, code: JSONValue)] = [
                (
                    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJBS19URVNUIiwiZXhwIjoxNzAwMDAxODAwLCJuYmYiOjE2OTk5OTk5OTV9"
                        + ".6L4y5-2k74trk6jmaKXDAvqPATo_9aKYSk-HhIQYesk", 0
                ),
                (Self.token("AK_TEST", "SK_TEST", expires: now + 60, notBefore: now), 0), ("SK_TEST", 0),
                (Self.token("AK_TEST", "other", expires: now + 60, notBefore: now), 1_000), ("rubbish", 1_000),
                (Self.token("other", "SK_TEST", expires: now + 60, notBefore: now), 1_002),
                (Self.token("AK_TEST", "SK_TEST", expires: now + 60, notBefore: now + 30), 1_003),
                (Self.token("AK_TEST", "SK_TEST", expires: now - 1, notBefore: now - 60), 1_004),
            ]
            for (token, code) in table {
                let answer = try await simulator.ask(
                    .post,
                    "/kling/v1/videos/text2video",
                    Self.legacy(),
                    key: "Bearer \(token)"
                )
                #expect(answer.json["code"] == code, "\(token)")
                #expect(answer.status == (code == 0 ? 200 : 401))
            }
            let none = try await simulator.ask(.get, "/kling/tasks?task_ids=1", key: nil)
            #expect(none.json["code"] == 1_001)
            #expect(try await simulator.books("kling")["submitted"] == 3)
        }
    }

    @Test("tasks are searched by time, page after page")
    func search() async throws {
        try await LiveSimulator.run { simulator async throws in
            for number in 0..<5 {
                _ = try await simulator.ask(.post, "/kling/text-to-video/kling-3.0", Self.modern(id: "run-\(number)"))
            }
            var seen: [JSONValue?] = []
            var cursor: JSONValue = ""
            repeat {
                let page = try await simulator.ask(.post, "/kling/tasks", ["limit": 2, "cursor": cursor]).json["data"]
                seen += page?["result"]?.arrayValue?.map { $0["external_id"] } ?? []
                cursor = page?["has_more"] == true ? page?["next_cursor"] ?? "" : ""
            } while cursor != ""
            #expect(seen == (0..<5).map { .string("run-\($0)") })
        }
    }

    @Test("callbacks come at each change, signed as Standard Webhooks says")
    func callbacks() async throws {
        let secret = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
        let settings = SimulatorSettings(callbackSecret: secret)
        try await Receiver.run { receiver in
            try await LiveSimulator.run(SimulatorScript(jobMilliseconds: 800), settings: settings) {
                simulator async throws in
                let body = Self.modern(callback: receiver.url)
                let answer = try await simulator.ask(.post, "/kling/text-to-video/kling-3.0", body).json
                let calls = try await receiver.wait(for: 2)
                #expect(calls.map { $0.json["status"] } == ["processing", "succeeded"])
                for call in calls {
                    #expect(call.json["id"] == answer["data"]?["id"])
                    let id = try #require(call.headers["webhook-id"])
                    let timestamp = try #require(call.headers["webhook-timestamp"])
                    let key = SymmetricKey(data: Data(base64Encoded: String(secret.dropFirst(6))) ?? Data())
                    let signed = Data("\(id).\(timestamp).".utf8) + Data(call.bytes)
                    let code = Data(HMAC<SHA256>.authenticationCode(for: signed, using: key)).base64EncodedString()
                    #expect(call.headers["webhook-signature"] == "v1,\(code)")
                }
            }
        }
    }
}
