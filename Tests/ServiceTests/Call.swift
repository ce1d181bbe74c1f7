import AsyncHTTPClient
import Ledger
import NIOCore
import NIOHTTP1
import Registry

/// A request to run a model.
struct Call: Sendable {
    /// Costs 1 credit, and is answered by one request to its provider.
    static let textModel = "gpt-5-4-mini"
    /// Costs 10 credits, and is polled for.
    static let imageModel = "gpt-image-2"

    var customer: Customer
    var model = Call.textModel
    var prompt = "hi"
    /// Sent instead of the inputs.
    var body: String?
    /// Whether the answer does not wait for the run's end.
    var isAsync = false
    var timeout = TimeAmount.seconds(60)
}

/// What came of a request.
enum Reply: Sendable {
    case answered(Answer)
    /// No answer came.
    case lost

    var answer: Answer? {
        guard case .answered(let answer) = self else { return nil }
        return answer
    }

    /// The status and the code, such as `402 INSUFFICIENT_CREDITS`; `lost` without an answer.
    var summary: String {
        guard let answer else { return "lost" }
        return answer.body["code"]?.stringValue.map { "\(answer.status) \($0)" } ?? "\(answer.status)"
    }
}

/// An answer of the API.
struct Answer: Sendable {
    let status: Int
    let requestID: String
    let body: JSONValue

    /// The credits of a run that succeeded.
    var cost: Credits? { body["cost"]?.scalarText.flatMap { Credits(decimal: $0) } }
}

extension Stack {
    /// Sends one request.
    func send(_ call: Call, to url: String) async -> Reply {
        var request = HTTPClientRequest(url: "\(url)/api/models/\(call.model)/run\(call.isAsync ? "?async=true" : "")")
        request.method = .POST
        request.headers.add(name: "x-api-key", value: call.customer.key)
        let inputs: JSONValue = ["inputs": ["prompt": .string(call.prompt)]]
        request.body = .bytes(ByteBuffer(string: call.body ?? inputs.description))
        do {
            let response = try await http.execute(request, timeout: call.timeout)
            let bytes = try await response.body.collect(upTo: 1 << 20)
            return .answered(
                Answer(
                    status: Int(response.status.code),
                    requestID: response.headers.first(name: "x-request-id") ?? "",
                    body: try JSONValue(parsing: bytes.readableBytesView)
                )
            )
        } catch {
            return .lost
        }
    }

    /// Asks for the end of a run; the answer's status, or nil when none came.
    func cancel(_ execution: String, of customer: Customer, at url: String) async -> Int? {
        var request = HTTPClientRequest(url: "\(url)/api/executions/\(execution)/cancel")
        request.method = .POST
        request.headers.add(name: "x-api-key", value: customer.key)
        return (try? await http.execute(request, timeout: .seconds(60))).map { Int($0.status.code) }
    }

    /// Sends many requests at once, to each of the services in turn.
    func sendAtOnce(_ call: Call, times count: Int, to services: [RunningService]) async -> [Reply] {
        await withTaskGroup(of: Reply.self) { group in
            for number in 0..<count {
                let url = services[number % services.count].url
                group.addTask { await self.send(call, to: url) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}

/// How often each summary came.
func tally(_ replies: [Reply]) -> [String: Int] {
    replies.reduce(into: [:]) { $0[$1.summary, default: 0] += 1 }
}
