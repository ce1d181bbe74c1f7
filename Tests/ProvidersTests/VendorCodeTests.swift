import Foundation
import Testing

/// The codes that each vendor's page lists, one by one, and Kie's states and results; the rest is in `VendorTests`.
@Suite("vendors' codes")
struct VendorCodeTests {
    /// Where each vendor's model is submitted to.
    private static let places = [
        "kie-image": "/api/v1/jobs/createTask", "seedance": "/contents/generations/tasks",
        "suno-song": "/api/v1/generate", "kling-old": "/v1/videos/text2video",
        "replicated": "/v1/models/acme/painter/predictions", "openai-image": "/v1/images/generations",
    ]

    /// `model status body | outcome`, a line for each.
    static let refusals: [[String]] =
        #"""
        kie-image 200 {"code":401,"msg":"key"} | failed us 401
        kie-image 200 {"code":402,"msg":"credits"} | failed us 402
        kie-image 200 {"code":404,"msg":"none"} | failed us 404
        kie-image 200 {"code":422,"msg":"prompt"} | failed user 422
        kie-image 200 {"code":500,"msg":"oops"} | failed provider 500
        kie-image 200 {"code":501,"msg":"generation"} | failed provider 501
        kie-image 200 {"code":505,"msg":"disabled"} | failed us 505
        kie-image 200 {"code":200,"data":null} | unresolved unreadableAnswer
        kie-image 502 <html>nginx</html> | unresolved ambiguousError
        seedance 400 {"error":{"code":"InvalidParameter","message":"x"}} | failed user InvalidParameter
        seedance 400 {"error":{"code":"InvalidEndpoint.ClosedEndpoint","message":"x"}} | failed us InvalidEndpoint.ClosedEndpoint
        seedance 400 {"error":{"code":"InputTextRiskDetection","message":"x"}} | failed user InputTextRiskDetection
        seedance 400 {"error":{"code":"OutputTextRiskDetection","message":"x"}} | failed user OutputTextRiskDetection
        seedance 400 {"error":{"code":"SensitiveContentDetected","message":"x"}} | failed user SensitiveContentDetected
        seedance 403 {"error":{"code":"AccessDenied","message":"x"}} | failed us AccessDenied
        seedance 404 {"error":{"code":"InvalidEndpointOrModel.NotFound","message":"x"}} | failed us InvalidEndpointOrModel.NotFound
        suno-song 200 {"code":400,"msg":"x"} | failed user 400
        suno-song 200 {"code":401,"msg":"x"} | failed us 401
        suno-song 200 {"code":404,"msg":"x"} | failed us 404
        suno-song 200 {"code":500,"msg":"x"} | failed provider 500
        kling-old 401 {"code":1001,"message":"x"} | failed us 1001
        kling-old 401 {"code":1002,"message":"x"} | failed us 1002
        kling-old 401 {"code":1003,"message":"x"} | failed us 1003
        kling-old 429 {"code":1100,"message":"x"} | failed us 1100
        kling-old 404 {"code":1202,"message":"x"} | failed us 1202
        replicated 401 {"title":"x","detail":"x","status":401} | failed us 401
        replicated 404 {"title":"x","detail":"x","status":404} | failed us 404
        replicated 500 {"title":"x","detail":"x","status":500} | failed provider 500
        replicated 502 <html>nginx</html> | unresolved ambiguousError
        replicated 504 <html>nginx</html> | unresolved ambiguousError
        openai-image 503 {"error":{"message":"x","type":"server_error","code":null}} | failed provider server_error
        """#.split(separator: "\n").map { String($0).components(separatedBy: " | ") }

    @Test("what was refused at the door, and is not sent again", arguments: refusals)
    func refused(row: [String]) async throws {
        let words = row[0].split(separator: " ", maxSplits: 1).map(String.init)
        let script = "POST \(Self.places[words[0]] ?? "") -> \(words[1])"
        try await VendorTests.run(.init(testDescription: row[0], model: words[0], script: script, outcome: row[1]))
    }

    @Test(
        "what was certainly not accepted is sent again",
        arguments: [
            "kie-image 200 {\"code\":429,\"msg\":\"x\"}", "kie-image 200 {\"code\":455,\"msg\":\"x\"}",
            "suno-song 200 {\"code\":430,\"msg\":\"x\"}", "suno-song 200 {\"code\":455,\"msg\":\"x\"}",
            "kling-old 429 {\"code\":1302,\"message\":\"x\"}", "kling-old 503 {\"code\":5001,\"message\":\"x\"}",
        ]
            + [
                "RateLimitExceeded.EndpointRPMExceeded", "RateLimitExceeded.EndpointTPMExceeded",
                "ModelAccountRpmRateLimitExceeded", "ModelAccountTpmRateLimitExceeded", "ModelLoadingError",
                "ServerOverloaded",
            ].map { "seedance 429 {\"error\":{\"code\":\"\($0)\",\"message\":\"x\"}}" }
    )
    func retried(row: String) async throws {
        let words = row.split(separator: " ", maxSplits: 1).map(String.init)
        let place = Self.places[words[0]] ?? ""
        let script = """
            POST \(place) -> \(words[1])
            POST \(place) -> 422 {"code":"422"}
            """
        var given = VendorTests.Case(testDescription: row, model: words[0], script: script, outcome: "failed user 422")
        given.submits = 2
        try await VendorTests.run(given)
    }

    @Test(
        "fal: each failure of the platform, at the result's place",
        arguments: [
            ("504", "request_timeout"), ("504", "startup_timeout"), ("503", "runner_scheduling_failure"),
            ("503", "runner_connection_timeout"), ("503", "runner_connection_refused"), ("503", "runner_disconnected"),
        ]
    )
    func falPlatform(status: String, type: String) async throws {
        let script = """
            POST /fal-ai/kling-video/v3 -> 200 {"request_id":"r1","response_url":"$HOST/r1","status_url":"$HOST/r1/status"}
            GET /r1/status -> 200 {"status":"COMPLETED"}
            GET /r1 -> \(status) {"detail":"x","error_type":"\(type)"}
            """
        try await VendorTests.run(
            .init(testDescription: type, model: "fal-video", script: script, outcome: "failed provider \(type)")
        )
    }

    /// Of a task of Suno's that failed: its word, the code beside it, and what both mean.
    static let sunoFailures: [[String]] = """
        SENSITIVE_WORD_ERROR null | failed user SENSITIVE_WORD_ERROR
        SENSITIVE_WORD_ERROR 400 | failed user SENSITIVE_WORD_ERROR
        SENSITIVE_WORD_ERROR 500 | failed user SENSITIVE_WORD_ERROR
        SENSITIVE_WORD_ERROR 531 | failed user SENSITIVE_WORD_ERROR
        CREATE_TASK_FAILED null | failed provider CREATE_TASK_FAILED
        CREATE_TASK_FAILED "" | failed provider CREATE_TASK_FAILED
        CREATE_TASK_FAILED 400 | failed user 400
        CREATE_TASK_FAILED 401 | failed us 401
        CREATE_TASK_FAILED 413 | failed user 413
        CREATE_TASK_FAILED 429 | failed us 429
        CREATE_TASK_FAILED 430 | failed provider 430
        CREATE_TASK_FAILED 455 | failed provider 455
        GENERATE_AUDIO_FAILED null | failed provider GENERATE_AUDIO_FAILED
        GENERATE_AUDIO_FAILED 200 | failed provider GENERATE_AUDIO_FAILED
        GENERATE_AUDIO_FAILED "400" | failed user 400
        GENERATE_AUDIO_FAILED 408 | failed provider 408
        GENERATE_AUDIO_FAILED 413 | failed user 413
        GENERATE_AUDIO_FAILED 500 | failed provider 500
        GENERATE_AUDIO_FAILED 501 | failed provider 501
        GENERATE_AUDIO_FAILED 531 | failed provider 531
        GENERATE_AUDIO_FAILED 777 | failed provider GENERATE_AUDIO_FAILED
        """.split(separator: "\n").map { String($0).components(separatedBy: " | ") }

    @Test("Suno: whose failure it is, by the word and the code beside it", arguments: sunoFailures)
    func suno(row: [String]) async throws {
        let words = row[0].split(separator: " ").map(String.init)
        let script = """
            POST /api/v1/generate -> 200 {"code":200,"data":{"taskId":"t1"}}
            GET /api/v1/generate/record-info?taskId=t1 -> 200 {"code":200,"data":{"status":"\(words[0])","errorCode":\(words[1]),"errorMessage":"x"}}
            """
        try await VendorTests.run(
            .init(testDescription: row[0], model: "suno-song", script: script, outcome: row[1])
        )
    }

    static let kieCases = VendorTests.cases(
        #"""
        kie-image | waiting, queuing, generating, success, with its result as text | 2 images
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"waiting","resultJson":""}}
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"queuing"}}
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"generating"}}
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"success","resultJson":"{\"resultUrls\":[\"https://k/1.png\",\"https://k/2.png\"]}"}}

        kie-image | its result as an object | 1 images
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"success","resultJson":{"resultUrls":["https://k/1.png"]}}}

        kie-image | a result without URLs | failed provider no_result
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"success","resultJson":"{}"}}

        kie-image | a result with an empty list of URLs | failed provider no_result
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"success","resultJson":"{\"resultUrls\":[]}"}}

        kie-image | a result that is not JSON | failed provider no_result
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"success","resultJson":"oops"}}

        kie-image | no result at all | failed provider no_result
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"success","resultJson":null}}

        kie-image | failed by what was asked for | failed user 422
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"fail","failCode":"422","failMsg":"No."}}

        kie-image | failed | failed provider 501
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"fail","failCode":"501","failMsg":"x"}}

        kie-image | an error inside HTTP 200 says nothing about the task, and neither does an unknown word | 1 images
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":455,"msg":"maintenance","data":null}
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"archiving"}}
        GET /api/v1/jobs/recordInfo?taskId=t1 -> 200 {"code":200,"data":{"state":"success","resultJson":"{\"resultUrls\":[\"https://k/1.png\"]}"}}
        """#,
        prelude: #"POST /api/v1/jobs/createTask -> 200 {"code":200,"msg":"success","data":{"taskId":"t1"}}"#
    )

    @Test("Kie: every state, and every shape of a result", arguments: kieCases)
    func kie(_ given: VendorTests.Case) async throws { try await VendorTests.run(given) }
}
