internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// The media that results point to: bytes of the right type and of any length, made while they are sent.
struct MediaFile: Sendable {
    let desk: SimulatorDesk
    /// So many bytes are in memory at a time.
    static let chunkBytes = 64 << 10

    func addRoutes(to router: Router<SimulatorContext>) {
        router.get("/files/:name") { request, context in try await serve(request, context) }
        // A body after the answer to HEAD would be read as the next answer on the connection.
        router.head("/files/:name") { request, context in try await serve(request, context).createHeadResponse() }
    }

    private func serve(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        let name = context.parameters.get("name") ?? ""
        guard let dot = name.lastIndex(of: "."), let dash = name[..<dot].lastIndex(of: "-"),
            let media = SimulatorOrder.Media(rawValue: String(name[name.index(after: dot)...])),
            let run = desk.books.download(String(name[..<dash]))
        else { return Response(status: .notFound) }
        let goneAt = run.progress.endsAt + Int64(run.script.mediaLifeMilliseconds)
        if run.fault == .mediaGone || desk.books.now >= goneAt { return Response(status: .notFound) }
        switch run.fault {
        case .mediaWrongType: return .html("<html>Not found</html>", status: .ok)
        // The address of a cloud's metadata: nobody should follow.
        case .mediaRedirect: return .redirect(to: "http://169.254.169.254/latest/meta-data/", type: .temporary)
        case .mediaEndless: return endless(media)
        default: break
        }
        let size = max(run.mediaBytes, Self.head(media).count)
        let isCut = run.fault == .mediaCut && run.downloadCount == 1
        let range = request.headers[.range].flatMap { Self.range($0, size: size) }
        return part(media, size: size, range ?? 0..<size, isPartial: range != nil, isCut: isCut, context)
    }

    private func part(
        _ media: SimulatorOrder.Media,
        size: Int,
        _ range: Range<Int>,
        isPartial: Bool,
        isCut: Bool,
        _ context: SimulatorContext
    ) -> Response {
        let end = isCut ? range.lowerBound + range.count / 2 : range.upperBound
        let body = ResponseBody(contentLength: range.count) { writer in
            var offset = range.lowerBound
            while offset < end {
                let count = min(Self.chunkBytes, end - offset)
                try await writer.write(Self.bytes(media, offset..<(offset + count), size: size))
                offset += count
            }
            if isCut {
                try await context.channel.close()
                throw ConnectionDropped()
            }
            try await writer.finish(nil)
        }
        var response = Response(
            status: isPartial ? .partialContent : .ok,
            headers: [.contentType: Self.contentType(media), .acceptRanges: "bytes"],
            body: body
        )
        if isPartial {
            response.headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
        }
        return response
    }

    /// Media that ends only with the receiver's patience, or after 4 GiB.
    private func endless(_ media: SimulatorOrder.Media) -> Response {
        let body = ResponseBody { writer in
            var offset = 0
            while offset < 4 << 30 {
                let range = offset..<(offset + Self.chunkBytes)
                try await writer.write(Self.bytes(media, range, size: Int.max))
                offset += Self.chunkBytes
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: Self.contentType(media)], body: body)
    }

    /// Reads `bytes=FIRST-[LAST]`; nil for any other form, which is answered in whole.
    static func range(_ text: String, size: Int) -> Range<Int>? {
        let parts = text.replacing("bytes=", with: "").split(separator: "-", omittingEmptySubsequences: false)
        guard text.hasPrefix("bytes="), parts.count == 2, let first = Int(parts[0]), (0..<size).contains(first) else {
            return nil
        }
        let last = parts[1].isEmpty ? size - 1 : Int(parts[1])
        guard let last, last >= first else { return nil }
        return first..<(min(last, size - 1) + 1)
    }

    static func contentType(_ media: SimulatorOrder.Media) -> String {
        switch media {
        case .image: "image/png"
        case .video: "video/mp4"
        case .audio: "audio/mpeg"
        }
    }

    /// Part of a file: what makes it one of its type, then bytes that depend on their place alone.
    private static func bytes(_ media: SimulatorOrder.Media, _ range: Range<Int>, size: Int) -> ByteBuffer {
        var buffer = ByteBuffer(
            bytes: range.lazy.map { UInt8(truncatingIfNeeded: $0 &* 31 &+ ($0 >> 8)) }
        )
        let head = head(media)
        for index in range.clamped(to: 0..<head.count) {
            buffer.setInteger(head[index], at: index - range.lowerBound)
        }
        return buffer
    }

    /// A PNG of a given length: anything after its last chunk is no part of the picture.
    static func png(byteCount: Int) -> [UInt8] {
        let head = head(.image)
        return head + [UInt8](repeating: 0, count: max(0, byteCount - head.count))
    }

    private static func head(_ media: SimulatorOrder.Media) -> [UInt8] {
        switch media {
        case .image: pixel
        // A box of type ftyp, then one of type mdat up to the end of the file.
        case .video:
            [0, 0, 0, 24] + Array("ftypisom".utf8) + [0, 0, 2, 0] + Array("isommp42".utf8) + [0, 0, 0, 0]
                + Array("mdat".utf8)
        // A tag of version 2.3 and no length, then a frame of 128 kbit/s.
        case .audio: Array("ID3".utf8) + [3, 0, 0, 0, 0, 0, 0, 0xFF, 0xFB, 0x90, 0x00]
        }
    }

    /// A PNG of one transparent pixel.
    private static let pixel: [UInt8] = [
        0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52,
        0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1F, 0x15, 0xC4,
        0x89, 0x00, 0x00, 0x00, 0x0A, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9C, 0x63, 0x00, 0x01, 0x00, 0x00,
        0x05, 0x00, 0x01, 0x0D, 0x0A, 0x2D, 0xB4, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE,
        0x42, 0x60, 0x82,
    ]
}
