import Foundation
import HTTPTypes
public import Hummingbird

/// Serves the objects of a local folder: GET and HEAD, whole or one range (RFC 9110, section 14).
public struct LocalMediaRoute: Sendable {
    private let storage: LocalDirectoryStorage
    private let files: FileIO

    /// Makes a route for a folder.
    public init(_ storage: LocalDirectoryStorage) {
        self.storage = storage
        self.files = FileIO()
    }

    /// Adds the route below a path, such as `media`.
    public func add<Context: RequestContext>(to router: Router<Context>, at path: String) {
        for method in [HTTPRequest.Method.get, .head] {
            router.on("/\(path)/**", method: method) { request, context in
                let name = context.parameters.getCatchAll().joined(separator: "/")
                return try await respond(to: request, name: name, context: context)
            }
        }
    }

    private func respond(
        to request: Request,
        name text: String,
        context: some RequestContext
    ) async throws -> Response {
        guard let name = ObjectName(text), let type = MediaTypes.contentType(ofFile: text),
            let size = try await storage.size(of: name, deadline: .now + .seconds(10))
        else { throw HTTPError(.notFound) }
        var headers: HTTPFields = [
            .contentType: type, .acceptRanges: "bytes",
            // A name's bytes never change; whoever is not meant to read them does not know the name.
            .cacheControl: "private, max-age=86400, immutable", .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; sandbox",
        ]
        let range = ByteRange.read(request.headers[.range], size: size)
        guard range != .unsatisfiable else {
            headers[.contentRange] = "bytes */\(size)"
            return Response(status: .rangeNotSatisfiable, headers: headers)
        }
        let path = storage.path(of: name)
        guard case .part(let part) = range else {
            headers[.contentLength] = String(size)
            let body = request.method == .head ? ResponseBody() : try await files.loadFile(path: path, context: context)
            return Response(status: .ok, headers: headers, body: body)
        }
        headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound)/\(size)"
        headers[.contentLength] = String(part.count)
        let bounds = Int(part.lowerBound)...Int(part.upperBound)
        let body =
            request.method == .head
            ? ResponseBody() : try await files.loadFile(path: path, range: bounds, context: context)
        return Response(status: .partialContent, headers: headers, body: body)
    }
}

/// What a `Range` header asks for.
enum ByteRange: Equatable {
    /// Everything: there is no such header, or one that a server may ignore.
    case whole
    /// From and to these offsets, both included.
    case part(ClosedRange<Int64>)
    /// Something beyond the end.
    case unsatisfiable

    static func read(_ header: String?, size: Int64) -> ByteRange {
        guard let header, header.lowercased().hasPrefix("bytes=") else { return .whole }
        let ends = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, ends.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return .whole
        }
        switch (Int64(ends[0]), Int64(ends[1])) {
        case (nil, nil): return .whole
        case (nil, let count?):
            guard ends[0].isEmpty else { return .whole }
            return count > 0 && size > 0 ? .part(max(0, size - count)...size - 1) : .unsatisfiable
        case (let from?, nil):
            guard ends[1].isEmpty else { return .whole }
            return from < size ? .part(from...size - 1) : .unsatisfiable
        case (let from?, let to?):
            guard from <= to else { return .whole }
            return from < size ? .part(from...min(to, size - 1)) : .unsatisfiable
        }
    }
}

/// Which file extension stands for which media type.
public enum MediaTypes {
    /// Every type that is stored, by extension.
    public static let byExtension = [
        "png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "avif": "image/avif",
        "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mkv": "video/x-matroska",
        "mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg", "flac": "audio/flac", "m4a": "audio/mp4",
        "aac": "audio/aac", "weba": "audio/webm",
    ]

    /// The type of a file by its name; nil for one that is not stored.
    static func contentType(ofFile name: String) -> String? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        return byExtension[String(name[name.index(after: dot)...])]
    }
}
