import Glibc
import Synchronization

/// Where log lines go.
public struct LogOutput: Sendable {
    /// The process's standard error.
    public static let standardError = LogOutput { write($0, to: STDERR_FILENO) }
    /// The process's standard output.
    public static let standardOutput = LogOutput { write($0, to: STDOUT_FILENO) }

    // A long line goes to a pipe in parts: the lock keeps other threads' lines out of it.
    private static let lock = Mutex(())

    private let writeLine: @Sendable ([UInt8]) -> Void

    /// Hands each line, with its line feed, to a closure that may be called from any thread.
    public init(_ writeLine: @escaping @Sendable ([UInt8]) -> Void) { self.writeLine = writeLine }

    func write(_ line: [UInt8]) { writeLine(line) }

    private static func write(_ line: [UInt8], to descriptor: Int32) {
        lock.withLock { _ in
            line.withUnsafeBytes { buffer in
                var rest = buffer[...]
                while !rest.isEmpty {
                    let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                    if count > 0 {
                        rest = rest.dropFirst(count)
                    } else if errno == EAGAIN {
                        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                        poll(&waiting, 1, 1000)
                    } else if errno != EINTR {
                        return  // Nobody is there to be told.
                    }
                }
            }
        }
    }
}
