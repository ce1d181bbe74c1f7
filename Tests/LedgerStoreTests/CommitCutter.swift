import Foundation
import Postgres
import Synchronization

/// A Unix socket between a client and its server that cuts connections around a COMMIT, as when a machine disappears.
///
/// It copies bytes on threads of its own, and knows a COMMIT by the name of the client's prepared statement, or by the end
/// of the COPY that commits.
final class CommitCutter: Sendable {
    /// Where a connection is cut.
    enum Cut: Sendable, CaseIterable {
        /// The server gets nothing of the batch's writing.
        case beforeEvents
        /// The server gets all but the COMMIT.
        case beforeCommit
        /// The server commits, and its reply is lost.
        case afterCommit
    }

    private struct State {
        var cuts: [Cut] = []
        var isRefusing = false
        var pairs: [Pair] = []
        var cutCount = 0
    }

    private final class Pair: Sendable {
        let client: Int32
        let server: Int32
        /// Whether the server's replies are lost, and the connection with the next COMMIT among them.
        let isMuted = Atomic<Bool>(false)

        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }

        /// Closing would free the number for another thread's socket; a shutdown ends both copies and leaks two numbers.
        func sever() {
            shutdown(client, Int32(SHUT_RDWR))
            shutdown(server, Int32(SHUT_RDWR))
        }
    }

    private let folder: String
    private let serverPath: String
    private let listener: Int32
    private let state = Mutex(State())

    /// Stands before the server that a URL names by its socket's folder.
    init(before url: String) throws {
        guard let host = try PostgresConfiguration(url: url).host, host.hasPrefix("/") else {
            throw CocoaError(.fileNoSuchFile)
        }
        folder = "/tmp/runledger-cutter-\(UInt32.random(in: 0...(.max)))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        serverPath = host + "/.s.PGSQL.5432"
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        let bound = Self.withAddress(folder + "/.s.PGSQL.5432") { bind(listener, $0, $1) }
        precondition(bound == 0 && listen(listener, 64) == 0, "the proxy can't listen")
        Thread.detachNewThread { [self] in accept() }
    }

    /// The URL of the same database through the proxy.
    func url(for url: String) throws -> String {
        let database = try PostgresConfiguration(url: url).database ?? "postgres"
        return "postgresql:///\(database)?host=\(folder)&user=postgres"
    }

    /// Cuts the connections that next commit, one after the other.
    func arm(_ cuts: [Cut]) { state.withLock { $0.cuts += cuts } }

    /// How many connections were cut so far.
    var cutCount: Int { state.withLock { $0.cutCount } }

    /// Whether new connections are closed at once, as by a server that is gone.
    func refuse(_ isRefusing: Bool) { state.withLock { $0.isRefusing = isRefusing } }

    /// Cuts every connection.
    func severAll() { for pair in state.withLock({ $0.pairs }) { pair.sever() } }

    func stop() {
        refuse(true)
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        severAll()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func accept() {
        while true {
            let client = Foundation.accept(listener, nil, nil)
            if client < 0 { return }
            let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            guard !state.withLock({ $0.isRefusing }),
                Self.withAddress(serverPath, { connect(server, $0, $1) }) == 0
            else {
                close(server)
                close(client)
                continue
            }
            let pair = Pair(client: client, server: server)
            state.withLock { $0.pairs.append(pair) }
            Thread.detachNewThread { [self] in copyToServer(pair) }
            Thread.detachNewThread { [self] in copyToClient(pair) }
        }
    }

    private func copyToServer(_ pair: Pair) {
        defer { pair.sever() }
        // Bind names the portal, which is the empty one, and then the statement. Parse has no empty name before it.
        var events = Search(for: "\0append_events\0")
        var commit = Search(for: "\0__commit\0")
        var copyEvents = Search(for: "COPY ledger.events")
        // The end of a COPY, behind the trailer of its rows: the batches that copy their events commit with it.
        var copyDone = Search(for: [6, 0xFF, 0xFF, UInt8(ascii: "c"), 0, 0, 0, 4])
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(pair.client, &buffer, buffer.count)
            if count <= 0 { return }
            var allowed = count
            let (append, copyBegin) = (events.end(in: buffer[..<count]), copyEvents.end(in: buffer[..<count]))
            let eventsEnd = append ?? copyBegin
            let (execution, copy) = (commit.end(in: buffer[..<count]), copyDone.end(in: buffer[..<count]))
            let commitEnd = execution ?? copy
            if let eventsEnd, nextCut([.beforeEvents]) != nil {
                allowed = max(0, eventsEnd - 15)
            } else if let commitEnd, let cut = nextCut([.beforeCommit, .afterCommit]) {
                // Without the last bytes of the message that commits.
                if cut == .beforeCommit { allowed = max(0, commitEnd - (execution == nil ? 5 : 10)) }
                if cut == .afterCommit { pair.isMuted.store(true, ordering: .sequentiallyConsistent) }
            }
            guard Self.send(buffer[..<allowed], to: pair.server), allowed == count else { return }
        }
    }

    private func copyToClient(_ pair: Pair) {
        defer { pair.sever() }
        var search = Search(for: "\0COMMIT\0".dropFirst())
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(pair.server, &buffer, buffer.count)
            if count <= 0 { return }
            guard pair.isMuted.load(ordering: .sequentiallyConsistent) else {
                guard Self.send(buffer[..<count], to: pair.client) else { return }
                continue
            }
            if search.end(in: buffer[..<count]) != nil { return }
        }
    }

    private func nextCut(_ possible: Set<Cut>) -> Cut? {
        state.withLock { state in
            guard let next = state.cuts.first, possible.contains(next) else { return nil }
            state.cutCount += 1
            return state.cuts.removeFirst()
        }
    }

    private static func send(_ bytes: ArraySlice<UInt8>, to target: Int32) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                let written = Foundation.send(target, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                if written <= 0 { return false }
                sent += written
            }
            return true
        }
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

/// Finds a text in a stream of bytes, also where it lies across two reads.
private struct Search {
    private let pattern: [UInt8]
    private var matched = 0

    init(for text: some StringProtocol) { pattern = Array(text.utf8) }

    init(for bytes: [UInt8]) { pattern = bytes }

    /// The number of bytes up to the text's end, if it ends in these; the text repeats no beginning of itself.
    mutating func end(in bytes: ArraySlice<UInt8>) -> Int? {
        for (index, byte) in bytes.enumerated() {
            if byte != pattern[matched] { matched = 0 }
            if byte == pattern[matched] { matched += 1 }
            if matched == pattern.count {
                matched = 0
                return index + 1
            }
        }
        return nil
    }
}
