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

    /// A request.
    struct Call: Sendable {
        var method: HTTPMethod
        var path: String
        var headers: [(name: String, value: String)] = []
        var body = ""

        /// A request to run a model.
        init(model: String, key: String?, body: String, query: String = "") {
            self.init(.POST, "/api/models/\(model)/run\(query)", key: key, body: body)
        }

        /// Any request; without a key for none.
        init(_ method: HTTPMethod, _ path: String, key: String?, body: String = "") {
            self.method = method
            self.path = path
            if let key { self.headers.append(("x-api-key", key)) }
            self.body = body
        }

        /// An operator's request.
        init(_ method: HTTPMethod, _ path: String, adminToken: String, body: String = "") {
            self.init(method, path, key: nil, body: body)
            headers.append(("Authorization", "Bearer \(adminToken)"))
        }
    }

    func send(_ call: Call) async throws(OperationError) -> Reply {
        var request = HTTPClientRequest(url: baseURL + call.path)
        request.method = call.method
        for header in call.headers { request.headers.add(name: header.name, value: header.value) }
        if call.method != .GET {
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

    /// Fetches an object as a customer would; returns its type and how many bytes it has.
    func download(_ url: String) async throws(OperationError) -> (type: String, byteCount: Int) {
        do {
            let response = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(10))
            let body = try await response.body.collect(upTo: 64 << 20)
            guard response.status == .ok else {
                throw OperationError(.negative, "\(url) is answered with \(response.status.code).")
            }
            return (response.headers.first(name: "content-type") ?? "", body.readableBytes)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.unavailable, "\(url) can't be fetched: \(error)")
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
