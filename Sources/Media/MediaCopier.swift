import AsyncHTTPClient
public import Egress
public import Ledger
import NIOCore
import NIOHTTP1
public import ObjectStorage
public import Registry
public import Runs

/// Copies results' media to storage of our own.
///
/// A medium is fetched under the egress policy's guard, its status, type, first bytes and size are checked, and it streams
/// into storage at the pace at which storage takes it: at most two of storage's parts are in memory for each copy. What a
/// copy writes under a run's name it writes again under the same name.
public struct MediaCopier<Store: ObjectStore>: MediaKeeper {
    private let store: Store
    private let client: EgressClient
    private let names: MediaNames
    private let limits: MediaLimits
    private let slots: CopySlots
    private let unixSeconds: @Sendable () -> Int64
    private let copied: @Sendable (Int64) -> Void

    /// Makes a copier.
    ///
    /// - Parameters:
    ///   - store: where media go.
    ///   - client: fetches them, up to three redirects far.
    ///   - names: gives objects their names.
    ///   - limits: how much is taken, and how much of it at a time.
    ///   - unixSeconds: the time now, from which URLs of limited life count.
    ///   - copied: called with the size of each medium once it is in storage.
    public init(
        store: Store,
        client: EgressClient,
        names: MediaNames,
        limits: MediaLimits = MediaLimits(),
        unixSeconds: @escaping @Sendable () -> Int64,
        copied: @escaping @Sendable (_ byteCount: Int64) -> Void = { _ in }
    ) {
        self.store = store
        self.client = client
        self.names = names
        self.limits = limits
        self.slots = CopySlots(count: limits.concurrentCopies)
        self.unixSeconds = unixSeconds
        self.copied = copied
    }

