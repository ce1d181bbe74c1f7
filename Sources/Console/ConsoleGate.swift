import Administration
import HTTPTypes
import Hummingbird
import Ledger
import LedgerStore
import NIOCore
import RunAPI

/// Who looks at a page.
struct Visitor: Sendable {
    let name: String
    let role: ConsoleRole
    let session: ConsoleSession
    /// What each form of theirs carries.
    let formToken: String
}

/// Why a page is not shown.
enum ConsoleRefusal: Error {
    /// Nobody has signed in; the path that was asked for.
    case signIn(next: String)
    /// The role may not see it.
    case role(ConsoleRole, ConsoleArea)
    /// A form that is not ours, or from another session.
    case form
    /// There is no such thing.
    case notFound(String)
    /// The question makes no sense.
    case invalid(String)
    /// What a form asks for can't be done.
    case undone(String)
    /// It can be answered later.
    case later(String)
}

/// Exchanges operators' tokens for sessions, and knows who looks.
struct ConsoleGate: Sendable {
    /// The session's cookie.
    static let sessionCookie = "runledger_console"
    /// The cookie that a sign-in form belongs to.
    static let formCookie = "runledger_console_form"
    /// What the operators' log calls the beginning and the end of a session.
    static let signedIn = "console.signed_in"
    static let signedOut = "console.signed_out"
    /// Forms above this many bytes are refused.
    static let largestFormBytes = 4_096

    let desk: AdminDesk
    let environmentToken: AdminToken?
    let auditors: Set<String>
    let sealer: SessionSealer
    let isSecure: Bool
    let clock: @Sendable () -> Timestamp
    let throttle = SignInThrottle()

    var nowSeconds: Int64 { clock().microseconds / 1_000_000 }

    /// Lets someone in who has signed in and whose role may see the area.
    func admit(_ request: Request, to area: ConsoleArea) async throws -> Visitor {
        guard let visitor = try await visitor(request) else {
            let path = request.method == .get ? request.uri.description : "/console"
            throw ConsoleRefusal.signIn(next: path)
        }
        guard visitor.role.maySee(area) else { throw ConsoleRefusal.role(visitor.role, area) }
        return visitor
    }

    /// Who has signed in; nil for nobody. A removed operator is out at once, and so is a session that was signed out of in
    /// whichever process.
    func visitor(_ request: Request) async throws -> Visitor? {
        guard let text = request.cookies[Self.sessionCookie]?.value, let session = sealer.open(text, at: clock()),
            let who = try await identify(session.token), try await !hasEnded(session)
        else { return nil }
        let token = sealer.formToken(session.nonce, for: "session")
        return Visitor(name: who.name, role: role(of: who), session: session, formToken: token)
    }

    /// The operator whose token this is.
    func identify(_ token: Digest) async throws -> Operator? {
        if let environmentToken, environmentToken.matches(digest: token.bytes) {
            return Operator(name: Operator.environmentName, role: .admin)
        }
        return try await asking { () async throws(AdminFailure) in try await desk.operator(with: token) }
    }

    private func hasEnded(_ session: ConsoleSession) async throws -> Bool {
        try await asking { () async throws(AdminFailure) in
            try await desk.isNoted(Self.signedOut, of: session.name, after: session.place)
        }
    }

    /// Ends a session in every process: what was noted is durable before its owner is answered.
    func end(_ session: ConsoleSession) async throws {
        guard let who = try await identify(session.token) else { return }
        _ = try await asking { () async throws(AdminFailure) in
            try await desk.note(Self.signedOut, of: session.name, by: who)
        }
    }

    private func asking<Value>(_ body: () async throws(AdminFailure) -> Value) async throws -> Value {
        do throws(AdminFailure) {
            return try await body()
        } catch {
            throw APIError(
                status: .serviceUnavailable,
                code: "LEDGER_UNAVAILABLE",
                message: "The ledger can't be reached now"
            )
        }
    }

    private func role(of who: Operator) -> ConsoleRole {
        ConsoleRole(of: who.role, isAuditor: auditors.contains(who.name))
    }

    // MARK: Forms

    /// The members of a form that came from a page of ours.
    func form(_ request: Request) async throws -> [String: String] {
        // Browsers say where a request comes from; what does not is no browser, and has no cookie of ours.
        if let site = HTTPField.Name("Sec-Fetch-Site").flatMap({ request.headers[$0] }), site != "same-origin" {
            throw ConsoleRefusal.form
        }
        let body = try await request.wholeBody(upTo: Self.largestFormBytes)
        let members = URLForm.members(of: String(buffer: body))
        guard let members else { throw ConsoleRefusal.form }
        return members
    }

    /// A new session for a token, or nil for a wrong one.
    func signIn(with token: String) async throws -> (who: Operator, session: ConsoleSession)? {
        guard (1...200).contains(token.utf8.count) else { return nil }
        let digest = OperatorToken(token).digest
        guard let who = try await identify(digest) else { return nil }
        func session(_ nonce: [UInt8], at place: Int64) -> ConsoleSession {
            ConsoleSession(
                token: digest,
                expiresAtSeconds: nowSeconds + SessionSealer.lifeSeconds,
                nonce: nonce,
                place: place
            )
        }
        let nonce = SessionSealer.random(16)
        let place = try await asking { () async throws(AdminFailure) in
            try await desk.note(Self.signedIn, of: session(nonce, at: 0).name, by: who)
        }
        return (who, session(nonce, at: place))
    }

    /// A cookie of the console: no script can read it, and no other site can send it.
    func cookie(_ name: String, _ value: String, seconds: Int64) -> Cookie {
        Cookie(
            name: name,
            value: value,
            maxAge: Int(seconds),
            path: "/console",
            secure: isSecure,
            httpOnly: true,
            sameSite: .strict
        )
    }
}

/// `application/x-www-form-urlencoded` (WHATWG URL, section 5).
enum URLForm {
    /// The members of a form, the last of a name; nil when it is not UTF-8.
    static func members(of text: some StringProtocol) -> [String: String]? {
        var members: [String: String] = [:]
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decode(pair[0]), let value = decode(pair.count > 1 ? pair[1] : "") else { return nil }
            members[name] = value
        }
        return members
    }

    private static func decode(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { return nil }
                rest.removeFirst(2)
                bytes.append(value)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
