import Ledger
import Testing

/// One rule: a title and the lines that tell it.
///
/// A line is what happens, then, after `->`, everything that must be true afterwards, separated by commas: first the
/// verdict, then balances. A line without `->` must simply be done. Amounts are credits.
struct Rule: Sendable, CustomTestStringConvertible {
    let title: String
    let lines: [String]

    var testDescription: String { title }

    /// The rules of a sheet: each begins with a line `## title`; lines that begin with `#` are remarks.
    static func all(in sheet: String) -> [Rule] {
        var rules: [Rule] = []
        for part in sheet.split(separator: "## ") {
            let lines = part.split(separator: "\n").map(String.init)
            guard let title = lines.first else { continue }
            rules.append(Rule(title: title, lines: lines.dropFirst().filter { !$0.hasPrefix("#") }))
        }
        return rules
    }

    /// What the ledger does otherwise than the rule says; empty when it keeps the rule.
    func failures() -> [String] {
        var world = World()
        var failures: [String] = []
        for line in lines {
            let halves = line.split(separator: " -> ", maxSplits: 1)
            do {
                for act in try Act.all(in: String(halves[0]), world: &world) {
                    world.perform(act)
                    let found = halves.count == 2 ? try world.mismatches(halves[1]) : world.unexpected()
                    failures += found.map { "\(line)\n    \($0)" }
                    failures += world.brokenSums().map { "\(line)\n    \($0)" }
                }
            } catch {
                failures.append("\(line)\n    \(error)")
            }
        }
        return failures
    }
}

/// The ledger of one account as a rule sheet sees it.
struct World {
    var state = LedgerState()
    var now = Words.midnight.adding(seconds: 36_000)
    var names: [String: Identifier128] = [:]
    var lastCommand: Command?
    var decision: Decision?
    var runInQuestion: ExecutionID?
    private var issued: UInt64 = 0

    /// The identifier of something that a sheet calls by a name.
    mutating func id(_ kind: String, _ name: String, low: UInt64? = nil) -> Identifier128 {
        if let known = names["\(kind) \(name)"] { return known }
        issued += 1
        let id = Identifier128(high: 0xABCD, low: low ?? issued)
        names["\(kind) \(name)"] = id
        return id
    }

    mutating func nextID() -> Identifier128 {
        issued += 1
        return Identifier128(high: 0xC0, low: issued)
    }

    func name(of kind: String, _ id: Identifier128) -> String {
        names.first { $0.value == id && $0.key.hasPrefix(kind + " ") }?.key.dropFirst(kind.count + 1).description ?? "?"
    }

    mutating func perform(_ act: Act) {
        switch act {
        case .wait(let moment): (now, decision) = (moment, nil)
        case .command(let command, let run):
            lastCommand = command
            runInQuestion = run
            decision = state.perform(command, at: now)
        }
    }

    /// What must never be wrong, whatever a sheet asks about.
    func brokenSums() -> [String] {
        guard let account = state.account else { return [] }
        let pots = state.pots.values
        let posted = pots.reduce(Credits.zero) { $0 + $1.remaining + $1.held }
        let onHold = state.holds.values.reduce(Credits.zero) { $0 + $1.amount }
        var broken: [String] = []
        if account.posted != posted { broken.append("the balance is not what the pots hold") }
        if account.held != onHold { broken.append("held is not the sum of the holds") }
        if account.held != pots.reduce(.zero, { $0 + $1.held }) { broken.append("held is not what the pots have held") }
        if pots.contains(where: { $0.remaining.isNegative || $0.held.isNegative }) { broken.append("a pot below zero") }
        return broken
    }
}
