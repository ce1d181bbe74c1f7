import Foundation
import Glibc
import LocalCluster

/// A shell that outlives the test process just long enough to stop the clusters that it left behind.
///
/// It waits for the end of a pipe that only the test process holds open: that end comes however the process ends, also by
/// `kill -9`, and can't be missed. At an orderly exit the process waits for the shell, so that nothing is left when it is
/// gone. Folders are announced before anything is made in them.
enum CleanupWatchdog {
    private struct Running {
        let shell: ChildProcess
        let pipe: Int32
    }

    // Reads one folder per line until the pipe ends. A server may still be starting in a folder: hence three rounds.
    private static let script = """
        folders=''
        while IFS= read -r folder; do folders="$folders $folder"; done
        for round in 1 2 3; do
            again=''
            for folder in $folders; do
                [ -d "$folder" ] || continue
                again=yes
                for home in "$folder" "$(cat "$folder"/location 2>/dev/null)"; do
                    [ -d "$home" ] || continue
                    pid=$(head -n 1 "$home"/data/postmaster.pid 2>/dev/null)
                    case "$(tr '\\0' ' ' 2>/dev/null < /proc/"$pid"/cmdline)" in
                        *postgres*"$home"*) kill -QUIT "$pid" 2>/dev/null ;;
                    esac
                    socket=$(cat "$home"/socket-folder 2>/dev/null)
                    case "$socket" in /tmp/runledger-*) rm -rf "$socket" ;; esac
                    rm -rf "$home" 2>/dev/null
                done
                rm -rf "$folder" 2>/dev/null
            done
            [ -n "$again" ] || break
            sleep 0.2
        done
        """

    private static let running: Running = start()

    /// Has the folder's cluster stopped and the folder removed when this process ends; the path has no blanks.
    static func watch(folder: String) {
        precondition(!folder.contains { $0.isWhitespace }, "the shell splits folders at blanks")
        let line = Array("\(folder)\n".utf8)
        _ = line.withUnsafeBytes { write(running.pipe, $0.baseAddress, $0.count) }
    }

    private static func start() -> Running {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { fatalError("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer {
            close(ends[0])
            close(null)
        }
        do {
            // A session of its own: Ctrl-C at the terminal ends the tests, not the one that cleans up after them.
            let shell = try ChildProcess.spawn(["sh", "-c", script], input: ends[0], output: null, newSession: true)
            atexit { CleanupWatchdog.finish() }
            return Running(shell: shell, pipe: ends[1])
        } catch {
            fatalError("no shell to clean up after the tests: \(error)")
        }
    }

    private static func finish() {
        close(running.pipe)
        _ = running.shell.waitBlocking()
    }
}
