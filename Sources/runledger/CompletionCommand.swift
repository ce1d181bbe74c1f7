import ArgumentParser
import Operations

/// Scripts with which a shell completes commands and options.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print a script that lets bash, zsh or fish complete commands and options.",
        discussion: """
            Examples:
              source <(runledger completion bash)
              runledger completion bash > ~/.local/share/bash-completion/completions/runledger
              runledger completion zsh > "${fpath[1]}/_runledger"
              runledger completion fish > ~/.config/fish/completions/runledger.fish
            """
    )

    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish

        var kind: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "The shell.")
    var shell: Shell

    func run() { Terminal.output.line(Runledger.completionScript(for: shell.kind)) }
}
