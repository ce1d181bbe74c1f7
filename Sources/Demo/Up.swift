import App
import Foundation
import Glibc
import Ledger
public import Operations
import Registry
import Runs

/// A ledger with a demo account on this machine that stays up until it is told to stop.
public enum Up {
    /// The port that is tried first.
    public static let usualPort = 8_080

    /// Starts what does not run, prints how to use it, and stays until a signal.
    ///
    /// - Parameters:
    ///   - database: the ledger's; it is created if it is missing, and kept.
    ///   - port: the service's port; nil for the usual one, or any other when that one is taken.
    ///   - terminal: where it is told how to use it.
    /// - Throws: an `OperationError` when a part does not start, or ends by itself.
    public static func run(_ database: LedgerDatabase, port: Int?, terminal: Terminal = .output) async throws {
        let stage = Stage(terminal: terminal)
        do {
            try await untilInterrupted { try await stay(database, port: port, stage) }
        } catch is Interrupted {
            // That is how it is meant to end.
            terminal.clearPassing()
            stage.line("Stopped. The ledger is kept: `make run` goes on with it.")
        }
    }

    private static func stay(_ database: LedgerDatabase, port: Int?, _ stage: Stage) async throws {
        try database.makeFolder()
        stage.line()
        let stack = try await LocalStack.start(
            database,
            port: port ?? (isFree(usualPort) ? usualPort : 0),
            keepsDatabase: true,
            progress: stage.show
        )
        do {
            let (account, key) = try await LedgerSetup(database).withLedger(sessions: 1) { connection in
                try await demoKey(AccountDesk(connection), database)
            }
            explain(stack, account, key, stage)
            try await withThrowingTaskGroup(of: LocalService.self) { group in
                for service in [stack.service, stack.simulator] {
                    group.addTask {
                        try await service.waitForEnd()
                        return service
                    }
                }
                guard let ended = try await group.next() else { return }
                throw OperationError(
                    .unavailable,
                    "The \(ended.name) ended by itself.",
                    advice: "Its log is \(ended.logPath); it ends with:",
                    excerpt: ended.logTail()
                )
            }
        } catch {
            stage.terminal.clearPassing()
            await stack.stop()
            throw error
        }
    }

    /// The key of the last time, if the ledger still knows it; else a new account with credits, a grant and a key.
    private static func demoKey(
        _ desk: AccountDesk,
        _ database: LedgerDatabase
    ) async throws(OperationError) -> (account: LedgerState, key: String) {
        let path = "\(database.folder)/demo-key"
        if let data = FileManager.default.contents(atPath: path),
            let secret = APIKeySecret(String(decoding: data, as: UTF8.self).filter { !$0.isWhitespace }),
            let (account, capabilities) = try await desk.owner(of: secret)
        {
            let state = try await desk.state(of: account)
            if try Cast.customerCapabilities().allSatisfy({ $0.covering(in: capabilities) != nil }) {
                return (state, secret.text)
            }
            // Of a time when keys could do less.
            return (state, try await newKey(desk, account, path))
        }
        let account = try await desk.openAccount(tier: .business)
        _ = try await desk.addCredits(Credits(whole: 10_000), to: account, kind: .plan)
        _ = try await desk.issueGrant(of: Cast.grantedModel, .runs(3), to: account)
        let key = try await newKey(desk, account, path)
        return (try await desk.state(of: account), key)
    }

    private static func newKey(
        _ desk: AccountDesk,
        _ account: AccountID,
        _ path: String
    ) async throws(OperationError) -> String {
        let secret = try await desk.issueKey(
            to: account,
            name: "runledger up",
            capabilities: try Cast.customerCapabilities()
        )
        try store(secret.text, at: path)
        return secret.text
    }

    /// Only its owner may read a key.
    private static func store(_ key: String, at path: String) throws(OperationError) {
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        let bytes = Array((key + "\n").utf8)
        defer { close(descriptor) }
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else {
            throw OperationError(.unavailable, "\(path) can't be written: \(String(cString: strerror(errno))).")
        }
    }

    private static func explain(_ stack: LocalStack, _ state: LedgerState, _ key: String, _ stage: Stage) {
        guard let account = state.account else { return }
        let grants = state.grants.values.compactMap { grant -> String? in
            guard case .runs(let runs) = grant.allowance, runs > grant.used else { return nil }
            return "\(runs - grant.used) free runs of \(grant.model)"
        }
        var facts = FactList(indent: 2, terminal: stage.terminal)
        facts.add("URL", stage.terminal.styled(stack.service.url, .bold))
        facts.add("key", stage.terminal.styled(key, .bold))
        facts.add("admin token", "\(stack.adminToken)  (sets webhooks)")
        facts.add("account", "\(account.id)  (\(account.tier.rawValue))")
        facts.add("pays with", (["\(account.available) credits"] + grants).joined(separator: ", "))
        facts.add("logs", "\(stack.database.folder)/logs/service.log, simulator.log")
        stage.line()
        for line in facts.lines { stage.terminal.line(line) }
        stage.line()
        let url = stack.service.url
        for (title, lines) in [
            ("Try it:", curl(url, key)),
            ("A run that is not waited for, answered at once with its executionId:", asynchronousCurl(url, key)),
            ("Ask about it, with its executionId in place of EXECUTION_ID:", pollCurl(url, key)),
        ] {
            stage.line(stage.terminal.styled(title, .bold))
            stage.line()
            for line in lines { stage.terminal.line(line) }
            stage.line()
        }
        stage.line("Then, in another terminal:")
        stage.line()
        stage.command("replay --account \(account.id)")
        stage.command("verify")
        stage.line()
        stage.line("Ctrl-C stops everything and keeps the ledger.")
    }

    /// The lines start at the left edge, so that they can be pasted.
    private static func curl(_ url: String, _ key: String) -> [String] {
        [
            "curl \(url)/api/models/gpt-5-4-mini/run \\",
            "  -H 'x-api-key: \(key)' \\",
            "  -H 'Content-Type: application/json' \\",
            "  -d '{\"inputs\":{\"prompt\":\"Why does a ledger only append?\"}}'",
        ]
    }

    /// A run that is not waited for.
    private static func asynchronousCurl(_ url: String, _ key: String) -> [String] {
        [
            "curl '\(url)/api/models/gpt-image-2/run?async=true' \\",
            "  -H 'x-api-key: \(key)' \\",
            "  -H 'Content-Type: application/json' \\",
            "  -d '{\"inputs\":{\"prompt\":\"A ledger as a tree\",\"quality\":\"low\"}}'",
        ]
    }

    /// Asks how that run is.
    private static func pollCurl(_ url: String, _ key: String) -> [String] {
        ["curl '\(url)/api/executions/EXECUTION_ID?wait=20' \\", "  -H 'x-api-key: \(key)'"]
    }

    /// Whether nothing listens on a port of the loopback address now.
    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                bind(descriptor, general, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
