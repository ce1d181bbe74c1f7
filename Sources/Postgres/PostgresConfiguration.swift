internal import CLibpq
internal import Glibc

/// Where the server is and how a connection to it is set up.
public struct PostgresConfiguration: Sendable {
    /// What `application_name` says, for `pg_stat_activity` and the server's log.
    public var applicationName = "runledger"
    /// The role that every session takes, when it is not the one that logs in.
    public var role: String?
    /// Settings for every session, such as `("statement_timeout", "5s")`.
    public var settings: [(name: String, value: String)] = []
    /// How long connecting, logging in and preparing the catalogue may take together, in seconds.
    public var connectTimeoutSeconds = 10
    /// What libpq made of the connection string; includes the password.
    private var parameters: [(keyword: String, value: String)]

    /// Reads a `postgresql://` URI or a libpq connection string; what it leaves out comes from the `PG…` environment.
    ///
    /// - Throws: `PostgresError` with code `.configuration`; its message never includes a password.
    public init(url: String) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            // libpq's message may repeat parts of the string, and the string may hold a password.
            PQfreemem(message)
            throw PostgresError(
                code: .configuration,
                outcome: .notSent,
                message: "the connection string is neither a valid postgresql:// URI nor a list of keyword=value"
            )
        }
        defer { PQconninfoFree(options) }
        parameters = []
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                parameters.append((String(cString: keyword), String(cString: value)))
            }
            option += 1
        }
    }

    /// The database that the connection string names, if it does.
    public var database: String? {
        get { value(of: "dbname") }
        set { set("dbname", to: newValue) }
    }

    /// The host or socket directory that the connection string names, if it does.
    public var host: String? {
        get { value(of: "host") }
        set { set("host", to: newValue) }
    }

    /// The role that logs in, if the connection string names it.
    public var user: String? {
        get { value(of: "user") }
        set { set("user", to: newValue) }
    }

    /// Where it points, for logs: no password and no other secret.
    public var displayName: String {
        let host = value(of: "hostaddr") ?? host ?? "local"
        return "\(user ?? "default")@\(host):\(value(of: "port") ?? "default")/\(database ?? "default")"
    }

    /// The hosts that have to be resolved before libpq may connect without blocking; nil when there are none.
    var hostsToResolve: String? {
        guard value(of: "hostaddr") == nil, let hosts = host ?? getenv("PGHOST").map({ String(cString: $0) }) else {
            return nil
        }
        return HostResolver.isNumeric(hosts: hosts) ? nil : hosts
    }

    private func value(of keyword: String) -> String? { parameters.last { $0.keyword == keyword }?.value }

    private mutating func set(_ keyword: String, to value: String?) {
        parameters.removeAll { $0.keyword == keyword }
        if let value { parameters.append((keyword, value)) }
    }

    /// The keywords and values for `PQconnectStartParams`.
    func connectionParameters(hostAddresses: String? = nil) -> [(keyword: String, value: String)] {
        var result = parameters.filter { !["application_name", "options", "client_encoding"].contains($0.keyword) }
        if let hostAddresses { result.append(("hostaddr", hostAddresses)) }
        result.append(("application_name", applicationName))
        result.append(("client_encoding", "UTF8"))
        result.append(("connect_timeout", String(connectTimeoutSeconds)))
        var options = value(of: "options").map { [$0] } ?? []
        if let role { options.append("-c role=\(Self.escaped(role))") }
        options += settings.map { "-c \($0.name)=\(Self.escaped($0.value))" }
        if !options.isEmpty { result.append(("options", options.joined(separator: " "))) }
        return result
    }

    /// In `options` a space or backslash of a value is escaped with a backslash.
    private static func escaped(_ value: String) -> String {
        String(value.flatMap { $0.isWhitespace || $0 == "\\" ? ["\\", $0] : [$0] })
    }

    /// Calls a closure with the null-terminated arrays that libpq wants.
    func withConnectionParameters<Value>(
        hostAddresses: String? = nil,
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> Value
    ) -> Value {
        let parameters = connectionParameters(hostAddresses: hostAddresses)
        // One buffer of C strings and the offsets into it, so that nothing escapes its closure.
        var buffer: [CChar] = []
        var offsets: [(keyword: Int, value: Int)] = []
        for (keyword, value) in parameters {
            let keywordOffset = buffer.count
            buffer += keyword.utf8CString
            offsets.append((keywordOffset, buffer.count))
            buffer += value.utf8CString
        }
        return buffer.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("no connection parameters") }
            var keywords: [UnsafePointer<CChar>?] = offsets.map { base + $0.keyword }
            var values: [UnsafePointer<CChar>?] = offsets.map { base + $0.value }
            keywords.append(nil)
            values.append(nil)
            return body(keywords, values)
        }
    }
}
