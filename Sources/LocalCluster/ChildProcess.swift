import CSpawn
import Foundation
import Glibc

/// A program started with nothing inherited but its standard streams.
///
/// Foundation's `Process` learns of a child's end from a descriptor that every descendant inherits, so it would wait for
/// the server that `pg_ctl` leaves behind. This one waits for the child's own id, and output goes to a file, not a pipe.
package struct ChildProcess: Sendable {
    /// How a program ended.
    package enum Exit: Sendable, Equatable {
        case exited(code: Int32)
        case killed(signal: Int32)
    }

    /// The operating system refused to start a program.
    package struct SpawnError: Error, CustomStringConvertible {
        /// The program.
        package let program: String
        /// The operating system's error number.
        package let errorNumber: Int32
        /// The program and the reason.
        package var description: String { "\(program): \(String(cString: strerror(errorNumber)))" }
    }

    /// The process id.
    package let pid: Int32

    /// Starts a program; it must be waited for exactly once.
    ///
    /// - Parameters:
    ///   - command: the program's path or name, then its arguments.
    ///   - environment: the whole environment of the program.
    ///   - directory: its working folder.
    ///   - input: the descriptor it reads as standard input; nil for an empty input.
    ///   - output: the descriptor that it writes standard output and standard error to.
    ///   - newSession: whether it leaves the caller's session, so that a terminal's Ctrl-C does not reach it.
    package static func spawn(
        _ command: [String],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        directory: String = "/",
        input: Int32? = nil,
        output: Int32,
        newSession: Bool = false
    ) throws(SpawnError) -> ChildProcess {
        let argumentPointers = command.map { strdup($0) } + [nil]
        let environmentPointers = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var pid: Int32 = 0
        let result = cspawn(
            &pid,
            argumentPointers,
            environmentPointers,
            directory,
            input ?? -1,
            output,
            newSession
        )
        guard result == 0 else { throw SpawnError(program: command[0], errorNumber: result) }
        return ChildProcess(pid: pid)
    }

    /// Waits for the program's end, blocking the thread.
    package func waitBlocking() -> Exit {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
        // The low seven bits are the signal, the next byte the exit code.
        let signal = status & 0x7F
        return signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .killed(signal: signal)
    }

    /// Waits for the program's end without blocking the caller's thread.
    package func wait() async -> Exit {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: waitBlocking()) }
        }
    }

    /// Runs a program to its end and returns how it ended and what it printed on both streams.
    ///
    /// A program left running by the one that is waited for keeps the output file, which is then nameless, and is not
    /// waited for.
    ///
    /// - Parameters:
    ///   - command: the program's path or name, then its arguments.
    ///   - environment: the whole environment of the program.
    ///   - input: text for its standard input.
    package static func run(
        _ command: [String],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        input: String? = nil
    ) async throws(SpawnError) -> (exit: Exit, output: String) {
        let outputDescriptor = try temporaryFile(for: command[0])
        defer { close(outputDescriptor) }
        var inputDescriptor: Int32?
        if let input {
            let descriptor = try temporaryFile(for: command[0])
            writeAll(input, to: descriptor)
            lseek(descriptor, 0, SEEK_SET)
            inputDescriptor = descriptor
        }
        defer { if let inputDescriptor { close(inputDescriptor) } }
        let child = try spawn(command, environment: environment, input: inputDescriptor, output: outputDescriptor)
        let exit = await child.wait()
        return (exit, readAll(outputDescriptor))
    }

    /// Runs a program that ends at once, blocking the thread, and returns what it printed; nil when it failed.
    package static func runBlocking(_ command: [String]) throws(SpawnError) -> String? {
        let descriptor = try temporaryFile(for: command[0])
        defer { close(descriptor) }
        let exit = try spawn(command, output: descriptor).waitBlocking()
        return exit == .exited(code: 0) ? readAll(descriptor) : nil
    }

    private static func temporaryFile(for program: String) throws(SpawnError) -> Int32 {
        let descriptor = cspawn_memory_file()
        guard descriptor >= 0 else { throw SpawnError(program: program, errorNumber: errno) }
        return descriptor
    }

    private static func writeAll(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func readAll(_ descriptor: Int32) -> String {
        lseek(descriptor, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
