import Foundation
import Ledger
import NIOCore
import NIOHTTP1
import Registry
import Runs
import Testing

@testable import Providers

/// What complete answers mean, model by model: `status body` on the left, the outcome on the right.
@Suite("answers and what they mean")
struct AnswerReaderTests {
    private func reader(_ name: String) throws -> AnswerReader {
        AnswerReader(model: try #require(try registry(port: 1).model(named: name)))
    }

    private func submit(_ name: String, _ text: String) throws -> String {
        let parts = text.split(separator: " ", maxSplits: 1)
        let answer = ProviderAnswer(
            status: Int(parts[0])!,
            headers: [:],
            body: ByteBuffer(string: parts.count > 1 ? String(parts[1]) : "")
        )
        switch try reader(name).acceptance(answer) {
        case .accepted(_, let task): return "accepted \(task?.id ?? "without id")"
        case .ended(let outcome): return describe(outcome)
        case .notAccepted(let failure, let reason):
            return "\(reason.reason == .requeue ? "requeue" : "retry") \(failure.providerCode ?? "-")"
        }
    }

    private static func rows(_ text: String) -> [[String]] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            line.components(separatedBy: " -> ").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    static let plainAnswers = rows(
        #"""
        200 {"id":"r1","output":{"text":"hi"}}                        -> accepted r1
        200 {"output":{"text":"hi"}}                                  -> accepted without id
        200 not json                                                  -> unresolved unreadableAnswer
        200                                                           -> unresolved unreadableAnswer
        202 {"id":"r1"}                                               -> unresolved unreadableAnswer
        400 {"error":{"code":"invalid_request"}}                      -> failed user invalid_request
        400 {"error":{"code":"generation_failed"}}                    -> failed provider generation_failed
        429 {"error":{"code":"insufficient_quota"}}                   -> failed us insufficient_quota
        429 {"error":{"code":"slow_down"}}                            -> retry slow_down
        401 {"error":{"code":""}}                                     -> failed us 401
        403                                                           -> failed us 403
        404                                                           -> failed us 404
        413                                                           -> failed user 413
        422 {"error":{"code":"content_policy"}}                       -> failed user content_policy
        500 {"error":{"code":7}}                                      -> failed provider 7
        502 <html>                                                    -> failed provider 502
        504                                                           -> failed provider 504
        302                                                           -> failed us 302
        """#
    )

    @Test("a complete answer of a plain HTTP provider decides", arguments: plainAnswers)
    func plain(row: [String]) throws { #expect(try submit("gpt-5-4-mini", row[0]) == row[1]) }

    static let taskAnswers = rows(
        #"""
        200 {"code":200,"msg":"success","data":{"taskId":"t1"}}       -> accepted t1
        200 {"code":"200","msg":"success","data":{"taskId":7}}        -> accepted 7
        200 {"code":200,"msg":"success","data":{}}                    -> unresolved unreadableAnswer
        200 {"code":200,"msg":"success","data":{"taskId":""}}         -> unresolved unreadableAnswer
        200 {"msg":"success"}                                         -> unresolved unreadableAnswer
        200 {"code":422,"msg":"bad words","data":null}                -> failed user 422
        200 {"code":402,"msg":"no credits"}                           -> failed us 402
        200 {"code":401,"msg":"no key"}                               -> failed us 401
        200 {"code":429,"msg":"too fast"}                             -> retry 429
        200 {"code":455,"msg":"maintenance"}                          -> retry 455
        200 {"code":500,"msg":"oops"}                                 -> failed provider 500
        200 {"code":7,"msg":"?"}                                      -> failed provider 7
        500                                                           -> failed provider 500
        503                                                           -> failed provider 503
        # A gateway may have handed the task on before it gave up.
        502                                                           -> unresolved ambiguousError
        504 <html>                                                    -> unresolved ambiguousError
        """#
    )

    @Test("a complete answer of a jobs API decides by its body's code too", arguments: taskAnswers)
    func task(row: [String]) throws { #expect(try submit("gpt-image-2", row[0]) == row[1]) }

    static let results = rows(
        #"""
        gpt-image-2 {"data":{"resultJson":"{\"resultUrls\":[\"u1\",\"u2\"]}"}} -> 2 images
        gpt-image-2 {"data":{"resultJson":{"resultUrls":["u1"]}}}              -> 1 images
        gpt-image-2 {"data":{"resultJson":"{\"resultUrls\":[]}"}}              -> failed provider no_result
        gpt-image-2 {"data":{"resultJson":"not json"}}                         -> failed provider no_result
        gpt-image-2 {"data":{"resultJson":"{\"resultUrls\":[\"\",7,null]}"}}   -> failed provider no_result
        gpt-image-2 {"data":{}}                                                -> failed provider no_result
        draft-image   {"images":[{"url":"u1"},{"size":2},{"url":"u3"}]}        -> 2 images
        gpt-5-4-mini {"output":{"text":"hi"}}                                  -> 1 text
        gpt-5-4-mini {"output":{"text":["a","b"]}}                             -> 2 text
        gpt-5-4-mini {"output":{"text":""}}                                    -> failed provider no_result
        """#
    )

    @Test("a result is read from where the definition says", arguments: results)
    func result(row: [String]) throws {
        let parts = row[0].split(separator: " ", maxSplits: 1).map(String.init)
        let reader = try reader(parts[0])
        guard case .valid(let inputs) = reader.model.validate(["prompt": "x"]) else { return }
        let outcome = reader.success(try JSONValue(text: parts[1]), inputs: inputs, providerRequestID: "p1")
        #expect(describe(outcome) == row[1])
    }

    static let charges = rows(
        #"""
        [{"charge_type":"cash","amount":"0.14","currency":"USD"}]                                                    -> 140000
        [{"charge_type":"cash","amount":0.5,"currency":"USD"},{"charge_type":"cash","amount":"1","currency":"USD"}]  -> 1500000
        [{"charge_type":"cash","amount":"0","currency":"USD"}]                                                       -> 0
        # Anything else than dollars says nothing of what it costs us: the wholesale price counts.
        [{"charge_type":"cash","amount":"1","currency":"CNY"}]                                                       -> 700
        [{"charge_type":"cash","amount":"1","currency":"USD"},{"charge_type":"unit","amount":"2"}]                   -> 700
        [{"charge_type":"cash","amount":"-1","currency":"USD"}]                                                      -> 700
        [{"charge_type":"cash","amount":"?","currency":"USD"}]                                                       -> 700
        []                                                                                                           -> 700
        """#
    )

    @Test("what a vendor lists as charged to us is our cost, if it is all in dollars", arguments: charges)
    func charged(row: [String]) throws {
        let reader = try reader("kling-new")
        guard case .valid(let inputs) = reader.model.validate(["prompt": "x"]) else { return }
        let body = try JSONValue(text: #"{"data":[{"outputs":[{"url":"https://k/1.mp4"}],"billing":\#(row[0])}]}"#)
        guard case .succeeded(let success) = reader.success(body, inputs: inputs, providerRequestID: nil) else {
            Issue.record("no success")
            return
        }
        #expect(String(success.providerCost.microdollars) == row[1])
    }

    static let ends = rows(
        #"""
        {"data":{"state":"fail","failCode":"422","failMsg":"bad words"}} -> failed user 422
        {"data":{"state":"fail","failCode":"501"}}                       -> failed provider 501
        {"data":{"state":"fail","failCode":"402"}}                       -> failed us 402
        {"data":{"state":"fail","failCode":504}}                         -> failed provider 504
        {"data":{"state":"fail","failCode":""}}                          -> failed provider 500
        {"data":{"state":"fail"}}                                        -> failed provider 500
        """#
    )

    @Test("accepted work that ended without a result has failed for certain", arguments: ends)
    func ended(row: [String]) throws {
        let outcome = try reader("gpt-image-2").ended(try JSONValue(text: row[0]), providerRequestID: "t1")
        #expect(describe(outcome) == row[1])
        guard case .failed(let failure) = outcome else { return }
        #expect(failure.providerRequestID == "t1")
    }

    @Test("only a refusal of inputs repeats the vendor's words, and never a URL")
    func messages() throws {
        let message = { (code: String, words: String) throws -> String in
            let body: JSONValue = ["data": ["failCode": .string(code), "failMsg": .string(words)]]
            guard case .failed(let failure) = try reader("gpt-image-2").ended(body, providerRequestID: "t") else {
                return ""
            }
            return failure.message
        }
        #expect(try message("422", "No\u{1B}[31m faces.") == "The provider refused the inputs: No[31m faces.")
        #expect(try message("422", "see https://vendor.example/secret") == "The provider refused the inputs.")
        #expect(try message("422", String(repeating: "x", count: 900)).count == 333)
        #expect(try message("501", "stack trace") == "The provider could not complete the run.")
        #expect(try message("402", "top up account 42") == "The run could not be carried out by its provider.")
    }

    @Test("reported amounts are rounded up to whole ones")
    func rounding() {
        let given: [JSONValue] = [5, "5", .decimal("5.0"), "5.1", .decimal("0.000001"), -1, "x", "5.", "1e3", nil, ""]
        let expected: [Int64?] = [5, 5, 5, 6, 1, nil, nil, nil, nil, nil, nil]
        #expect(given.map(AnswerReader.roundedUp) == expected)
    }
}
