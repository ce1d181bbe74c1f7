public import AsyncHTTPClient
import Crypto
public import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// A bucket of Amazon S3, or of a server that speaks its protocol.
///
/// Every body is signed by its hash, so that storage takes no byte that was changed on the way. What has more than one part
/// is stored by multipart upload: each part is held until storage has it, so it can be sent again, and no object is ever held
/// whole. An upload that fails is aborted, so that storage keeps no parts of it.
public struct S3Client: ObjectStore {
    private let configuration: S3Configuration
    private let client: HTTPClient
    private let signer: SigV4
    private let clock: @Sendable () -> Int64

    /// Makes a client of a bucket.
    ///
    /// - Parameters:
    ///   - configuration: where the bucket is.
    ///   - client: sends the requests; follows no redirects and stays open for as long as this is used.
    ///   - clock: seconds since 1970-01-01T00:00:00Z, for signatures.
    public init(_ configuration: S3Configuration, client: HTTPClient, clock: @escaping @Sendable () -> Int64) {
        precondition(configuration.partBytes >= 5 << 20, "S3 takes no part below 5 MiB but the last")
        self.configuration = configuration
        self.client = client
        self.clock = clock
        self.signer = SigV4(
            accessKeyID: configuration.accessKeyID,
            secretAccessKey: configuration.secretAccessKey,
            region: configuration.region
        )
    }

    /// Writes an object: in one request when it fits in a part, else in parts.
    @discardableResult
    public func write<Source: AsyncSequence>(
        _ name: ObjectName,
        contentType: String,
        from source: Source,
        deadline: ContinuousClock.Instant
    ) async throws -> Int64 where Source.Element == ByteBuffer {
        var parts = PartIterator(source.makeAsyncIterator(), partBytes: configuration.partBytes)
        // Parts live in this array alone, so that each is gone once it is stored.
        var pending: [ByteBuffer] = []
        if let first = try await parts.next() { pending.append(first) }
        if pending.first?.readableBytes == configuration.partBytes, let second = try await parts.next() {
            pending.append(second)
        }
        guard pending.count == 2 else {
            let size = pending.first?.readableBytes ?? 0
            try await put(name, contentType: contentType, pending.popLast() ?? ByteBuffer(), deadline: deadline)
            return Int64(size)
        }
        let upload = try await createUpload(name, contentType: contentType, deadline: deadline)
        do {
            var tags: [String] = []
            var size: Int64 = 0
            while !pending.isEmpty {
                guard tags.count < 10_000 else { throw ObjectStorageError(.refused, "more than 10,000 parts") }
                size += Int64(pending[0].readableBytes)
                tags.append(
                    try await putPart(tags.count + 1, of: upload, pending.removeFirst(), deadline: deadline)
                )
                if pending.isEmpty, let next = try await parts.next() { pending.append(next) }
            }
            try await complete(upload, tags, size: size, deadline: deadline)
            return size
        } catch {
            await abort(upload)
            throw error
        }
    }

    private func put(
        _ name: ObjectName,
        contentType: String,
        _ bytes: ByteBuffer,
        deadline: ContinuousClock.Instant
    ) async throws(ObjectStorageError) {
        _ = try await send("PUT", name, headers: [("content-type", contentType)], body: bytes, deadline: deadline)
    }

    /// How many bytes an object has.
    public func size(
        of name: ObjectName,
        deadline: ContinuousClock.Instant
    ) async throws(ObjectStorageError) -> Int64? {
        let answer = try await send("HEAD", name, deadline: deadline, accepts: [404])
        return answer.status == 404 ? nil : answer.headers.first(name: "content-length").flatMap { Int64($0) }
    }

