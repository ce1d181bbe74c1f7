import Hummingbird
import Ledger
import LedgerStore
import Registry
import RunAPI

extension Console {
    /// Accounts on a page of the list.
    static let accountsOnPage = 50

    func accounts(_ request: Request) async throws -> Answer {
        let query = URLForm.members(of: request.uri.query ?? "") ?? [:]
        let search = (query["q"] ?? "").trimmed
        guard search.utf8.count <= 200 else { throw ConsoleRefusal.invalid("q: a search has at most 200 bytes.") }
        var range = Self.allAccounts
        var isPrefix = true
        if !search.isEmpty {
            if let address = try await find(search) { return .elsewhere(address) }
            let found = Self.accounts(beginningWith: search.lowercased())
            isPrefix = found != nil
            range = found ?? range
        }
        if let text = query["from"] {
            guard let from = AccountID(text: text) else {
                throw ConsoleRefusal.invalid("from: the id of an account is needed, such as the page's own links have.")
            }
            range = min(max(from, range.lowerBound), range.upperBound)...range.upperBound
        }
        let limit = Self.accountsOnPage
        let lines = isPrefix ? try await reader.ask(ListAccounts(range: range, limit: limit + 1)) : []
        let more = lines.count > limit ? lines.last?.id : nil
        let view = View([
            "search": search, "isSearch": search.isEmpty ? nil : true,
            "accounts": lines.prefix(limit).map { $0.row().members }, "isEmpty": lines.isEmpty ? true : nil,
            "isFiltered": query["from"] != nil ? true : nil,
            "more": more.map { "/console/accounts?q=\(search.percentEncoded)&from=\($0)" },
        ])
        return .page("accounts", title: "Accounts", view: view)
    }

    private static let allAccounts =
        AccountID(Identifier128(high: 0, low: 0))...AccountID(Identifier128(high: .max, low: .max))

    /// The accounts whose ids begin with hexadecimal digits; nil when the text is no beginning of an id.
    static func accounts(beginningWith text: String) -> ClosedRange<AccountID>? {
        let form = "00000000-0000-0000-0000-000000000000"
        let digits = text.filter { $0 != "-" }
        guard (1...32).contains(digits.utf8.count), digits.utf8.allSatisfy({ Self.isHexadecimal($0) }) else {
            return nil
        }
        func id(filledWith digit: Character) -> AccountID? {
            var rest = (digits + String(repeating: digit, count: 32 - digits.utf8.count))[...]
            return AccountID(text: String(form.map { $0 == "-" ? $0 : rest.removeFirst() }))
        }
        guard let first = id(filledWith: "0"), let last = id(filledWith: "f") else { return nil }
        return first...last
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (97...102).contains(byte) }

    /// The page of what a search names as a whole: an account, a run, a key, a payment's reference.
    private func find(_ search: String) async throws -> String? {
        guard let id = Identifier128(search.lowercased()) else {
            let owner = try await reader.store.account(withReference: search)
            return owner.map { "/console/accounts/\($0)" }
        }
        let account = AccountID(id)
        if try await !reader.ask(ListAccounts(range: account...account, limit: 1)).isEmpty {
            return "/console/accounts/\(account)"
        }
        guard (0..<reader.store.journalCount).contains(id.embeddedJournal.number) else { return nil }
        if let owner = try await reader.ask(FindRunOwner(run: ExecutionID(id))).first {
            return "/console/accounts/\(owner)/runs/\(id)"
        }
        return try await reader.ask(FindKeyOwner(key: KeyID(id))).first.map { "/console/accounts/\($0)" }
    }

    /// The page of a run that is known by its id alone.
    func findRun(_ context: APIContext) async throws -> Answer {
        guard let run = ExecutionID(text: context.parameters.get("run") ?? ""),
            (0..<reader.store.journalCount).contains(run.journal.number),
            let owner = try await reader.ask(FindRunOwner(run: run)).first
        else { throw ConsoleRefusal.notFound("There is no run of this id.") }
        return .elsewhere("/console/accounts/\(owner)/runs/\(run)")
    }
}

extension ListAccounts.Line {
    func row() -> View {
        View([
            "id": id.description, "tier": tier, "state": isClosed ? "closed" : isApproved ? "active" : "not approved",
            "isQuiet": isClosed || !isApproved ? true : nil, "balance": Format.credits(posted),
            "held": held.isPositive ? Format.credits(held) : nil, "events": Format.count(sequence),
            "latest": View.time(lastRecordedAt),
        ])
    }
}
