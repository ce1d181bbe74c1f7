import Ledger
import Operations
import Runs

/// The keys of an account on a terminal.
struct KeySheet {
    private let keys: [KeyListing]

    init(_ keys: [KeyListing]) { self.keys = keys }

    func show(on terminal: Terminal) {
        let table = TextTable(
            [
                .init("keys", width: 36), .init("name", width: 16), .init("issued", width: 23),
                .init("last used", width: 23), .init("may do", width: 40),
            ],
            terminal: terminal
        )
        terminal.line(table.heading)
        for listing in keys {
            let key = listing.key
            let capabilities = key.capabilities.map(\.text).joined(separator: ", ")
            terminal.line(
                table.row([
                    .init("\(key.id)"), .init(key.name), .init(AccountSheet.time(key.issuedAt)),
                    .init(listing.lastUsedAt.map(AccountSheet.time) ?? "never"),
                    .init(key.revokedAt.map { "revoked \(AccountSheet.time($0))" } ?? capabilities),
                ])
            )
        }
    }
}
