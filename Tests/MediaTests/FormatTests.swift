import Crypto
import Ledger
import ObjectStorage
import Runs
import Testing

@testable import Media

@Suite("Formats of media")
struct FormatTests {
    private static func ftyp(_ brand: String) -> [UInt8] { [0, 0, 0, 24] + Array("ftyp\(brand)".utf8) + [0, 0, 2, 0] }
    private static let webm: [UInt8] = [0x1A, 0x45, 0xDF, 0xA3, 0x9F, 0x42, 0x82, 0x84] + Array("webm".utf8)
    private static let matroska: [UInt8] = [0x1A, 0x45, 0xDF, 0xA3, 0x9F, 0x42, 0x82, 0x88] + Array("matroska".utf8)

    static let table: [(String, [UInt8], MediaKind, String?)] = [
        ("PNG", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0], .images, "png"),
        ("JPEG", [0xFF, 0xD8, 0xFF, 0xE0], .images, "jpg"), ("GIF", Array("GIF89a..".utf8), .images, "gif"),
        ("WebP", Array("RIFF....WEBPVP8 ".utf8), .images, "webp"), ("AVIF", ftyp("avif"), .images, "avif"),
        ("MP4", ftyp("isom"), .videos, "mp4"), ("QuickTime", ftyp("qt  "), .videos, "mov"),
        ("WebM", webm, .videos, "webm"),
        ("Matroska", matroska, .videos, "mkv"), ("MP3 with tags", Array("ID3\u{4}....".utf8), .audios, "mp3"),
        ("MP3", [0xFF, 0xFB, 0x90, 0x00], .audios, "mp3"), ("AAC", [0xFF, 0xF1, 0x50, 0x80], .audios, "aac"),
        ("WAV", Array("RIFF....WAVEfmt ".utf8), .audios, "wav"), ("Ogg", Array("OggS....".utf8), .audios, "ogg"),
        ("FLAC", Array("fLaC....".utf8), .audios, "flac"), ("M4A", ftyp("M4A "), .audios, "m4a"),
        ("WebM audio", webm, .audios, "weba"),
        // Of another kind, or of none.
        ("PNG as a video", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], .videos, nil),
        ("MP4 as an image", ftyp("isom"), .images, nil), ("AVIF as a video", ftyp("avif"), .videos, nil),
        ("M4A as a video", ftyp("M4A "), .videos, nil), ("WAV as an image", Array("RIFF....WAVE".utf8), .images, nil),
        ("SVG", Array("<svg xmlns=\"x\">".utf8), .images, nil), ("HTML", Array("<!DOCTYPE html>".utf8), .images, nil),
        ("JSON", Array("{\"error\":1}".utf8), .videos, nil), ("nothing", [], .images, nil),
        ("one byte", [0xFF], .audios, nil),
    ]

    @Test("A format is known by its first bytes, and by nothing else", arguments: table)
    func sniffing(what: String, bytes: [UInt8], kind: MediaKind, expected: String?) {
        #expect(MediaType.sniff(bytes, as: kind)?.fileExtension == expected, "\(what)")
    }

    @Test(
        "Announced types that go with a kind, and those that do not",
        arguments: [
            ("image/png", MediaKind.images, true), ("IMAGE/PNG; charset=x", .images, true), ("", .images, true),
            ("application/octet-stream", .videos, true), ("video/mp4", .audios, true), ("audio/mpeg", .audios, true),
            ("text/html; charset=utf-8", .images, false), ("application/json", .videos, false),
            ("video/mp4", .images, false), ("image/png", .videos, false),
        ]
    )
    func announced(type: String, kind: MediaKind, isTaken: Bool) {
        #expect(((try? MediaHead.check(contentType: type, kind)) != nil) == isTaken)
    }

    @Test("A data URL in base64 is read, others are not")
    func dataURLs() {
        #expect(DataURL("data:image/png;base64,AQID")?.bytes == [1, 2, 3])
        #expect(DataURL("DATA:Image/PNG;name=x;BASE64,AQID")?.contentType == "image/png")
        #expect(DataURL("data:;base64,AQID")?.contentType == "")
        for text in [
            "data:image/png,AQID", "data:image/png;base64", "data:image/png;base64,A*ID", "http://x/",
            "data:base64,AQID",
        ] {
            #expect(DataURL(text) == nil, "\(text)")
        }
    }

    @Test("A run's names are the same each time, tell the day, and can't be guessed without the key")
    func names() throws {
        let names = MediaNames(key: SymmetricKey(data: [1, 2, 3]))
        // 2026-11-24T14:00:00Z.
        let id = ExecutionID(Identifier128(unixMilliseconds: 1_795_528_800_000, journal: JournalID(3), random: 42))
        let name = names.name(of: id, index: 2, MediaType(fileExtension: "mp4")).description
        #expect(name == names.name(of: id, index: 2, MediaType(fileExtension: "mp4")).description)
        #expect(name.wholeMatch(of: /2026\/11\/24\/([0-9a-f\-]{36})\/[0-9a-f]{20}\/2\.mp4/)?.1 == Substring("\(id)"))
        let other = MediaNames(key: SymmetricKey(data: [1, 2, 4])).name(
            of: id,
            index: 2,
            MediaType(fileExtension: "mp4")
        )
        #expect(other.description != name)
    }
}

@Suite("Places for copies")
struct CopySlotsTests {
    @Test("Places are given to whoever has waited longest, and no more than there are")
    func order() async {
        let slots = CopySlots(count: 1, maximumWaiting: 2)
        #expect(await slots.take())
        async let second = slots.take()
        // The third comes when the second waits: until then a task would find the queue with room for one more.
        try? await Task.sleep(for: .milliseconds(50))
        async let third = slots.take()
        try? await Task.sleep(for: .milliseconds(50))
        #expect(await !slots.take())
        slots.give()
        #expect(await second)
        slots.give()
        #expect(await third)
    }

    @Test("Whoever is cancelled gives up its turn, not somebody's place")
    func cancellation() async {
        let slots = CopySlots(count: 1)
        #expect(await slots.take())
        let waiting = Task { await slots.take() }
        try? await Task.sleep(for: .milliseconds(20))
        waiting.cancel()
        #expect(await !waiting.value)
        slots.give()
        #expect(await slots.take())
    }
}
