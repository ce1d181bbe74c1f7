internal import Ledger
internal import Postgres

/// Whom an account's attempts charge.
struct LoadPaymentMethod: AccountStatement {
    static let name = "load_payment_method"
    static let sql = "SELECT customer, method FROM ledger.payment_methods WHERE journal = $1 AND account_id = $2"

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> SealedPaymentMethod {
        try row.paymentMethod(0)
    }
}

/// Sets whom an account's attempts charge; gives a row when that was another before.
struct PutPaymentMethod: PostgresStatement {
    static let name = "put_payment_method"
    static let sql = """
        INSERT INTO ledger.payment_methods (journal, account_id, customer, method, commitment, set_at, set_by)
        SELECT $1, $2, $3, $4, $5, $6, $7
        WHERE NOT EXISTS (SELECT FROM ledger.erasures e WHERE e.journal = $1 AND e.account_id = $2)
        ON CONFLICT (journal, account_id) DO UPDATE SET
            customer = excluded.customer, method = excluded.method, commitment = excluded.commitment,
            set_at = excluded.set_at, set_by = excluded.set_by
        WHERE payment_methods.commitment <> excluded.commitment
        RETURNING true
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .text, .text, .bytea, .timestamptz, .text]

    let journal: JournalID
    let account: AccountID
    let method: SealedPaymentMethod
    /// Of what is sealed.
    let commitment: Digest
    let now: Timestamp
    let actor: String

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.text(method.customer)
        parameters.text(method.method)
        parameters.bytea(commitment.bytes)
        parameters.timestamptz(microseconds: now.microseconds)
        parameters.text(actor)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Bool { try row.bool(0) }
}

/// Forgets whom an account's attempts charge; gives a row when it was known.
struct DeletePaymentMethod: AccountStatement {
    static let name = "delete_payment_method"
    static let sql = "DELETE FROM ledger.payment_methods WHERE journal = $1 AND account_id = $2 RETURNING true"

    let journal: JournalID
    let account: AccountID

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> Bool { try row.bool(0) }
}

/// What an attempt asks the payment provider for.
struct LoadPaymentCharge: PostgresStatement {
    static let name = "load_payment_charge"
    static let sql = """
        SELECT customer, method, units, currency FROM ledger.payment_charges
        WHERE journal = $1 AND attempt_id = $2 AND account_id = $3
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid]

    let journal: JournalID
    let attempt: PotID
    let account: AccountID

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(attempt.postgresUUID)
        parameters.uuid(account.postgresUUID)
    }

    static func decode(_ row: PostgresRow) throws(PostgresDecodingError) -> SealedPaymentCharge {
        SealedPaymentCharge(method: try row.paymentMethod(0), units: try row.int8(2), currency: try row.text(3))
    }
}

/// Keeps what an attempt asks the payment provider for, of the method that is set now, unless it is kept already.
struct KeepPaymentCharge: PostgresStatement {
    typealias Row = Void
    static let name = "keep_payment_charge"
    static let sql = """
        INSERT INTO ledger.payment_charges (journal, attempt_id, account_id, customer, method, units, currency)
        SELECT m.journal, $3, m.account_id, m.customer, m.method, $4, $5 FROM ledger.payment_methods m
        WHERE m.journal = $1 AND m.account_id = $2
        ON CONFLICT (journal, attempt_id) DO NOTHING
        """
    static let parameterTypes: [PostgresType] = [.int2, .uuid, .uuid, .int8, .text]

    let journal: JournalID
    let account: AccountID
    let attempt: PotID
    let units: Int64
    let currency: String

    func encode(into parameters: inout ParameterEncoder) {
        parameters.journal(journal)
        parameters.uuid(account.postgresUUID)
        parameters.uuid(attempt.postgresUUID)
        parameters.int8(units)
        parameters.text(currency)
    }
}

extension PostgresRow {
    /// A customer and, in the column after it, the way in which it pays.
    fileprivate func paymentMethod(_ column: Int) throws(PostgresDecodingError) -> SealedPaymentMethod {
        SealedPaymentMethod(customer: try text(column), method: try text(column + 1))
    }
}
