import ObjectStorage

/// A format that is stored, known by its first bytes.
///
/// Sources: the formats' own specifications and the WHATWG's "MIME Sniffing"; for ISO media files the brands registered with
/// the MP4 Registration Authority. SVG is not taken: it may hold scripts.
struct MediaType: Hashable, Sendable {
    let fileExtension: String

    /// How it is served.
    var contentType: String {
        guard let type = MediaTypes.byExtension[fileExtension] else {
            preconditionFailure("every format has a media type")
        }
        return type
    }

    /// How many of a file's first bytes tell its format.
    static let sniffedBytes = 64

    /// The format of a file of some kind; nil when it is none that is taken for that kind.
    static func sniff(_ bytes: some Collection<UInt8>, as kind: MediaKind) -> MediaType? {
        let head = Array(bytes.prefix(sniffedBytes))
        let name: String? =
            switch kind {
            case .images: image(head)
            case .videos: video(head)
            case .audios: audio(head)
            }
        return name.map(MediaType.init(fileExtension:))
    }

    private static func image(_ head: [UInt8]) -> String? {
        if head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "png" }
        if head.starts(with: [0xFF, 0xD8, 0xFF]) { return "jpg" }
        if head.starts(with: "GIF87a".utf8) || head.starts(with: "GIF89a".utf8) { return "gif" }
        if isRIFF(head, "WEBP") { return "webp" }
        return ["avif", "avis"].contains(brand(head)) ? "avif" : nil
    }

    private static func video(_ head: [UInt8]) -> String? {
        if let document = matroska(head) { return document == "webm" ? "webm" : "mkv" }
        switch brand(head) {
        case nil, "M4A ", "M4B ", "avif", "avis", "heic", "heix", "mif1", "msf1": return nil
        case "qt  ": return "mov"
        default: return "mp4"
        }
    }

    private static func audio(_ head: [UInt8]) -> String? {
        if head.starts(with: "ID3".utf8) { return "mp3" }
        if isRIFF(head, "WAVE") { return "wav" }
        if head.starts(with: "OggS".utf8) { return "ogg" }
        if head.starts(with: "fLaC".utf8) { return "flac" }
        if matroska(head) == "webm" { return "weba" }
        if let brand = brand(head) {
            return ["avif", "avis", "heic", "heix", "mif1", "msf1"].contains(brand) ? nil : "m4a"
        }
        // A frame begins with eleven ones (twelve in AAC); the layer's bits tell MPEG audio (1 to 3) from AAC (0).
        guard head.count >= 2, head[0] == 0xFF, head[1] & 0xE0 == 0xE0 else { return nil }
        if head[1] & 0x06 != 0 { return "mp3" }
        return head[1] & 0xF6 == 0xF0 ? "aac" : nil
    }

    private static func isRIFF(_ head: [UInt8], _ form: String) -> Bool {
        head.count >= 12 && head.starts(with: "RIFF".utf8) && head[8..<12].elementsEqual(form.utf8)
    }

    /// The main brand of an ISO media file.
    private static func brand(_ head: [UInt8]) -> String? {
        guard head.count >= 12, head[4..<8].elementsEqual("ftyp".utf8) else { return nil }
        return String(decoding: head[8..<12], as: UTF8.self)
    }

    /// The document type that a Matroska file names in its first element.
    private static func matroska(_ head: [UInt8]) -> String? {
        guard head.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) else { return nil }
        return String(decoding: head, as: UTF8.self).contains("webm") ? "webm" : "matroska"
    }
}
