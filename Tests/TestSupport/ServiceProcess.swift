import Foundation
public import Glibc
import LocalCluster
import Synchronization

/// A service under test: a program of its own that is started, waited for, signalled and killed.
///
/// What it prints on both streams goes to a file. It is killed when the last reference goes.
public final class ServiceProcess: Sendable {
    /// How a program ended.
    public enum Exit: Sendable, Equatable {
        /// It returned this code.
        case exited(code: Int32)
        /// This signal ended it.
        case killed(signal: Int32)
    }

    /// The service ended, or took too long, before it said that it was ready.
    public struct NotReady: Error, CustomStringConvertible {
        /// What was waited for, and all that the service printed.
        public let description: String
    }

    /// The process id.
    public let pid: Int32
    /// The file of its output.
    public let logPath: String
    private let exit = Mutex<Exit?>(nil)

    /// Starts a program; returns at once.
    ///
    /// - Parameters:
    ///   - command: the program's path, then its arguments.
    ///   - environment: added to this process's own.
    ///   - input: the descriptor that it reads as standard input; nil for an empty one.
    ///   - logPath: the file for its output, appended to.
    public init(
        _ command: [String],
        environment: [String: String] = [:],
        input: Int32? = nil,
        logPath: String
    ) throws {
        let log = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0 else { throw NotReady(description: "\(logPath) can't be opened") }
        defer { close(log) }
        let child = try ChildProcess.spawn(
            command,
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
            directory: FileManager.default.currentDirectoryPath,
            input: input,
            output: log
        )
        self.pid = child.pid
        self.logPath = logPath
        Thread.detachNewThread { [weak self] in
            let end = child.waitBlocking()
            self?.exit.withLock { $0 = Exit(end) }
        }
    }

    deinit { if exit.withLock({ $0 == nil }) { Glibc.kill(pid, SIGKILL) } }

    /// How it ended; nil while it runs.
    public var ended: Exit? { exit.withLock { $0 } }

    /// What it has printed so far.
    public var log: String {
        String(decoding: FileManager.default.contents(atPath: logPath) ?? Data(), as: UTF8.self)
    }

    /// Waits until it has printed a line that contains a text, and returns that line.
    ///
    /// - Parameters:
    ///   - text: what the line contains.
    ///   - timeout: how long to wait before ``NotReady`` is thrown.
    @discardableResult
    public func waitForLine(containing text: String, timeout: Duration = .seconds(60)) async throws -> String {
        let deadline = ContinuousClock.now + timeout
        while true {
            let hasEnded = ended != nil
            let complete = log.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            if let line = complete.first(where: { $0.contains(text) }) { return String(line) }
            guard !hasEnded, ContinuousClock.now < deadline else {
                let reason = ended.map { "ended (\($0))" } ?? "did not within \(timeout)"
                throw NotReady(description: "waiting for a line with \"\(text)\", the service \(reason):\n\(log)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Sends a signal and waits for the end.
    ///
    /// - Parameters:
    ///   - signal: SIGTERM for an orderly stop, SIGKILL for a crash.
    ///   - timeout: how long to wait before it is killed.
    @discardableResult
    public func stop(_ signal: Int32 = SIGTERM, timeout: Duration = .seconds(60)) async -> Exit {
        if ended == nil { Glibc.kill(pid, signal) }
        let deadline = ContinuousClock.now + timeout
        while true {
            if let ended { return ended }
            if ContinuousClock.now > deadline { Glibc.kill(pid, SIGKILL) }
            await Task { try? await Task.sleep(for: .milliseconds(10)) }.value
        }
    }
}

extension ServiceProcess.Exit {
    fileprivate init(_ exit: ChildProcess.Exit) {
        switch exit {
        case .exited(let code): self = .exited(code: code)
        case .killed(let signal): self = .killed(signal: signal)
        }
    }
}