    /// The bytes of an object; nil when there is none.
    ///
    /// - Parameters:
    ///   - name: the object.
    ///   - limit: the most bytes that are taken.
    ///   - deadline: after which nothing is tried again.
    public func read(
        _ name: ObjectName,
        upTo limit: Int,
        deadline: ContinuousClock.Instant
    ) async throws(ObjectStorageError) -> [UInt8]? {
        let answer = try await send("GET", name, deadline: deadline, accepts: [404], upTo: limit)
        return answer.status == 404 ? nil : Array(buffer: answer.body)
    }

    /// Removes an object.
    public func delete(_ name: ObjectName, deadline: ContinuousClock.Instant) async throws(ObjectStorageError) {
        _ = try await send("DELETE", name, deadline: deadline, accepts: [404])
    }

    /// Removes every object under a name, a page of 100 names at a time.
    public func deleteAll(
        under folder: ObjectName,
        deadline: ContinuousClock.Instant
    ) async throws(ObjectStorageError) -> Int {
        var count = 0
        while true {
            let answer = try await send(
                "GET",
                nil,
                query: [("list-type", "2"), ("max-keys", "100"), ("prefix", "\(folder)/")],
                deadline: deadline
            )
            let names = answer.text.elements("Key").compactMap { ObjectName($0) }
                .filter { $0.parts.starts(with: folder.parts) }
            guard !names.isEmpty else { return count }
            for name in names { try await delete(name, deadline: deadline) }
            count += names.count
        }
    }

    /// The object's URL, signed when the bucket is not for everybody.
    public func url(of name: ObjectName, unixSeconds: Int64) -> String {
        let location = S3Location(name, in: configuration)
        switch configuration.access {
        case .everybody(let base?): return "\(base.hasSuffix("/") ? String(base.dropLast()) : base)/\(name)"
        case .everybody(nil): return location.origin + SigV4.encoded(location.path, keepsSlashes: true)
        case .presigned(let seconds):
            let query = signer.presignedQuery(
                host: location.host,
                path: location.path,
                seconds: seconds,
                at: SigV4.Time(unixSeconds: unixSeconds)
            )
            return "\(location.origin)\(SigV4.encoded(location.path, keepsSlashes: true))?\(query)"
        }
    }

    // MARK: Multipart

    private struct Upload {
        let name: ObjectName
        let id: String
    }

    private func createUpload(
        _ name: ObjectName,
        contentType: String,
        deadline: ContinuousClock.Instant
    ) async throws(ObjectStorageError) -> Upload {
        let answer = try await send(
            "POST",
            name,
            query: [("uploads", "")],
            headers: [("content-type", contentType)],
            deadline: deadline
        )
        guard let id = answer.text.element("UploadId"), !id.isEmpty else {
            throw ObjectStorageError(.unavailable, "an upload was begun without an id")
        }
        return Upload(name: name, id: id)
    }

    private func putPart(
        _ number: Int,
        of upload: Upload,
        _ bytes: ByteBuffer,
        deadline: ContinuousClock.Instant
    ) async throws(ObjectStorageError) -> String {
        let query = [("partNumber", String(number)), ("uploadId", upload.id)]
        let answer = try await send("PUT", upload.name, query: query, body: bytes, deadline: deadline)
        guard let tag = answer.headers.first(name: "etag") else {
            throw ObjectStorageError(.unavailable, "a part was stored without a tag")
        }
        return tag
    }

    private func complete(
        _ upload: Upload,
        _ tags: [String],
        size: Int64,
        deadline: ContinuousClock.Instant
    ) async throws(ObjectStorageError) {
        let parts = tags.enumerated().map { index, tag in
            "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(tag.escapedForXML)</ETag></Part>"
        }
        let body = "<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>"
        let answer = try await send(
            "POST",
            upload.name,
            query: [("uploadId", upload.id)],
            body: ByteBuffer(string: body),
            deadline: deadline,
            accepts: [404]
        )
        // The upload is gone when an earlier attempt completed it and its answer was lost.
        if answer.status == 404 {
            guard try await self.size(of: upload.name, deadline: deadline) == size else {
                throw ObjectStorageError(.unavailable, "an upload vanished before it was complete")
            }
        }
    }

