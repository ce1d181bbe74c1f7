import Operations

/// How the story looks.
struct Stage: Sendable {
    let terminal: Terminal

    func line(_ text: String = "") { terminal.line(text.isEmpty ? "" : "  " + text) }

    func quiet(_ text: String) { line(terminal.styled(text, .dim)) }

    /// The heading of an act.
    func heading(_ text: String) {
        let rule = String(repeating: "─", count: max(3, min(terminal.width, 100) - text.count - 6))
        terminal.line()
        terminal.line("  " + terminal.styled(text, .bold, .cyan) + " " + terminal.styled(rule, .dim))
        terminal.line()
    }

    /// A command that does the same as what was just done.
    func command(_ text: String, result: String = "") {
        let arrow = result.isEmpty ? "" : "  " + terminal.styled("→ \(result)", .dim)
        line(terminal.styled("$", .dim) + " runledger \(text)\(arrow)")
    }

    func passed(_ text: String) { line(terminal.styled("✓", .green) + " " + text) }

    /// A step of the start: a passing line while it goes on, then what came of it.
    func show(_ progress: LocalStack.Progress) {
        switch progress {
        case .started(let name): terminal.passing("  … \(name)")
        case .finished(let name, let words, let duration):
            terminal.clearPassing()
            let label = name + String(repeating: " ", count: max(1, 12 - name.count))
            passed(terminal.styled(label, .bold) + words + "  " + terminal.styled(Numbers.elapsed(duration), .dim))
        }
    }

    /// A request and its answer in full.
    func exchange(_ title: String, _ call: Caller.Call, _ reply: Reply) {
        line(terminal.styled(title, .bold))
        line("  " + terminal.styled("\(call.method) \(call.path)", .cyan) + "  \(call.body)")
        let status = terminal.styled("\(reply.status) \(reply.reason)", reply.status < 300 ? .green : .red)
        line("  \(status)" + terminal.styled("  in \(Numbers.elapsed(reply.duration))", .dim))
        let headers = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"].compactMap { name in
            reply.headers.first { $0.key.lowercased() == name.lowercased() }.map { "\(name): \($0.value)" }
        }
        line("  " + terminal.styled(headers.joined(separator: "   "), .dim))
        for text in reply.lines {
            let room = terminal.width - 5
            line("  " + (text.count > room ? text.prefix(room) + "…" : text))
        }
    }
}
