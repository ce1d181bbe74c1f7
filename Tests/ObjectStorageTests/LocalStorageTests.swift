import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import TestSupport
import Testing

@testable import ObjectStorage

@Suite("A folder in place of a bucket")
struct LocalStorageTests {
    private func files(_ folder: String) -> [String] {
        (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []).filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }

    @Test("An object is there whole, can be replaced, sized and removed")
    func objects() async throws {
        try await withTemporaryFolder { folder in
            let storage = try LocalDirectoryStorage.open(folder: folder, baseURL: "http://127.0.0.1:1/media/")
            let name = try #require(ObjectName("2026/11/24/a/0.png"))
            let deadline = ContinuousClock.now + .seconds(60)
            let bytes = patternBytes(300_000)
            #expect(try await storage.size(of: name, deadline: deadline) == nil)
            let size = try await storage.write(
                name,
                contentType: "image/png",
                from: Chunks(bytes, of: 999),
                deadline: deadline
            )
            #expect(size == 300_000)
            #expect(FileManager.default.contents(atPath: "\(folder)/2026/11/24/a/0.png") == Data(bytes))
            try await storage.write(name, contentType: "image/png", from: Chunks([7], of: 1), deadline: deadline)
            #expect(try await storage.size(of: name, deadline: deadline) == 1)
            #expect(storage.url(of: name, unixSeconds: 0) == "http://127.0.0.1:1/media/2026/11/24/a/0.png")
            try await storage.delete(name, deadline: deadline)
            try await storage.delete(name, deadline: deadline)
            #expect(files(folder) == [])
        }
    }

    @Test("A folder goes with all that is in it, and no other")
    func deleteAll() async throws {
        try await withTemporaryFolder { folder in
            let storage = try LocalDirectoryStorage.open(folder: folder, baseURL: "/media")
            let deadline = ContinuousClock.now + .seconds(60)
            for text in ["a/run-1/t/0.png", "a/run-1/t/1.png", "a/run-10/t/0.png"] {
                let name = try #require(ObjectName(text))
                try await storage.write(name, contentType: "image/png", from: Chunks([7], of: 1), deadline: deadline)
            }
            let run = try #require(ObjectName("a/run-1"))
            #expect(try await storage.deleteAll(under: run, deadline: deadline) == 2)
            #expect(try await storage.deleteAll(under: run, deadline: deadline) == 0)
            #expect(files(folder) == ["a/run-10/t/0.png"])
        }
    }

