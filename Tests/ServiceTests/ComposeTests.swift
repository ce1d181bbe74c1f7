import LocalCluster
import TestSupport
import Testing

/// Goal: `docker compose up` would work. There is no engine here, so each of its commands is run without one.
@Suite("docker compose", .serialized, .timeLimit(.minutes(5)))
struct ComposeTests {
    @Test("every service's command, settings and health check work, in the order of their conditions")
    func compose() async throws {
        let python = try await PythonTools.interpreter()
        _ = try await Promtool.run(["--version"])
        let (exit, output) = try await ChildProcess.run([
            python, "\(PythonTools.sources)/scripts/try-compose", Program.path,
        ])
        #expect(exit == .exited(code: 0), "\(output)")
        for name in ["postgres", "migrate", "bucket", "service", "prometheus sees the service", "account open"] {
            #expect(output.contains("ok      \(name)\n"), "\(output)")
        }
    }

    @Test("the Dockerfile is as hadolint wants it")
    func dockerfile() async throws {
        let python = try await PythonTools.interpreter()
        let linter = python.replacing("bin/python", with: "bin/hadolint")
        let (exit, output) = try await ChildProcess.run([linter, "\(PythonTools.sources)/Dockerfile"])
        #expect(exit == .exited(code: 0) && output.isEmpty, "\(output)")
    }
}
