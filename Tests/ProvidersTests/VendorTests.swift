import Foundation
import Ledger
import Registry
import Runs
import Testing

@testable import Providers

/// Each vendor's states, error bodies and traps, over loopback, by the definitions that are shipped.
@Suite("vendors")
struct VendorTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let model: String
        let script: String
        let outcome: String
        var submits = 1
    }

    /// Reads cases: `model | what happens | outcome [| submits]`, then the lines of the script, then an empty line.
    static func cases(_ text: String, prelude: String = "") -> [Case] {
        text.components(separatedBy: "\n\n").map { block in
            let lines = block.split(separator: "\n").map(String.init)
            let cells = lines[0].components(separatedBy: " | ")
            return Case(
                testDescription: "\(cells[0]): \(cells[1])",
                model: cells[0],
                script: (lines.dropFirst() + prelude.split(separator: "\n").map(String.init)).joined(separator: "\n"),
                outcome: cells[2],
                submits: cells.count > 3 ? Int(cells[3])! : 1
            )
        }
    }

    static func run(_ given: Case) async throws {
        try await withScript(given.script) { bench, server in
            let outcome = try await bench.run(given.model, ["prompt": "a cat"], seconds: 20)
            #expect(describe(outcome) == given.outcome)
            #expect(server.received.count { $0.method == "POST" } == given.submits)
            #expect(!server.received.contains { $0.uri.contains("unexpected") })
        }
    }

    private static let falSubmit = """
        POST /fal-ai/kling-video/v3 -> 200 {"status":"IN_QUEUE","request_id":"r1","response_url":"$HOST/r1","status_url":"$HOST/r1/status","cancel_url":"$HOST/r1/cancel","queue_position":0}
        """

    static let falCases = cases(
        #"""
        fal-video | queued, running, done | 1 videos
        GET /r1/status -> 202 {"status":"IN_QUEUE","queue_position":1}
        GET /r1/status -> 202 {"status":"IN_PROGRESS","logs":[]}
        GET /r1/status -> 200 {"status":"COMPLETED","metrics":{"inference_time":3}}
        GET /r1 -> 200 {"video":{"url":"https://v3.fal.media/a.mp4"}}

        fal-video | COMPLETED, and the model refused the prompt | failed user content_policy_violation
        GET /r1/status -> 200 {"status":"COMPLETED"}
        GET /r1 -> 422 {"detail":[{"loc":["body","prompt"],"msg":"No.","type":"content_policy_violation"}]}

        fal-video | COMPLETED, and a value was not valid | failed user value_error
        GET /r1/status -> 200 {"status":"COMPLETED"}
        GET /r1 -> 422 {"detail":[{"loc":["body","x"],"msg":"bad","type":"value_error"}]}

        fal-video | COMPLETED, and the platform failed with a text | failed provider request_timeout
        GET /r1/status -> 200 {"status":"COMPLETED"}
        GET /r1 -> 504 {"detail":"Request timed out","error_type":"request_timeout"}

        fal-video | COMPLETED with an error beside it | failed provider runner_disconnected
        GET /r1/status -> 200 {"status":"COMPLETED","error":"Runner gone","error_type":"runner_disconnected"}
        GET /r1 -> 503 {"detail":"Runner gone","error_type":"runner_disconnected"}

        fal-video | COMPLETED with an error, though something lies at the result's place | failed provider startup_timeout
        GET /r1/status -> 200 {"status":"COMPLETED","error":"No start","error_type":"startup_timeout"}
        GET /r1 -> 200 {"video":null}

        fal-video | a result that takes three attempts to fetch | 1 videos
        GET /r1/status -> 200 {"status":"COMPLETED"}
        GET /r1 -> 502 <html>nginx</html>
        GET /r1 -> 429 {"detail":"slow down"}
        GET /r1 -> 200 {"video":{"url":"https://v3.fal.media/a.mp4"}}

        fal-video | a poll that fails says nothing | 1 videos
        GET /r1/status -> 500 oops
        GET /r1/status -> cut
        GET /r1/status -> 200 {"status":"COMPLETED"}
        GET /r1 -> 200 {"images":[{"url":"https://v3.fal.media/a.png"}]}

        fal-video | done without a result | failed provider no_result
        GET /r1/status -> 200 {"status":"COMPLETED"}
        GET /r1 -> 200 {"seed":7}
        """#,
        prelude: falSubmit
    )

    @Test("fal: only the result's place tells success from failure", arguments: falCases)
    func fal(_ given: Case) async throws { try await Self.run(given) }

    static let submitCases = cases(
        #"""
        fal-video | a key that is not valid | failed us 401
        POST /fal-ai/kling-video/v3 -> 401 {"detail":"Invalid key"}

        fal-video | a balance that is used up is our trouble | failed us 403
        POST /fal-ai/kling-video/v3 -> 403 {"detail":"User is locked. Reason: Exhausted balance."}

        fal-video | a lock that hides as a conflict is not retried | failed us 409
        POST /fal-ai/kling-video/v3 -> 409 {"detail":"locked"}

        fal-video | a gateway's error may hide an accepted request | unresolved ambiguousError
        POST /fal-ai/kling-video/v3 -> 502 <html>nginx</html>

        fal-video | accepted, but the connection broke before the answer | unresolved connectionLost
        POST /fal-ai/kling-video/v3 -> cut

        fal-video | links to somebody else are not followed | unresolved unreadableAnswer with id
        POST /fal-ai/kling-video/v3 -> 200 {"request_id":"r1","response_url":"http://unexpected.invalid/r1","status_url":"$HOST/r1/status"}

        fal-video | a rate limit, then accepted | failed provider no_result | 2
        POST /fal-ai/kling-video/v3 -> 429 {"detail":"Too many requests"}
        POST /fal-ai/kling-video/v3 -> 200 {"request_id":"r1","response_url":"$HOST/r1","status_url":"$HOST/r1/status"}
        GET /r1/status -> 200 {"status":"COMPLETED"}
        GET /r1 -> 200 {}

        openai-image | base64 of a type that the answer names | 2 images
        POST /v1/images/generations -> 200 {"created":1,"output_format":"webp","data":[{"b64_json":"AAAA"},{"b64_json":"BBBB"}],"usage":{"input_tokens":5,"output_tokens":9}}

        openai-image | moderation | failed user moderation_blocked
        POST /v1/images/generations -> 400 {"error":{"message":"No.","type":"image_generation_user_error","param":null,"code":"moderation_blocked"}}

        openai-image | a rate limit, then done | 1 images | 2
        POST /v1/images/generations -> 429 retry-after-ms=10 {"error":{"message":"slow","type":"requests","code":"rate_limit_exceeded"}}
        POST /v1/images/generations -> 200 {"data":[{"b64_json":"AAAA"}]}

        openai-image | a quota that is used up is not retried | failed us insufficient_quota
        POST /v1/images/generations -> 429 {"error":{"message":"pay","type":"insufficient_quota","code":"insufficient_quota"}}

        openai-image | a balance that is used up is not retried | failed us credit_balance_exhausted
        POST /v1/images/generations -> 429 {"error":{"message":"pay","type":"billing","code":"credit_balance_exhausted"}}

        openai-image | a wrong key | failed us invalid_api_key
        POST /v1/images/generations -> 401 {"error":{"message":"key","type":"auth","code":"invalid_api_key"}}

        openai-image | a server error is not retried: the work may have been done | failed provider server_error
        POST /v1/images/generations -> 500 {"error":{"message":"oops","type":"server_error","code":null}}
        """#
    )

    @Test("fal and OpenAI: what the answer to a submit means", arguments: submitCases)
    func submits(_ given: Case) async throws { try await Self.run(given) }

    static let arkCases = cases(
        #"""
        seedance | queued, running, succeeded | 1 videos
        GET /contents/generations/tasks/cgt-1 -> 200 {"id":"cgt-1","status":"queued"}
        GET /contents/generations/tasks/cgt-1 -> 200 {"id":"cgt-1","status":"running"}
        GET /contents/generations/tasks/cgt-1 -> 200 {"id":"cgt-1","status":"succeeded","content":{"video_url":"https://ark/a.mp4"},"usage":{"completion_tokens":9}}

        seedance | failed by a filter | failed user OutputVideoRiskDetection
        GET /contents/generations/tasks/cgt-1 -> 200 {"status":"failed","error":{"code":"OutputVideoRiskDetection","message":"No. Request id: 1"}}

        seedance | failed | failed provider InternalServiceError
        GET /contents/generations/tasks/cgt-1 -> 200 {"status":"failed","error":{"code":"InternalServiceError","message":"x"}}

        seedance | expired | failed provider expired
        GET /contents/generations/tasks/cgt-1 -> 200 {"status":"expired","error":null}

        seedance | cancelled | failed cancelled cancelled
        GET /contents/generations/tasks/cgt-1 -> 200 {"status":"cancelled"}

        seedance | a word that nobody explained, then done | 1 videos
        GET /contents/generations/tasks/cgt-1 -> 200 {"status":"archiving"}
        GET /contents/generations/tasks/cgt-1 -> 200 {"status":"succeeded","content":{"video_url":"https://ark/a.mp4"}}
        """#,
        prelude: #"POST /contents/generations/tasks -> 200 {"id":"cgt-1"}"#
    )

    @Test("Ark: every state", arguments: arkCases)
    func ark(_ given: Case) async throws { try await Self.run(given) }

    @Test(
        "Ark: every error, by its code and by what the code begins with",
        arguments: [
            ("400", "MissingParameter", "failed user MissingParameter"),
            ("400", "InvalidParameter.duration", "failed user InvalidParameter.duration"),
            ("400", "SensitiveContentDetected.Violence", "failed user SensitiveContentDetected.Violence"),
            ("400", "InputImageRiskDetection", "failed user InputImageRiskDetection"),
            ("401", "AuthenticationError", "failed us AuthenticationError"),
            ("403", "AccountOverdueError", "failed us AccountOverdueError"),
            ("404", "ModelNotOpen", "failed us ModelNotOpen"),
            ("429", "QuotaExceeded", "failed us QuotaExceeded"),
            ("429", "SetLimitExceeded", "failed us SetLimitExceeded"),
            ("500", "InternalServiceError", "failed provider InternalServiceError"),
        ]
    )
    func arkErrors(status: String, code: String, outcome: String) async throws {
        let script = """
            POST /contents/generations/tasks -> \(status) {"error":{"code":"\(code)","message":"x","param":"","type":""}}
            """
        try await Self.run(Case(testDescription: code, model: "seedance", script: script, outcome: outcome))
    }

    static let sunoPoll = "GET /api/v1/generate/record-info?taskId=t1 ->"
    static let sunoCases = cases(
        #"""
        suno-song | every state to success | 2 audios
        POST /api/v1/generate -> 200 {"code":200,"msg":"success","data":{"taskId":"t1"}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"PENDING"}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"TEXT_SUCCESS"}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"FIRST_SUCCESS","response":{"sunoData":[{"audioUrl":"https://s/1.mp3"}]}}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"SUCCESS","response":{"sunoData":[{"audioUrl":"https://s/1.mp3"},{"audioUrl":"https://s/2.mp3"}]}}}

        suno-song | their trouble with our callback, and the tracks are there after all | 2 audios
        POST /api/v1/generate -> 200 {"code":200,"msg":"success","data":{"taskId":"t1"}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"CALLBACK_EXCEPTION","response":{"sunoData":[{"audioUrl":"https://s/1.mp3"},{"audioUrl":""}]}}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"CALLBACK_EXCEPTION","response":{"sunoData":[{"audioUrl":"https://s/1.mp3"},{"audioUrl":"https://s/2.mp3"}]}}}

        suno-song | SUCCESS, and one of the two tracks is not there: what came is delivered | 1 audios
        POST /api/v1/generate -> 200 {"code":200,"msg":"success","data":{"taskId":"t1"}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"SUCCESS","response":{"sunoData":[{"audioUrl":"https://s/1.mp3"},{"audioUrl":null}]}}}

        suno-song | a word that is not allowed | failed user SENSITIVE_WORD_ERROR
        POST /api/v1/generate -> 200 {"code":200,"msg":"success","data":{"taskId":"t1"}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"SENSITIVE_WORD_ERROR","errorMessage":"no"}}

        suno-song | the task was not made | failed provider CREATE_TASK_FAILED
        POST /api/v1/generate -> 200 {"code":200,"msg":"success","data":{"taskId":"t1"}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"CREATE_TASK_FAILED"}}

        suno-song | the audio was not made | failed provider 531
        POST /api/v1/generate -> 200 {"code":200,"msg":"success","data":{"taskId":"t1"}}
        GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"GENERATE_AUDIO_FAILED","errorCode":531}}

        suno-song | 200 with another code is no acceptance | failed user 413
        POST /api/v1/generate -> 200 {"code":413,"msg":"too long"}

        suno-song | its 429 means that our credits are used up, and is not retried | failed us 429
        POST /api/v1/generate -> 200 {"code":429,"msg":"insufficient credits"}

        suno-song | its 405 is a rate limit | failed us 401 | 2
        POST /api/v1/generate -> 200 {"code":405,"msg":"rate limit"}
        POST /api/v1/generate -> 200 {"code":401,"msg":"key"}

        suno-song | accepted without an id | unresolved unreadableAnswer
        POST /api/v1/generate -> 200 {"code":200,"msg":"success","data":null}
        """#
    )

    @Test("Suno: HTTP 200 does not mean accepted", arguments: sunoCases)
    func suno(_ given: Case) async throws { try await Self.run(given) }

    static let klingCases = cases(
        #"""
        kling-old | submitted, processing, succeed | 1 videos
        POST /v1/videos/text2video -> 200 {"code":0,"message":"SUCCEED","data":{"task_id":"k1","task_status":"submitted"}}
        GET /v1/videos/text2video/k1 -> 200 {"code":0,"data":{"task_status":"submitted"}}
        GET /v1/videos/text2video/k1 -> 200 {"code":0,"data":{"task_status":"processing"}}
        GET /v1/videos/text2video/k1 -> 200 {"code":0,"data":{"task_status":"succeed","task_result":{"videos":[{"id":"1","url":"https://k/a.mp4","duration":"5.1"}]}}}

        kling-old | failed | failed provider 0
        POST /v1/videos/text2video -> 200 {"code":0,"data":{"task_id":"k1"}}
        GET /v1/videos/text2video/k1 -> 200 {"code":0,"data":{"task_status":"failed","task_status_msg":"broken"}}

        kling-old | no slot is free: back into the queue, more often than there are retries | 1 videos | 5
        POST /v1/videos/text2video -> 429 retry-after-ms=1 {"code":1303,"message":"parallel task over resource pack limit"}
        POST /v1/videos/text2video -> 429 {"code":1303,"message":"parallel task over resource pack limit"}
        POST /v1/videos/text2video -> 429 {"code":1303,"message":"parallel task over resource pack limit"}
        POST /v1/videos/text2video -> 429 {"code":1303,"message":"parallel task over resource pack limit"}
        POST /v1/videos/text2video -> 200 {"code":0,"data":{"task_id":"k1"}}
        GET /v1/videos/text2video/k1 -> 200 {"code":0,"data":{"task_status":"succeed","task_result":{"images":[{"index":0,"url":"https://k/a.png"}]}}}

        kling-new | submitted, processing, succeeded | 1 videos
        POST /text-to-video/kling-3.0 -> 200 {"code":0,"data":{"id":"n1","status":"submitted"}}
        GET /tasks?task_ids=n1 -> 200 {"code":0,"data":[{"id":"n1","status":"processing"}]}
        GET /tasks?task_ids=n1 -> 200 {"code":0,"data":[{"id":"n1","status":"succeeded","outputs":[{"type":"video","url":"https://k/a.mp4"}],"billing":[]}]}

        replicated | starting, processing, succeeded with one output | 1 images
        POST /v1/models/acme/painter/predictions -> 202 {"id":"p1","status":"starting"}
        GET /v1/predictions/p1 -> 200 {"id":"p1","status":"processing"}
        GET /v1/predictions/p1 -> 200 {"id":"p1","status":"succeeded","output":"https://r/1.png"}

        replicated | done in time, with two outputs | 2 images
        POST /v1/models/acme/painter/predictions -> 201 {"id":"p1","status":"succeeded","output":["https://r/1.png","https://r/2.png"]}
        GET /v1/predictions/p1 -> 200 {"id":"p1","status":"succeeded","output":["https://r/1.png","https://r/2.png"]}

        replicated | failed | failed provider failed
        POST /v1/models/acme/painter/predictions -> 202 {"id":"p1","status":"starting"}
        GET /v1/predictions/p1 -> 200 {"id":"p1","status":"failed","error":"CUDA"}

        replicated | canceled | failed cancelled cancelled
        POST /v1/models/acme/painter/predictions -> 202 {"id":"p1","status":"starting"}
        GET /v1/predictions/p1 -> 200 {"id":"p1","status":"canceled"}

        replicated | aborted | failed cancelled cancelled
        POST /v1/models/acme/painter/predictions -> 202 {"id":"p1","status":"starting"}
        GET /v1/predictions/p1 -> 200 {"id":"p1","status":"aborted"}

        replicated | inputs that are not valid | failed user 422
        POST /v1/models/acme/painter/predictions -> 422 {"title":"Invalid","detail":"prompt","status":422}

        replicated | throttled | failed us 402 | 2
        POST /v1/models/acme/painter/predictions -> 429 {"detail":"Request was throttled. Your rate limit resets in ~1s."}
        POST /v1/models/acme/painter/predictions -> 402 {"title":"Payment","detail":"required","status":402}
        """#
    )

    @Test("Kling and Replicate: every state", arguments: klingCases)
    func klingAndReplicate(_ given: Case) async throws { try await Self.run(given) }

    @Test(
        "Kling: every error code",
        arguments: [
            ("401", 1000, "failed us 1000"), ("401", 1004, "failed us 1004"), ("429", 1101, "failed us 1101"),
            ("429", 1102, "failed us 1102"), ("403", 1103, "failed us 1103"), ("400", 1200, "failed user 1200"),
            ("400", 1201, "failed user 1201"), ("404", 1203, "failed us 1203"), ("400", 1300, "failed user 1300"),
            ("400", 1301, "failed user 1301"), ("429", 1304, "failed us 1304"), ("500", 5000, "failed provider 5000"),
            ("504", 5002, "unresolved ambiguousError"),
        ]
    )
    func klingErrors(status: String, code: Int, outcome: String) async throws {
        let script = """
            POST /v1/videos/text2video -> \(status) {"code":\(code),"message":"x","request_id":"1"}
            """
        try await Self.run(Case(testDescription: "\(code)", model: "kling-old", script: script, outcome: outcome))
    }
}
