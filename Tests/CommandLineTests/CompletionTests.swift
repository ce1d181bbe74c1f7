import Foundation
import LocalCluster
import Registry
import TestSupport
import Testing

/// What shells and programs rely on: completion, and JSON from every command that says something and ends.
@Suite("shells and programs")
struct CompletionTests {
    private static let program = Program(url: "postgres://nowhere.invalid/none")

    @Test("bash takes the script, and completes a group's commands and a command's options", .timeLimit(.minutes(1)))
    func bash() async throws {
        try await withTemporaryFolder { folder in
            let script = "\(folder)/runledger.bash"
            let made = try await Self.program("completion", "bash")
            #expect(made.exitCode == 0, "\(made)")
            try made.output.write(toFile: script, atomically: true, encoding: .utf8)
            let (checked, complaint) = try await ChildProcess.run(["bash", "-n", script])
            #expect(checked == .exited(code: 0) && complaint.isEmpty, "\(complaint)")
            #expect(try await completions(script, "runledger", "cred") == ["credits"])
            #expect(try await completions(script, "runledger", "key", "").isSuperset(of: ["issue", "list", "revoke"]))
            #expect(try await completions(script, "runledger", "key", "issue", "--pre") == ["--preset"])
            #expect(
                try await completions(script, "runledger", "completion", "").isSuperset(of: ["bash", "zsh", "fish"])
            )
        }
        for shell in ["zsh", "fish"] {
            let script = try await Self.program("completion", shell)
            #expect(script.exitCode == 0 && script.output.contains("runledger"), "\(shell)")
        }
        let unknown = try await Self.program("completion", "csh")
        #expect(unknown.exitCode == 64 && unknown.errors.contains("bash"), "\(unknown)")
    }

    /// What bash offers for the last word of a line.
    private func completions(_ script: String, _ words: String...) async throws -> Set<String> {
        let ask = """
            source "$1"; shift
            function_name=$(complete -p runledger | sed 's/.*-F \\([^ ]*\\).*/\\1/')
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            "$function_name" runledger "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let (exit, output) = try await ChildProcess.run(["bash", "-c", ask, "bash", script] + words)
        #expect(exit == .exited(code: 0), "\(words): \(output)")
        return Set(output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty })
    }

    @Test("every command that says something and ends says it as JSON, too")
    func json() async throws {
        let help = try await Self.program("--experimental-dump-help").json
        var leaves: [(name: String, options: Set<String>)] = []
        func walk(_ command: JSONValue, _ path: [String]) {
            let name = path + [command["commandName"]?.stringValue ?? ""]
            let subcommands = (command["subcommands"]?.arrayValue ?? []).filter { $0["commandName"] != "help" }
            if subcommands.isEmpty {
                let names = (command["arguments"]?.arrayValue ?? []).flatMap { $0["names"]?.arrayValue ?? [] }
                leaves.append(
                    (name.dropFirst().joined(separator: " "), Set(names.compactMap { $0["name"]?.stringValue }))
                )
            }
            for subcommand in subcommands { walk(subcommand, name) }
        }
        walk(help["command"] ?? .null, [])
        #expect(leaves.count > 30)
        // These go on until they are told to stop, tell a story, or print a file that has a form of its own.
        let others: Set<String> = ["serve", "simulator", "up", "witness serve", "demo", "completion", "audit receipt"]
        #expect(Set(leaves.filter { !$0.options.contains("json") }.map(\.name)) == others)
    }
}