    @Test("A write that breaks off leaves the object as it was")
    func brokenWrite() async throws {
        struct Broken: Error {}
        try await withTemporaryFolder { folder in
            let storage = try LocalDirectoryStorage.open(folder: folder, baseURL: "/media")
            let name = try #require(ObjectName("a.png"))
            let deadline = ContinuousClock.now + .seconds(60)
            try await storage.write(name, contentType: "image/png", from: Chunks([1, 2], of: 1), deadline: deadline)
            await #expect(throws: Broken.self) {
                try await storage.write(
                    name,
                    contentType: "image/png",
                    from: Chunks([9, 9, 9], of: 1, then: Broken()),
                    deadline: deadline
                )
            }
            #expect(FileManager.default.contents(atPath: "\(folder)/a.png") == Data([1, 2]))
            #expect(files(folder) == ["a.png"])
        }
    }

    @Test("What a crash left half written is removed at the next start")
    func leftovers() async throws {
        try await withTemporaryFolder { folder in
            _ = try LocalDirectoryStorage.open(folder: folder, baseURL: "/media")
            let twoDaysAgo = Date(timeIntervalSinceNow: -172_800)
            _ = FileManager.default.createFile(
                atPath: "\(folder)/.partial/old",
                contents: Data([1]),
                attributes: [.modificationDate: twoDaysAgo]
            )
            _ = FileManager.default.createFile(atPath: "\(folder)/.partial/new", contents: Data([1]))
            _ = try LocalDirectoryStorage.open(folder: folder, baseURL: "/media")
            // Another process may be writing the new one.
            #expect(files(folder) == [".partial/new"])
        }
    }

    @Test("A folder keeps its secret, whoever opens it")
    func secret() async throws {
        try await withTemporaryFolder { folder in
            let first = try LocalDirectoryStorage.open(folder: folder, baseURL: "/media").secret()
            #expect(first.count == 32)
            #expect(try LocalDirectoryStorage.open(folder: folder, baseURL: "/media").secret() == first)
        }
        try await withTemporaryFolder { folder in
            let other = try LocalDirectoryStorage.open(folder: folder, baseURL: "/media").secret()
            #expect(other != [UInt8](repeating: other[0], count: 32))
        }
    }

    @Test("A folder that can't be made is an error that says so")
    func unwritable() {
        let error = #expect(throws: ObjectStorageError.self) {
            try LocalDirectoryStorage.open(folder: "/dev/null/x", baseURL: "/media")
        }
        #expect(error?.code == .disk)
    }

    @Test(
        "No name leads out of a folder",
        arguments: [
            "", "/", "/a", "a/", "a//b", "..", "a/../b", "../etc/passwd", ".hidden", "a/.partial/b", "a\\b", "a b",
            "a%2fb",
            "ä", "a\0b", "a:b", String(repeating: "a/", count: 16) + "b", String(repeating: "a", count: 513),
        ]
    )
    func names(text: String) { #expect(ObjectName(text) == nil) }

    @Test(
        "What a range header asks for",
        arguments: [
            (nil, ByteRange.whole), ("bytes=0-0", .part(0...0)), ("bytes=0-", .part(0...9)),
            ("bytes=5-99", .part(5...9)),
            ("bytes=-3", .part(7...9)), ("bytes=-99", .part(0...9)), ("bytes=10-", .unsatisfiable),
            ("bytes=-0", .unsatisfiable), ("bytes=3-2", .whole), ("bytes=0-1,3-4", .whole), ("bytes=x-", .whole),
            ("items=0-1", .whole), ("bytes=-", .whole), ("bytes=99999999999999999999-", .whole),
        ] as [(String?, ByteRange)]
    )
    func ranges(header: String?, expected: ByteRange) { #expect(ByteRange.read(header, size: 10) == expected) }

    @Test("The service serves what is in the folder, whole or in part, and nothing else")
    func route() async throws {
        try await withTemporaryFolder { folder in
            let storage = try LocalDirectoryStorage.open(folder: folder, baseURL: "/media")
            let bytes = patternBytes(200_000)
            try await storage.write(
                try #require(ObjectName("a/0.mp4")),
                contentType: "video/mp4",
                from: Chunks(bytes, of: 5_000),
                deadline: .now + .seconds(60)
            )
            _ = FileManager.default.createFile(atPath: "\(folder)/.partial/secret.png", contents: Data([1]))
            _ = FileManager.default.createFile(atPath: "\(folder)/a/script.html", contents: Data([1]))
            let router = Router()
            LocalMediaRoute(storage).add(to: router, at: "media")
            try await Application(router: router).test(.router) { client in
                try await client.execute(uri: "/media/a/0.mp4", method: .get) { response in
                    #expect(response.status == .ok)
                    #expect(Array(response.body.readableBytesView) == bytes)
                    #expect(response.headers[.contentType] == "video/mp4")
                    #expect(response.headers[.xContentTypeOptions] == "nosniff")
                    #expect(response.headers[.acceptRanges] == "bytes")
                }
                try await client.execute(uri: "/media/a/0.mp4", method: .head) { response in
                    #expect(response.headers[.contentLength] == "200000")
                    #expect(response.body.readableBytes == 0)
                }
                try await client.execute(uri: "/media/a/0.mp4", method: .get, headers: [.range: "bytes=100-149999"]) {
                    response in
                    #expect(response.status == .partialContent)
                    #expect(response.headers[.contentRange] == "bytes 100-149999/200000")
                    #expect(Array(response.body.readableBytesView) == Array(bytes[100...149_999]))
                }
                try await client.execute(uri: "/media/a/0.mp4", method: .get, headers: [.range: "bytes=-5"]) {
                    response in
                    #expect(Array(response.body.readableBytesView) == Array(bytes.suffix(5)))
                }
                try await client.execute(uri: "/media/a/0.mp4", method: .get, headers: [.range: "bytes=200000-"]) {
                    response in
                    #expect(response.status == .rangeNotSatisfiable)
                    #expect(response.headers[.contentRange] == "bytes */200000")
                }
                for path in [
                    "/media/a/1.mp4", "/media/a", "/media/a/script.html", "/media/.partial/secret.png",
                    "/media/../media/a/0.mp4x", "/media/a/..%2f.partial/secret.png",
                    "/media/%2e%2e/%2e%2e/etc/hosts.png",
                ] {
                    try await client.execute(uri: path, method: .get) { #expect($0.status == .notFound, "\(path)") }
                }
            }
        }
    }
}
