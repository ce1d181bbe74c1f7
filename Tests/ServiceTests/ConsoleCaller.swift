import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// Somebody who sends what a browser would not.
struct ConsoleCaller {
    let http: HTTPClient
    let url: String

    struct Answer {
        let status: HTTPResponseStatus
        let headers: HTTPHeaders
        let bytes: [UInt8]

        var body: String { String(decoding: bytes, as: UTF8.self) }

        /// Cookies that it sets: their values, and the whole text.
        var cookies: [String: (value: String, text: String)] {
            headers["set-cookie"].reduce(into: [:]) { cookies, text in
                let pair = text.prefix { $0 != ";" }.split(
                    separator: "=",
                    maxSplits: 1,
                    omittingEmptySubsequences: false
                )
                cookies[String(pair[0])] = (String(pair[1]), text)
            }
        }

        /// What its first form carries.
        var hidden: String? { body.firstMatch(of: /name="form" value="([^"]+)"/).map { String($0.1) } }
    }

    func get(_ path: String, cookies: [String: String] = [:]) async throws -> Answer {
        try await send(HTTPClientRequest(url: url + path), cookies)
    }

    func post(
        _ path: String,
        _ members: [String: String],
        cookies: [String: String] = [:],
        site: String? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        if let site { request.headers.add(name: "sec-fetch-site", value: site) }
        let text = members.map {
            "\($0.key)=\($0.value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }
        request.body = .bytes(ByteBuffer(string: text.joined(separator: "&")))
        return try await send(request, cookies)
    }

    /// One attempt with a token, from a form of its own.
    func attempt(_ token: String) async throws -> Answer {
        let form = try await get("/console/sign-in")
        let jar = ["runledger_console_form": try #require(form.cookies["runledger_console_form"]).value]
        return try await post("/console/sign-in", ["token": token, "form": try #require(form.hidden)], cookies: jar)
    }

    /// The cookie of a session.
    func signIn(_ token: String) async throws -> [String: String] {
        ["runledger_console": try #require(try await attempt(token).cookies["runledger_console"]).value]
    }

    private func send(_ request: HTTPClientRequest, _ cookies: [String: String]) async throws -> Answer {
        var request = request
        if !cookies.isEmpty {
            let text = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
            request.headers.add(name: "cookie", value: text)
        }
        let response = try await http.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 1 << 22)
        return Answer(status: response.status, headers: response.headers, bytes: Array(buffer: body))
    }
}
