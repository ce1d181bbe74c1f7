import Foundation
import Synchronization

@testable import Postgres

/// A private PostgreSQL cluster in a temporary folder, without TCP, for as long as the test process lives.
///
/// A shell supervises it and reads commands from a pipe. When the test process ends in whatever way, the pipe ends, and
/// the shell stops the server and removes the folder.
final class TestCluster: Sendable {
    /// The cluster that all suites share, or the server that TEST_DATABASE_URL names.
    static let shared: TestCluster? = environmentURL == nil ? TestCluster() : nil

    private static let environmentURL = ProcessInfo.processInfo.environment["TEST_DATABASE_URL"]
    private static let running = Mutex<[TestCluster]>([])

    /// The folder with the server's socket.
    let folder: String
    private let process: Process
    private let commands: FileHandle
    private let answers: Mutex<FileHandle>

    init() {
        let (input, output) = (Pipe(), Pipe())
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", Self.script]
        process.standardInput = input
        process.standardOutput = output
        // Children of this process must not keep the pipe open.
        _ = fcntl(input.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        commands = input.fileHandleForWriting
        answers = Mutex(output.fileHandleForReading)
        try! process.run()
        folder = answers.withLock { Self.readLine($0) }
        precondition(folder.hasPrefix("/"), "the test cluster did not start")
        Self.running.withLock { running in
            if running.isEmpty { atexit { TestCluster.stopAll() } }
            running.append(self)
        }
    }

    /// Where the shared server is, for a client.
    static func configuration() throws -> PostgresConfiguration {
        try shared?.configuration() ?? PostgresConfiguration(url: environmentURL ?? "")
    }

    /// Where this server is, for a client; another folder may hold a proxy's socket.
    func configuration(folder: String? = nil) throws -> PostgresConfiguration {
        try PostgresConfiguration(url: "host=\(folder ?? self.folder) user=postgres dbname=postgres")
    }

    var socketPath: String { folder + "/.s.PGSQL.5432" }

    /// Stops the server as after a crash.
    func crash() { run("crash") }

    /// Starts the server again.
    func start() { run("start") }

    /// Stops it for good and removes its folder.
    func remove() {
        try? commands.close()
        process.waitUntilExit()
    }

    private static func stopAll() {
        for cluster in running.withLock({ $0 }) { cluster.remove() }
    }

    private func run(_ command: String) {
        answers.withLock { answers in
            try! commands.write(contentsOf: Data((command + "\n").utf8))
            precondition(Self.readLine(answers) == "done", "\(command) of the test cluster failed")
        }
    }

    private static func readLine(_ handle: FileHandle) -> String {
        var line: [UInt8] = []
        while let byte = try? handle.read(upToCount: 1)?.first, byte != 10 { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }

    private static let script = """
        trap '' INT TERM HUP
        bin=${PG_BIN:-$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)}
        dir=$(mktemp -d /tmp/runledger-pg.XXXXXX)
        as=
        if [ "$(id -u)" = 0 ]; then as="runuser -u postgres --"; chown postgres "$dir"; fi
        cd "$dir"
        options="-c listen_addresses='' -c unix_socket_directories='$dir' -c fsync=off -c max_connections=200"
        start() { $as "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o "$options" start >/dev/null; }
        stop() { $as "$bin/pg_ctl" -D "$dir/data" -w -m immediate stop >/dev/null 2>&1; }
        $as "$bin/initdb" -D "$dir/data" --auth=trust --no-sync --no-locale -E UTF8 -U postgres >/dev/null && start \
            && echo "$dir"
        while read -r command; do
            case "$command" in
                crash) stop && echo done || echo failed ;;
                start) start && echo done || echo failed ;;
            esac
        done
        stop
        cd /
        rm -rf "$dir"
        """
}
