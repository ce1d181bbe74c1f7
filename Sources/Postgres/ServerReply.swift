internal import CLibpq

/// Reading what libpq parsed.
enum ServerReply {
    /// The server's error of a result with status FATAL_ERROR; the outcome is the state machine's to say.
    static func error(of result: OpaquePointer) -> PostgresError {
        let sqlState = field(result, "C")
        let severity = field(result, "V")
        let isFatal = severity == "FATAL" || severity == "PANIC"
        // Without a SQLSTATE libpq made the error itself, because the connection broke.
        let code: PostgresError.Code = sqlState == nil || isFatal ? .connectionLost : .serverError
        return PostgresError(
            code: code,
            outcome: .unknown,
            message: field(result, "M") ?? firstLine(of: String(cString: PQresultErrorMessage(result))),
            sqlState: sqlState,
            detail: field(result, "D"),
            hint: field(result, "H"),
            constraint: field(result, "n"),
            table: field(result, "t"),
            position: field(result, "P").flatMap { Int($0) },
            isFatal: isFatal || sqlState == nil
        )
    }

    /// Why a connection could not be made. libpq has the SQLSTATE of that only inside of a verbose message.
    static func connectError(of connection: OpaquePointer?) -> PostgresError {
        let text = connection.map { String(cString: PQerrorMessage($0)) } ?? "out of memory"
        var sqlState: String?
        var message = firstLine(of: text)
        for marker in ["FATAL:  ", "ERROR:  "] {
            guard let markerEnd = message.range(ofSuffixBehind: marker) else { continue }
            let rest = message[markerEnd...]
            let state = rest.prefix(5)
            guard state.count == 5, rest.dropFirst(5).hasPrefix(": ") else { continue }
            sqlState = String(state)
            message = String(rest.dropFirst(7))
        }
        let needsPassword = connection.map { PQconnectionNeedsPassword($0) != 0 } ?? false
        let isAuthentication = sqlState?.hasPrefix("28") ?? needsPassword
        return PostgresError(
            code: isAuthentication ? .authentication : .connectionLost,
            outcome: .notSent,
            message: message,
            sqlState: sqlState
        )
    }

    /// A notice, as libpq hands it to a receiver.
    static func notice(of result: OpaquePointer) -> PostgresNotice {
        PostgresNotice(
            severity: field(result, "V") ?? "NOTICE",
            sqlState: field(result, "C") ?? "00000",
            message: field(result, "M") ?? ""
        )
    }

    /// Where the transaction of a connection stands.
    static func transactionStatus(of connection: OpaquePointer) -> TransactionStatus {
        switch PQtransactionStatus(connection) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_INTRANS: .open
        case PQTRANS_INERROR: .failed
        default: .unknown
        }
    }

    private static func field(_ result: OpaquePointer, _ code: Unicode.Scalar) -> String? {
        PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
    }

    /// What libpq last complained about on a connection, on one line.
    static func message(of connection: OpaquePointer) -> String {
        firstLine(of: String(cString: PQerrorMessage(connection)))
    }

    private static func firstLine(of text: String) -> String {
        text.split(separator: "\n").first.map(String.init) ?? "no reason given"
    }
}

extension String {
    /// The index behind the first occurrence of a marker.
    fileprivate func range(ofSuffixBehind marker: String) -> String.Index? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(marker) { return index(start, offsetBy: marker.count) }
            start = index(after: start)
        }
        return nil
    }
}

/// Owns what libpq's notice receiver needs, and hands notices to the event handler instead of stderr.
final class NoticeReceiver: Sendable {
    let handler: @Sendable (PostgresNotice) -> Void

    init(handler: @escaping @Sendable (PostgresNotice) -> Void) { self.handler = handler }

    /// Installs the receiver; it must live as long as the connection.
    func install(on connection: OpaquePointer) {
        PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context, let result else { return }
                let receiver = Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue()
                receiver.handler(ServerReply.notice(of: result))
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }
}
