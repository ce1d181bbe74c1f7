import Operations
import Registry

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
        begin(title, call, reply)
        let headers = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"].compactMap { name in
            reply.headers.first { $0.key.lowercased() == name.lowercased() }.map { "\(name): \($0.value)" }
        }
        if !headers.isEmpty { line("  " + terminal.styled(headers.joined(separator: "   "), .dim)) }
        for text in reply.lines { line("  " + shortened(text)) }
    }

    /// A request, and some members of its answer in one line.
    func exchange(_ title: String, _ call: Caller.Call, _ reply: Reply, showing names: [String]) {
        begin(title, call, reply)
        let json = reply.json
        let members = names.compactMap { name in json[name].map { "\"\(name)\": \($0)" } }
        line("  " + shortened("{" + members.joined(separator: ", ") + "}"))
    }

    private func begin(_ title: String, _ call: Caller.Call, _ reply: Reply) {
        line(terminal.styled(title, .bold))
        let request = "\(call.method) \(call.path)"
        let fits = request.count + 2 + call.body.count <= terminal.width - 4
        line("  " + terminal.styled(request, .cyan) + (fits && !call.body.isEmpty ? "  \(call.body)" : ""))
        if !fits { line("  " + shortened(call.body)) }
        let status = terminal.styled("\(reply.status) \(reply.reason)", reply.status < 300 ? .green : .red)
        line("  \(status)" + terminal.styled("  in \(Numbers.elapsed(reply.duration))", .dim))
    }

    /// The text, cut to what fits into a line.
    func shortened(_ text: String, indent: Int = 4) -> String {
        let room = terminal.width - indent
        return text.count > room ? text.prefix(room - 1) + "…" : text
    }
}