    /// Copies every medium of a result: all at a time, as places are free; the first that fails ends the others.
    public func keep(
        _ result: JSONValue,
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async throws(MediaFailure) -> JSONValue {
        guard var members = result.objectValue else {
            throw MediaFailure(isTransient: false, reason: "the result is \(result.kindName), not an object")
        }
        let media = try media(in: members)
        guard !media.isEmpty else { return result }
        let urls = try await copyAll(media, of: executionID, deadline: deadline)
        for kind in MediaKind.allCases where members[kind.rawValue] != nil {
            let own = media.filter { $0.kind == kind }.map { JSONValue.string(urls[$0.index]) }
            members[kind.rawValue] = .array(own)
        }
        return .object(members)
    }

    /// Removes every medium of a run.
    ///
    /// - Returns: how many there were.
    public func erase(_ executionID: ExecutionID) async throws(ObjectStorageError) -> Int {
        try await store.deleteAll(under: MediaNames.folder(of: executionID), deadline: .now + .seconds(60))
    }

    private struct Medium: Sendable {
        let kind: MediaKind
        let url: String
        /// Counted over the whole result: images first, then videos, then audios.
        let index: Int
    }

    private func media(in members: [String: JSONValue]) throws(MediaFailure) -> [Medium] {
        var media: [Medium] = []
        for kind in MediaKind.allCases {
            guard let member = members[kind.rawValue] else { continue }
            guard let elements = member.arrayValue else {
                throw MediaFailure(isTransient: false, reason: "`\(kind.rawValue)` is \(member.kindName), not an array")
            }
            for element in elements {
                guard let url = element.stringValue else {
                    throw MediaFailure(isTransient: false, reason: "`\(kind.rawValue)` holds \(element.kindName)")
                }
                media.append(Medium(kind: kind, url: url, index: media.count))
            }
        }
        guard media.count <= limits.mediaPerResult else {
            throw MediaFailure(isTransient: false, reason: "the result has more than \(limits.mediaPerResult) media")
        }
        return media
    }

    private func copyAll(
        _ media: [Medium],
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async throws(MediaFailure) -> [String] {
        let copies = await withTaskGroup(of: Copied.self) { group in
            for medium in media { group.addTask { await attempt(medium, of: executionID, deadline: deadline) } }
            var copies: [Copied] = []
            for await copied in group {
                copies.append(copied)
                if case .failure = copied.result { group.cancelAll() }
            }
            return copies
        }
        // In the order in which they ended: the first failure is the cause, those behind it were cancelled.
        for copied in copies { if case .failure(let failure) = copied.result { throw failure } }
        return try copies.sorted { $0.index < $1.index }.map { copied throws(MediaFailure) in try copied.result.get() }
    }

    /// How the copy of one medium ended. A type of its own: Swift 6.3 crashes in optimized code where a task group hands on
    /// a pair with such a result.
    private struct Copied: Sendable {
        let index: Int
        let result: Result<String, MediaFailure>
    }

    private func attempt(
        _ medium: Medium,
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async -> Copied {
        do throws(MediaFailure) {
            return Copied(
                index: medium.index,
                result: .success(try await copy(medium, of: executionID, deadline: deadline))
            )
        } catch {
            return Copied(index: medium.index, result: .failure(error))
        }
    }

    // MARK: One medium

    private func copy(
        _ medium: Medium,
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async throws(MediaFailure) -> String {
        var failed = 0
        while true {
            let failure: MediaFailure
            do throws(MediaFailure) {
                let name = try await inSlot(deadline) { () async throws(MediaFailure) in
                    try await copyOnce(medium, of: executionID, deadline: deadline)
                }
                return store.url(of: name, unixSeconds: unixSeconds())
            } catch {
                failure = error
            }
            failed += 1
            // 250 ms, doubled up to 8 s, and half of it at random: sources that were down are not all asked at once.
            let delay = Duration.milliseconds(250 << min(failed - 1, 5)) * Double.random(in: 0.5...1)
            guard failure.isTransient, failed < limits.attempts, ContinuousClock.now + delay < deadline,
                (try? await Task.sleep(for: delay)) != nil
            else { throw failure }
        }
    }

    private func inSlot<Value: Sendable>(
        _ deadline: ContinuousClock.Instant,
        _ body: () async throws(MediaFailure) -> Value
    ) async throws(MediaFailure) -> Value {
        let slots = slots
        let isTaken: Bool
        do {
            isTaken = try await withDeadline(deadline) { await slots.take() }
        } catch {
            isTaken = false
        }
        guard isTaken else { throw MediaFailure(isTransient: true, reason: "too many media are being copied") }
        defer { slots.give() }
        return try await body()
    }

    private func copyOnce(
        _ medium: Medium,
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async throws(MediaFailure) -> ObjectName {
        do {
            if medium.url.prefix(5).lowercased() == "data:" {
                return try await storeInline(medium, of: executionID, deadline: deadline)
            }
            // The formats that are taken are compressed already, and a compressed answer could grow beyond every limit.
            let request = EgressRequest(
                url: medium.url,
                headers: ["accept": "\(medium.kind.typePrefix)*", "accept-encoding": "identity"],
                maximumRedirects: 3
            )
            return try await client.send(request, deadline: deadline) { response in
                let head = MediaHead(status: Int(response.status.code), headers: response.headers)
                try head.check(medium.kind, limits)
                return try await store(
                    response.body,
                    announcedBytes: head.contentLength,
                    medium,
                    of: executionID,
                    deadline: deadline
                )
            }
        } catch let failure as MediaFailure {
            throw failure
        } catch let error as EgressError {
            throw MediaFailure(isTransient: error.isTransient, reason: error.description)
        } catch let error as ObjectStorageError {
            throw MediaFailure(isTransient: true, reason: error.description)
        } catch {
            throw MediaFailure(isTransient: true, reason: String("\(error)".prefix(200)))
        }
    }

    private func storeInline(
        _ medium: Medium,
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async throws -> ObjectName {
        // Base64 writes three bytes as four.
        guard Int64(medium.url.utf8.count) / 4 * 3 <= limits.bytes(of: medium.kind) + 1_024 else {
            throw MediaFailure.tooLarge(limits.bytes(of: medium.kind))
        }
        guard let inline = DataURL(medium.url) else {
            throw MediaFailure(isTransient: false, reason: "a data URL can't be read")
        }
        try MediaHead.check(contentType: inline.contentType, medium.kind)
        let chunks = AsyncStream<ByteBuffer> { continuation in
            continuation.yield(ByteBuffer(bytes: inline.bytes))
            continuation.finish()
        }
        return try await store(chunks, announcedBytes: nil, medium, of: executionID, deadline: deadline)
    }

    /// Learns the format from the first bytes, then lets all of them stream.
    private func store<Source: AsyncSequence>(
        _ source: Source,
        announcedBytes: Int64?,
        _ medium: Medium,
        of executionID: ExecutionID,
        deadline: ContinuousClock.Instant
    ) async throws -> ObjectName where Source.Element == ByteBuffer {
        var iterator = source.makeAsyncIterator()
        var head = ByteBuffer()
        while head.readableBytes < MediaType.sniffedBytes, var chunk = try await iterator.next(isolation: #isolation) {
            head.writeBuffer(&chunk)
        }
        guard let type = MediaType.sniff(head.readableBytesView, as: medium.kind) else {
            throw MediaFailure(
                isTransient: false,
                reason: "the medium is of no format that is taken for `\(medium.kind.rawValue)`"
            )
        }
        let name = names.name(of: executionID, index: medium.index, type)
        let body = MediaBody(
            head: head,
            rest: iterator,
            maximumBytes: limits.bytes(of: medium.kind),
            announcedBytes: announcedBytes
        )
        try await store.write(name, contentType: type.contentType, from: body, deadline: deadline)
        copied(body.passed.byteCount)
        return name
    }
}
