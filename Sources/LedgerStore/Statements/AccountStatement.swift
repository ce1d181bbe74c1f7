internal import Ledger
internal import Postgres

/// A statement about one account that needs nothing but its name.
protocol AccountStatement: PostgresStatement {
    var journal: JournalID { get }
    var account: AccountID { get }
}

extension AccountStatement {
    static var parameterTypes: [PostgresType] { [.int2, .uuid] }

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
    }
}
