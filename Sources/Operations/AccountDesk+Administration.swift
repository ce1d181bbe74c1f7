public import Administration
public import Ledger
import LedgerStore
import Runs

/// What the program does as operators do over HTTP, under the name `cli`.
extension AccountDesk {
    /// Who events say it was.
    public static var actor: Actor {
        guard let actor = Actor("cli") else { preconditionFailure("the name of the actor is none") }
        return actor
    }

    /// The desk of operators.
    public var administration: AdminDesk {
        AdminDesk(store: store, models: nil, clock: { SystemClock.now() })
    }

    /// A request for a change.
    public func call() -> AdminCall { AdminCall(actor: Self.actor, requestID: nil, commandID: identifiers.command()) }

    /// Has something done at the desk of operators, and tells failures as the program does.
    public func administer<Value>(
        _ account: AccountID? = nil,
        _ body: (AdminDesk) async throws(AdminFailure) -> Value
    ) async throws(OperationError) -> Value {
        do throws(AdminFailure) {
            return try await body(administration)
        } catch {
            throw OperationError(error, of: account)
        }
    }

    /// Has something done to an account that makes nothing new, and gives the account as it is then.
    public func change(_ account: AccountID, _ action: Command.Action) async throws(OperationError) -> LedgerState {
        _ = try await administer(account) { (desk) async throws(AdminFailure) in
            try await desk.change(account, action, call())
        }
        return try await state(of: account)
    }
}

extension OperationError {
    /// Why nothing came of what was asked for.
    init(_ failure: AdminFailure, of account: AccountID?) {
        switch failure {
        case .refused(let refusal):
            self.init(refusal, of: account ?? AccountID(Identifier128(high: 0, low: 0)))
        case .invalid(let issues):
            let lines = issues.map { "\($0.field): \($0.message)" }.joined(separator: "; ")
            self.init(.usage, "It can't be taken: \(lines).")
        case .notFound(let what): self.init(.negative, "There is not \(what).", advice: "Nothing was changed.")
        case .operatorExists:
            self.init(.negative, "There is an operator of this name. (OPERATOR_EXISTS)", advice: "Nothing was changed.")
        case .keyReused: self.init(.negative, "Another request was made under this key.")
        case .unavailable(let failure):
            switch failure {
            case .overloaded: self.init(.unavailable, "The ledger has too much to do now.")
            case .unavailable(_, let reason): self.init(.unavailable, "The ledger can't be reached: \(reason)")
            }
        }
    }
}

extension OperationError {
    /// Reads something that was asked for, and tells what is wrong with it as the program does.
    public static func refusing<Value>(
        _ body: () throws(AdminFailure) -> Value
    ) throws(OperationError) -> Value {
        do throws(AdminFailure) { return try body() } catch { throw OperationError(error, of: nil) }
    }
}
