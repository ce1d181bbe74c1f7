import Foundation
import Synchronization

/// A Unix socket between client and server that can be cut in mid-stream, in either direction.
///
/// It copies bytes on threads of its own. A cut closes both sockets of the connection at once, after a number of bytes
/// in one direction; whatever the other side sends after that is lost, as when a machine disappears.
final class SocketProxy: Sendable {
    enum Direction: Sendable { case toServer, toClient }

    private struct State {
        var cut: (direction: Direction, afterBytes: Int)?
        var isHeld = false
        var pairs: [(client: Int32, server: Int32)] = []
        var isStopped = false
    }

    let folder: String
    private let serverPath: String
    private let listener: Int32
    private let state = Mutex(State())

    init(to cluster: TestCluster) {
        folder = NSTemporaryDirectory() + "runledger-proxy-\(UInt32.random(in: 0...(.max)))"
        try! FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        serverPath = cluster.socketPath
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        let bound = Self.withAddress(folder + "/.s.PGSQL.5432") { bind(listener, $0, $1) }
        precondition(bound == 0 && listen(listener, 64) == 0, "the proxy can't listen")
        Thread.detachNewThread { [self] in accept() }
    }

    /// Cuts the connection that next carries so many more bytes in a direction; bytes beyond are not forwarded.
    func cut(_ direction: Direction, afterBytes: Int) {
        state.withLock { $0.cut = (direction, afterBytes) }
    }

    /// Keeps replies back, without closing anything, until `release`.
    func hold() { state.withLock { $0.isHeld = true } }

    func release() { state.withLock { $0.isHeld = false } }

    func stop() {
        let pairs = state.withLock { state in
            state.isStopped = true
            return state.pairs
        }
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        for pair in pairs { Self.sever(pair) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func accept() {
        while true {
            let client = Foundation.accept(listener, nil, nil)
            if client < 0 { return }
            let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            guard Self.withAddress(serverPath, { connect(server, $0, $1) }) == 0 else {
                close(server)
                close(client)
                continue
            }
            state.withLock { $0.pairs.append((client, server)) }
            Thread.detachNewThread { [self] in copy((client, server), .toServer) }
            Thread.detachNewThread { [self] in copy((client, server), .toClient) }
        }
    }

    private func copy(_ pair: (client: Int32, server: Int32), _ direction: Direction) {
        let (source, target) = direction == .toServer ? (pair.client, pair.server) : (pair.server, pair.client)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(source, &buffer, buffer.count)
            if count <= 0 { break }
            while direction == .toClient, state.withLock({ $0.isHeld && !$0.isStopped }) { usleep(1_000) }
            let (allowed, isCut) = state.withLock { Self.take(count, direction, &$0.cut) }
            if isCut { break }
            var sent = 0
            while sent < allowed {
                let written = buffer.withUnsafeBytes {
                    Foundation.send(target, $0.baseAddress! + sent, allowed - sent, Int32(MSG_NOSIGNAL))
                }
                if written <= 0 { break }
                sent += written
            }
        }
        Self.sever(pair)
    }

    /// How much of what was read may pass. A cut happens once; the rest of its bytes pass first.
    private static func take(
        _ count: Int,
        _ direction: Direction,
        _ cut: inout (direction: Direction, afterBytes: Int)?
    ) -> (Int, Bool) {
        guard let planned = cut, planned.direction == direction else { return (count, false) }
        if count <= planned.afterBytes {
            cut = (direction, planned.afterBytes - count)
            return (count, false)
        }
        cut = nil
        return (0, true)
    }

    /// Closing would free the number for another thread's socket; a shutdown ends both copies and leaks two numbers.
    private static func sever(_ pair: (client: Int32, server: Int32)) {
        shutdown(pair.client, Int32(SHUT_RDWR))
        shutdown(pair.server, Int32(SHUT_RDWR))
    }

    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        precondition(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path), "the path is too long")
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
