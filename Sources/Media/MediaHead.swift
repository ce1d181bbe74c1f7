import NIOHTTP1
import Runs

/// What a source says of a medium before it sends it.
struct MediaHead {
    let status: Int
    let headers: HTTPHeaders

    /// How many bytes it has, if the source says so.
    var contentLength: Int64? { headers.first(name: "content-length").flatMap { Int64($0) } }

    /// Refuses what can't be a medium of a kind, before any of it is read.
    func check(_ kind: MediaKind, _ limits: MediaLimits) throws(MediaFailure) {
        guard status == 200 else {
            // Links of providers may work a moment after they are handed out, so what is not found yet is asked for again.
            let isPassing = [404, 408, 425, 429].contains(status) || (500..<600).contains(status)
            throw MediaFailure(isTransient: isPassing, reason: "the source answered with status \(status)")
        }
        let encoding = headers.first(name: "content-encoding")?.lowercased() ?? "identity"
        guard encoding == "identity" else {
            throw MediaFailure(isTransient: false, reason: "the source sent the medium compressed")
        }
        try Self.check(contentType: headers.first(name: "content-type") ?? "", kind)
        if let contentLength, contentLength > limits.bytes(of: kind) {
            throw MediaFailure.tooLarge(limits.bytes(of: kind))
        }
    }

    /// Refuses a media type that belongs to another kind. None at all, and the general one, leave it to the first bytes.
    static func check(contentType: String, _ kind: MediaKind) throws(MediaFailure) {
        let type = contentType.lowercased().prefix { $0 != ";" }.filter { $0 != " " }
        let isGeneral = ["", "application/octet-stream", "binary/octet-stream"].contains(type)
        // Sound alone is often served as what its container is called.
        let isContainer = kind == .audios && ["video/mp4", "video/webm", "application/ogg"].contains(type)
        guard isGeneral || isContainer || type.hasPrefix(kind.typePrefix) else {
            throw MediaFailure(
                isTransient: false,
                reason: "the source calls the medium \(type.prefix(64)), which is none of `\(kind.rawValue)`"
            )
        }
    }
}
