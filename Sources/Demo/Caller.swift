import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Operations
import Registry

/// An answer as the story shows it.
struct Reply: Sendable {
    let status: Int
    let reason: String
    let headers: [String: String]
    let text: String
    let duration: Duration

    /// The body; null when it is no JSON.
    var json: JSONValue { (try? JSONValue(text: text)) ?? .null }
    /// The error's code.
    var code: String { json["code"]?.stringValue ?? "" }

    /// The body with a line for each member, in the order in which they came.
    var lines: [String] {
        var lines: [String] = []
        var line = ""
        var depth = 0
        var isInString = false
        var isEscaped = false
        for character in text {
            if isInString {
                line.append(character)
                if character == "\"", !isEscaped { isInString = false }
                isEscaped = character == "\\" && !isEscaped
                continue
            }
            switch character {
            case "{", "[":
                depth += 1
                line.append(character)
                if depth == 1 { Self.end(&line, in: &lines, indent: "") }
            case "}", "]":
                depth -= 1
                if depth == 0 { Self.end(&line, in: &lines, indent: "  ") }
                line.append(character)
            case "," where depth == 1:
                line.append(character)
                Self.end(&line, in: &lines, indent: "  ")
            case ":" where depth == 1: line += ": "
            default:
                if character == "\"" { isInString = true }
                line.append(character)
            }
        }
        Self.end(&line, in: &lines, indent: "")
        return lines
    }

    private static func end(_ line: inout String, in lines: inout [String], indent: String) {
        if !line.isEmpty { lines.append(indent + line) }
        line = ""
    }
}

/// Sends requests to the service.
struct Caller: Sendable {
    let client: HTTPClient
    let baseURL: String

    /// A request to run a model.
    struct Call: Sendable {
        var model: String
        var key: String?
        var body: String
        var query = ""
        var method = HTTPMethod.POST
        var path: String { "/api/models/\(model)/run\(query)" }
    }

    func send(_ call: Call) async throws(OperationError) -> Reply {
        var request = HTTPClientRequest(url: baseURL + call.path)
        request.method = call.method
        if let key = call.key { request.headers.add(name: "x-api-key", value: key) }
        if call.method == .POST {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: call.body))
        }
        let start = ContinuousClock.now
        do {
            let response = try await client.execute(request, timeout: .seconds(60))
            let body = try await response.body.collect(upTo: 1 << 20)
            return Reply(
                status: Int(response.status.code),
                reason: response.status.reasonPhrase,
                headers: Dictionary(response.headers.map { ($0.name, $0.value) }) { $1 },
                text: String(buffer: body),
                duration: .now - start
            )
        } catch {
            throw OperationError(.unavailable, "The service did not answer \(call.method) \(call.path): \(error)")
        }
    }

    /// What the simulator counts.
    func simulatorCount(at url: String) async throws(OperationError) -> JSONValue {
        do {
            let request = HTTPClientRequest(url: url + "/_simulator/count")
            let response = try await client.execute(request, timeout: .seconds(10))
            return try JSONValue(text: String(buffer: try await response.body.collect(upTo: 1 << 20)))
        } catch {
            throw OperationError(.unavailable, "The simulator did not answer: \(error)")
        }
    }
}
