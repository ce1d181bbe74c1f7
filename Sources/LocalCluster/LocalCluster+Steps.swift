import Foundation
import Glibc

extension LocalCluster {
    private static let startTimeoutSeconds = 600
    private static let lockTimeout = Duration.seconds(660)

    /// Holds the cluster's lock while the body runs: two commands at once would make or start it twice.
    func withLock(_ body: () async throws(LocalClusterError) -> Void) async throws(LocalClusterError) {
        try ClusterFiles.makeFolder(folder)
        let descriptor = open(files.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw LocalClusterError(
                .folderNotUsable,
                "\(files.lock) can't be opened: \(String(cString: strerror(errno))).",
                advice: "Run this as the user that made the cluster or as root, or choose another folder."
            )
        }
        defer { close(descriptor) }
        let deadline = ContinuousClock.now + Self.lockTimeout
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard ContinuousClock.now < deadline else {
                throw LocalClusterError(
                    .busy,
                    "Another command has been starting or stopping the cluster in \(folder) for eleven minutes.",
                    advice: "See what it waits for in \(files.log), then end it."
                )
            }
            await Self.pause(milliseconds: 50)
        }
        try await body()
    }

    func initializeLocked() async throws(LocalClusterError) {
        if files.exists { return }
        let user = try ServerUser.choose(for: folder)
        let binaries = try PostgresBinaries.find(requiredMajorVersion: nil)
        let files = try await files.prepareHome(for: user)
        try? FileManager.default.removeItem(atPath: files.unfinishedData)
        // Every superuser statement comes through a socket in a folder that only its owner can enter: hence `trust`.
        var command = [
            binaries.path("initdb"), "-D", files.unfinishedData, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--data-checksums", "--no-instructions",
        ]
        if !isDurable { command.append("--no-sync") }
        var failure = try await run(command + ["--locale=C.UTF-8"], as: user)
        if failure?.contains("invalid locale") == true {
            failure = try await run(command + ["--locale=C"], as: user)
        }
        if let failure {
            throw LocalClusterError(
                .initializationFailed,
                "PostgreSQL's initdb failed in \(files.home).",
                advice: "Read what it printed; remove the folder before the next attempt if something is left in it.",
                logTail: failure
            )
        }
        let main = "\(files.unfinishedData)/postgresql.conf"
        let text = FileManager.default.contents(atPath: main).map { String(decoding: $0, as: UTF8.self) } ?? ""
        try ClusterFiles.write(text + "\ninclude_if_exists = 'runledger.conf'\n", to: main)
        guard rename(files.unfinishedData, files.data) == 0 else {
            throw LocalClusterError(
                .initializationFailed,
                "\(files.unfinishedData) can't be renamed: \(String(cString: strerror(errno))).",
                advice: "Move away what stands in its place (\(files.data))."
            )
        }
    }

    func startLocked() async throws(LocalClusterError) {
        let files = files
        if Postmaster(files: files) != nil { return }
        let user = try ServerUser.choose(for: files.home)
        let binaries = try PostgresBinaries.find(requiredMajorVersion: files.majorVersion)
        // Sessions of a killed server live on until they notice, and hold its memory: PostgreSQL would refuse to start.
        try await waitForEnd(of: ProcessTable.processes(titledWith: "postgres: \(files.clusterName):"))
        Postmaster.removeStaleFiles(files)
        try files.prepareSocketFolder(for: user)
        let configuration = try ClusterSettings.configuration(
            durable: isDurable,
            overrides: settings,
            socketFolder: files.socketFolder,
            clusterName: files.clusterName
        )
        try ClusterFiles.write(configuration, to: files.configuration)
        files.rotateLog()
        let command = [
            binaries.path("pg_ctl"), "start", "-D", files.data, "-l", files.log, "-w", "-s",
            "-t", "\(Self.startTimeoutSeconds)",
        ]
        guard let output = try await run(command, as: user) else { return }
        throw LocalClusterError(
            .startFailed,
            "PostgreSQL did not start in \(files.home): \(output)",
            advice: "Read its log, \(files.log).",
            logTail: files.logTail()
        )
    }

    /// Waits until none of the processes runs; those that do not end by themselves in five seconds are killed.
    func waitForEnd(of processes: [ProcessTable.Identity]) async throws(LocalClusterError) {
        let start = ContinuousClock.now
        var isForced = false
        while true {
            let rest = processes.filter(ProcessTable.isRunning)
            if rest.isEmpty { return }
            let waited = ContinuousClock.now - start
            if waited > .seconds(5), !isForced {
                for process in rest { kill(process.pid, SIGKILL) }
                isForced = true
            }
            guard waited < .seconds(30) else {
                throw LocalClusterError(
                    .stopFailed,
                    "Processes of the cluster in \(folder) do not end: \(rest.map { "\($0.pid)" }.joined(separator: ", ")).",
                    advice: "End them by hand (kill -9), as root or as the user that started them."
                )
            }
            await Self.pause(milliseconds: 20)
        }
    }

    /// Runs one of PostgreSQL's programs as the server's user; nil when it succeeded, else what it printed.
    func run(_ command: [String], as user: ServerUser) async throws(LocalClusterError) -> String? {
        do {
            let result = try await ChildProcess.run(user.command(command), environment: user.environment())
            if result.exit == .exited(code: 0) { return nil }
            let output = result.output.trimmingCharacters(in: .whitespacesAndNewlines)
            return output.isEmpty ? "\(command[0]) ended with \(result.exit)" : output
        } catch {
            throw LocalClusterError(
                .notInstalled,
                "A program that the cluster needs can't be run: \(error)",
                advice: "Run `apt-get install postgresql util-linux`."
            )
        }
    }

    /// Waits also in a cancelled task: what was begun with the server is ended in order.
    private static func pause(milliseconds: Int) async {
        await Task { try? await Task.sleep(for: .milliseconds(milliseconds)) }.value
    }
}
