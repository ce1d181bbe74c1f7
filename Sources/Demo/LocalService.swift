import Foundation
import Glibc
import LocalCluster
import Operations
import Registry
import Synchronization

/// A process of this program's own executable that serves HTTP on the loopback address.
///
/// It reads a pipe that only its starter holds open, and ends when that pipe does: so it can't outlive its starter, even
/// one that is killed.
package final class LocalService: Sendable {
    /// What it is called in messages.
    let name: String
    /// The file of its output.
    let logPath: String
    private let process: ChildProcess
    private let pipe: Int32
    private let exit = Mutex<ChildProcess.Exit?>(nil)
    private let listeningPort = Mutex<Int?>(nil)

    /// Starts it and waits until it listens.
    ///
    /// - Parameters:
    ///   - name: what it is called in messages and in the name of its log file.
    ///   - arguments: those of the program.
    ///   - environment: added to this process's own.
    ///   - logFolder: where its log is written, anew each time.
    static func start(
        name: String,
        arguments: [String],
        environment: [String: String],
        logFolder: String
    ) async throws(OperationError) -> LocalService {
        let service = try LocalService(name, arguments, environment, logFolder)
        do throws(OperationError) {
            try await service.waitUntilListening()
            return service
        } catch {
            await service.stop()
            throw error
        }
    }

    private init(
        _ name: String,
        _ arguments: [String],
        _ environment: [String: String],
        _ logFolder: String
    ) throws(OperationError) {
        self.name = name
        self.logPath = "\(logFolder)/\(name).log"
        var ends: [Int32] = [-1, -1]
        try? FileManager.default.createDirectory(atPath: logFolder, withIntermediateDirectories: true)
        let log = open(logPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0, Glibc.pipe(&ends) == 0 else {
            throw OperationError(.unavailable, "\(logPath) can't be opened: \(String(cString: strerror(errno))).")
        }
        self.pipe = ends[1]
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer {
            close(log)
            close(ends[0])
        }
        let own = ["RUNLEDGER_LOG_LEVEL": "info", "RUNLEDGER_LOG_FORMAT": "json"]
        do {
            let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            self.process = try ChildProcess.spawn(
                [program] + arguments + ["--until-input-ends"],
                environment: ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging(own) { $1 },
                directory: FileManager.default.currentDirectoryPath,
                input: ends[0],
                output: log,
                newSession: true
            )
        } catch {
            close(ends[1])
            throw OperationError(.unavailable, "The \(name) can't be started: \(error)")
        }
        Thread.detachNewThread { [process, self] in
            let end = process.waitBlocking()
            exit.withLock { $0 = end }
        }
    }

    /// The port it listens on.
    var port: Int { listeningPort.withLock { $0 } ?? 0 }
    /// Its base URL.
    package var url: String { "http://127.0.0.1:\(port)" }
    /// Whether it has ended.
    var hasEnded: Bool { exit.withLock { $0 != nil } }

    /// The last lines of its log.
    func logTail(_ lineCount: Int = 12) -> String {
        let text = String(decoding: FileManager.default.contents(atPath: logPath) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").suffix(lineCount).joined(separator: "\n")
    }

    /// Has it finish, and waits for its end; kills it when that takes too long. Harmless when it has ended.
    func stop() async {
        if !hasEnded { kill(process.pid, SIGTERM) }
        let deadline = ContinuousClock.now + .seconds(45)
        while !hasEnded {
            if ContinuousClock.now > deadline { kill(process.pid, SIGKILL) }
            // In a task of its own, so that it waits in a cancelled task too.
            await Task { try? await Task.sleep(for: .milliseconds(10)) }.value
        }
    }

    /// Waits for its end.
    func waitForEnd() async throws {
        while !hasEnded { try await Task.sleep(for: .milliseconds(100)) }
    }

    private func waitUntilListening() async throws(OperationError) {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let hasEnded = hasEnded
            if let port = announcedPort() {
                listeningPort.withLock { $0 = port }
                return
            }
            guard !hasEnded, ContinuousClock.now < deadline else {
                throw OperationError(
                    .unavailable,
                    "The \(name) \(hasEnded ? "ended" : "did not come up within a minute").",
                    advice: "Its log is \(logPath); it ends with:",
                    excerpt: logTail()
                )
            }
            do {
                try await Task.sleep(for: .milliseconds(20))
            } catch {
                throw OperationError(.unavailable, "The start of the \(name) was interrupted.")
            }
        }
    }

    private func announcedPort() -> Int? {
        let log = String(decoding: FileManager.default.contents(atPath: logPath) ?? Data(), as: UTF8.self)
        for line in log.split(separator: "\n") where line.contains("listening") {
            guard let record = try? JSONValue(text: String(line)), record["message"]?.stringValue == "listening" else {
                continue
            }
            return record["metadata"]?["port"]?.scalarText.flatMap { Int($0) }
        }
        return nil
    }

    deinit { close(pipe) }
}