    /// Best effort, also when the task is cancelled: what stays is for the bucket's life-cycle rules.
    private func abort(_ upload: Upload) async {
        await Task {
            _ = try? await send(
                "DELETE",
                upload.name,
                query: [("uploadId", upload.id)],
                deadline: .now + .seconds(10),
                accepts: [404]
            )
        }.value
    }

    // MARK: Requests

    private func send(
        _ method: String,
        _ name: ObjectName?,
        query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [],
        body: ByteBuffer? = nil,
        deadline: ContinuousClock.Instant,
        accepts: Set<Int> = [],
        upTo limit: Int = 65_536
    ) async throws(ObjectStorageError) -> S3Answer {
        let location = S3Location(name, in: configuration)
        let hash = SigV4.hexadecimal(SHA256.hash(data: body?.readableBytesView ?? ByteBuffer().readableBytesView))
        let policy = RetryPolicy(attempts: configuration.attempts)
        var failed = 0
        while true {
            let time = SigV4.Time(unixSeconds: clock())
            let fixed = [("host", location.host), ("x-amz-content-sha256", hash), ("x-amz-date", time.stamp)]
            let signed = SigV4.Request(
                method: method,
                path: location.path,
                query: query,
                headers: headers + fixed,
                payloadHash: hash
            )
            var target = location.origin + SigV4.encoded(location.path, keepsSlashes: true)
            if !query.isEmpty { target += "?" + SigV4.canonicalQuery(query) }
            var request = HTTPClientRequest(url: target)
            request.method = HTTPMethod(rawValue: method)
            for header in signed.headers { request.headers.add(name: header.name, value: header.value) }
            request.headers.add(name: "authorization", value: signer.authorization(of: signed, at: time))
            if let body { request.body = .bytes(body) }
            let problem: String
            switch await exchange(request, deadline: deadline, upTo: limit) {
            case .success(let answer):
                switch answer.verdict(accepts: accepts) {
                case .accepted: return answer
                case .refused(let reason):
                    throw ObjectStorageError(.refused, "\(method) \(name?.description ?? "/"): \(reason)")
                case .passing(let reason): problem = reason
                }
            case .failure(let failure): problem = failure.reason
            }
            failed += 1
            try await pause(policy.delay(afterFailed: failed, fraction: .random(in: 0...1)), deadline, problem)
        }
    }

    private func pause(
        _ delay: Duration?,
        _ deadline: ContinuousClock.Instant,
        _ problem: String
    ) async throws(ObjectStorageError) {
        guard let delay, ContinuousClock.now + delay < deadline, (try? await Task.sleep(for: delay)) != nil else {
            throw ObjectStorageError(.unavailable, problem)
        }
    }

    private struct NoAnswer: Error {
        let reason: String
    }

    private func exchange(
        _ request: HTTPClientRequest,
        deadline: ContinuousClock.Instant,
        upTo limit: Int
    ) async -> Result<S3Answer, NoAnswer> {
        let remaining = ContinuousClock.now.duration(to: deadline)
        guard remaining > .zero else { return .failure(NoAnswer(reason: "there was no time left")) }
        do {
            let response = try await client.execute(request, timeout: TimeAmount(remaining))
            // 64 KiB but for objects: answers are small documents; what is longer is no answer of S3's.
            let body = request.method == .HEAD ? ByteBuffer() : try await response.body.collect(upTo: limit)
            return .success(
                S3Answer(
                    status: Int(response.status.code),
                    headers: response.headers,
                    body: body,
                    isDocument: request.method != .GET || response.status != .ok
                )
            )
        } catch let error as HTTPClientError {
            return .failure(NoAnswer(reason: error.shortDescription))
        } catch {
            return .failure(NoAnswer(reason: String("\(error)".prefix(200))))
        }
    }
}
