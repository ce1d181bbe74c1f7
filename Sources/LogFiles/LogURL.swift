public import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// The files of a log as somebody serves them.
public struct LogURL: LogReading {
    private static let largestFileBytes = 256 * 65_537

    private let base: String
    private let token: String?
    private let client: HTTPClient

    /// Names a log.
    ///
    /// - Parameters:
    ///   - base: the URL that `/checkpoint` is added to.
    ///   - token: an operator's, for the entries of journals.
    ///   - client: sends the requests.
    public init(_ base: String, token: String?, client: HTTPClient) {
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
        self.token = token
        self.client = client
    }

    /// The bytes that are served; nil for 404.
    public func read(_ path: String) async throws -> [UInt8]? {
        var request = HTTPClientRequest(url: "\(base)/\(path)")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let response = try await client.execute(request, timeout: .seconds(60))
        switch response.status.code {
        case 200: return Array(buffer: try await response.body.collect(upTo: Self.largestFileBytes))
        case 404: return nil
        case 401, 403: throw LogAccessRefused(path: path)
        default: throw LogUnavailable(description: "\(base)/\(path) answers \(response.status.code)")
        }
    }
}

/// A log's files can't be had now.
public struct LogUnavailable: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was asked and what was answered.
    public let description: String

    /// Makes an error.
    public init(description: String) { self.description = description }
}
