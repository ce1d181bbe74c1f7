public import ArgumentParser
public import Ledger
import LedgerStore
import Operations
import Registry
public import Runs

extension Tier: ExpressibleByArgument {}
extension Role: ExpressibleByArgument {}
extension Pot.Kind: ExpressibleByArgument {}
extension KeyPreset: ExpressibleByArgument {}
extension UsageStatus: ExpressibleByArgument {}

/// How a command's result is printed.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON for programs; amounts are in credits.")
    var json = false

    /// Prints one of two forms.
    func show(_ json: @autoclosure () -> JSONValue, _ text: (Terminal) -> Void) {
        if self.json { Terminal.output.line(json().description) } else { text(.output) }
    }

    /// Prints names and values, or the same as an object.
    func show(_ facts: [(name: String, value: String)], next: String? = nil, _ json: @autoclosure () -> JSONValue) {
        show(json()) { terminal in
            var list = FactList(terminal: terminal)
            for fact in facts { list.add(fact.name, fact.value) }
            for line in list.lines { terminal.line(line) }
            if let next { terminal.line("\n" + terminal.styled("Next:", .dim) + " \(next)") }
        }
    }
}

/// The transforms of arguments; what they throw, ArgumentParser tells together with the argument's name.
enum Parse {
    static func account(_ text: String) throws -> AccountID { try OperatorText.account(text) }
    static func email(_ text: String) throws -> String { try OperatorText.email(text) }

    /// Refuses a moment that has passed.
    static func expiry(_ text: String) throws -> Timestamp {
        let now = SystemClock.now()
        let moment = try OperatorText.moment(text, now: now)
        guard moment > now else {
            throw OperationError(.usage, "`\(text)` is not in the future.")
        }
        return moment
    }

    static func moment(_ text: String) throws -> Timestamp { try OperatorText.moment(text, now: SystemClock.now()) }
    static func amount(_ text: String) throws -> Credits { try OperatorText.amount(text) }
    static func signedAmount(_ text: String) throws -> Credits { try OperatorText.signedAmount(text) }
    static func month(_ text: String) throws -> CalendarMonth { try OperatorText.month(text) }
    static func price(_ text: String) throws -> String { try OperatorText.price(text) }
    static func model(_ text: String) throws -> String { try OperatorText.model(text) }
    static func execution(_ text: String) throws -> ExecutionID {
        guard let id = ExecutionID(text: text) else { throw OperationError(.usage, "`\(text)` is no id of a run.") }
        return id
    }
    static func capability(_ text: String) throws -> Capability { try OperatorText.capability(text) }
    static func keyName(_ text: String) throws -> String { try OperatorText.label(text, longest: 100) }
    static func reference(_ text: String) throws -> String { try OperatorText.label(text, longest: 200) }
    static func runs(_ text: String) throws -> Int64 { try OperatorText.number(text, in: 1...1_000_000_000) }
    static func days(_ text: String) throws -> Int64 { try OperatorText.number(text, in: 1...3_650) }
    static func sequence(_ text: String) throws -> Int64 { try OperatorText.number(text, in: 0...Int64.max) }

    static func journalCount(_ text: String) throws -> Int16 {
        let range = LedgerSetup.journalCounts
        return Int16(try OperatorText.number(text, in: Int64(range.lowerBound)...Int64(range.upperBound)))
    }

    static func limit(_ text: String) throws -> Int {
        Int(
            try OperatorText.number(text, in: Int64(UsageQuery.limits.lowerBound)...Int64(UsageQuery.limits.upperBound))
        )
    }

    static func offset(_ text: String) throws -> Int {
        Int(try OperatorText.number(text, in: 0...Int64(UsageQuery.offsets.upperBound)))
    }

    static func port(_ text: String) throws -> Int { Int(try OperatorText.number(text, in: 0...65_535)) }
    static func milliseconds(_ text: String) throws -> Int { Int(try OperatorText.number(text, in: 0...600_000)) }
}

/// Opens the chosen ledger for one command's work on accounts.
func withDesk<Value>(_ body: (AccountDesk) async throws -> Value) async throws -> Value {
    try await LedgerSetup(LedgerDatabase()).withLedger { try await body(AccountDesk($0)) }
}
