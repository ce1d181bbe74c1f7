import Foundation
import Glibc
import Synchronization

/// A blocking server on loopback with a thread for each connection: cheap enough to feed and drain what is measured.
final class BulkServer: Sendable {
    let port: Int
    private let listener: Int32

    /// Listens, and gives each connection to a handler on a thread of its own; the handler's end closes it.
    init(_ handle: @escaping @Sendable (BulkConnection) -> Void) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                bind(listener, general, length) == 0 && listen(listener, 256) == 0
                    ? getsockname(listener, general, &length) : -1
            }
        }
        precondition(result == 0, "the loopback address has no free port")
        self.listener = listener
        self.port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread {
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                Thread.detachNewThread {
                    handle(BulkConnection(descriptor: descriptor))
                    close(descriptor)
                }
            }
        }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

/// One connection of a blocking server.
struct BulkConnection: Sendable {
    let descriptor: Int32

    /// Reads a request's head, and as much of its body as came with it.
    func readHead(_ buffer: UnsafeMutableRawBufferPointer) -> (head: String, extra: Int)? {
        var count = 0
        while count < buffer.count {
            let got = recv(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count, 0)
            guard got > 0 else { return nil }
            count += got
            // A head has less than 8 KiB; what follows is not looked at.
            let seen = buffer[..<min(count, 8_192)]
            if let end = seen.firstRange(of: Array("\r\n\r\n".utf8)) {
                return (String(decoding: buffer[..<end.lowerBound], as: UTF8.self), count - end.upperBound)
            }
        }
        return nil
    }

    /// Reads so many bytes and forgets them.
    func drop(_ count: Int, _ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        var rest = count
        while rest > 0 {
            let got = recv(descriptor, buffer.baseAddress, min(rest, buffer.count), 0)
            guard got > 0 else { return false }
            rest -= got
        }
        return true
    }

    func send(_ text: String) {
        text.utf8CString.withUnsafeBytes { _ = send(UnsafeRawBufferPointer(rebasing: $0.dropLast())) }
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let slice = UnsafeRawBufferPointer(rebasing: rest)
            let sent = Glibc.send(descriptor, slice.baseAddress, slice.count, Int32(MSG_NOSIGNAL))
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}

/// A source of videos of one size.
func videoSource(bytes: Int) -> BulkServer {
    BulkServer { connection in
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        guard connection.readHead(buffer) != nil else { return }
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: \(bytes)\r\n\r\n")
        buffer.initializeMemory(as: UInt8.self, repeating: 0x55)
        let start: [UInt8] = [0, 0, 0, 24] + Array("ftypisom".utf8) + [0, 0, 2, 0]
        guard start.withUnsafeBytes({ connection.send($0) }) else { return }
        var rest = bytes - start.count
        while rest > 0 {
            let count = min(rest, buffer.count)
            guard connection.send(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else { return }
            rest -= count
        }
    }
}

/// As much of S3 as an upload needs; it counts bytes and drops them.
final class ByteSink: Sendable {
    struct Counts: Sendable {
        var partBytes = 0
        var parts = 0
        var completed = 0
        var others = 0
    }

    private let counter = Mutex(Counts())
    private let listening = Mutex<BulkServer?>(nil)
    var counts: Counts { counter.withLock { $0 } }
    var port: Int { listening.withLock { $0?.port ?? 0 } }

    init() { listening.withLock { $0 = BulkServer { [self] in serve($0) } } }

    func stop() { listening.withLock { $0?.stop() } }

    private func serve(_ connection: BulkConnection) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while let (head, extra) = connection.readHead(buffer) {
            let lines = head.lowercased().split(separator: "\r\n")
            let length = lines.first { $0.hasPrefix("content-length:") }
                .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
            guard connection.drop((length ?? 0) - extra, buffer) else { return }
            let target = lines.first ?? ""
            var body = ""
            counter.withLock { counts in
                if target.hasPrefix("put"), target.contains("partnumber=") {
                    counts.parts += 1
                    counts.partBytes += length ?? 0
                } else if target.hasPrefix("post"), target.contains("?uploads=") {
                    body =
                        "<InitiateMultipartUploadResult><UploadId>upload-1</UploadId></InitiateMultipartUploadResult>"
                } else if target.hasPrefix("post"), target.contains("uploadid=") {
                    counts.completed += 1
                    body = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
                } else {
                    counts.others += 1
                }
            }
            connection.send("HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
    }
}
