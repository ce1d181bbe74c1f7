public import Administration
import HTTPTypes
public import Hummingbird
public import Ledger
public import Logging
import NIOCore
import Registry
public import RunAPI

/// The console for finance, auditors and operators: pages under `/console`, rendered here, that only read (docs/console.md).
public struct Console: Sendable {
    /// What it is told from outside.
    public struct Settings: Sendable {
        /// Seals sessions.
        public let sealer: SessionSealer
        /// Names of operators with the role `finance` who are auditors here.
        public let auditors: Set<String>
        /// Whether browsers reach it by https, so that cookies are for https alone.
        public let isSecure: Bool
        /// How far the process's own audit has come.
        public let auditBoard: AuditBoard
        /// The transparency log; nil for a ledger that publishes none.
        public let log: (any ConsoleLog)?

        /// Makes settings.
        public init(
            sealer: SessionSealer,
            auditors: Set<String>,
            isSecure: Bool,
            auditBoard: AuditBoard,
            log: (any ConsoleLog)?
        ) {
            self.sealer = sealer
            self.auditors = auditors
            self.isSecure = isSecure
            self.auditBoard = auditBoard
            self.log = log
        }
    }

    let desk: AdminDesk
    let reader: ConsoleReader
    let gate: ConsoleGate
    let pages: PageLibrary
    /// Counts the day while the service runs; run it with the service, before what takes requests.
    public let dayBook: DayBook
    let reportBook: ReportBook
    let replayBook: ReplayBook
    let auditBoard: AuditBoard
    let log: (any ConsoleLog)?
    let exportsUnderWay = ExportCount()
    let logger: Logger
    let clock: @Sendable () -> Timestamp

    /// Makes a console.
    ///
    /// - Parameters:
    ///   - desk: knows operators and models.
    ///   - reader: what the pages read with; closed when the day book ends.
    ///   - environmentToken: lets the operator `environment` in; nil for none.
    ///   - settings: what it is told from outside.
    ///   - logger: is told of sign-ins and of pages that failed.
    ///   - clock: the wall clock.
    /// - Throws: when a template is missing or wrong.
    public init(
        desk: AdminDesk,
        reader: ConsoleReader,
        environmentToken: AdminToken?,
        settings: Settings,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) async throws {
        self.desk = desk
        self.reader = reader
        self.gate = ConsoleGate(
            desk: desk,
            environmentToken: environmentToken,
            auditors: settings.auditors,
            sealer: settings.sealer,
            isSecure: settings.isSecure,
            clock: clock
        )
        self.pages = try await PageLibrary()
        self.dayBook = DayBook(reader: reader, interval: .seconds(2), logger: logger, clock: clock)
        self.reportBook = ReportBook(configuration: reader.reporting, logger: logger, clock: clock)
        self.replayBook = ReplayBook(store: reader.store, logger: logger)
        self.auditBoard = settings.auditBoard
        self.log = settings.log
        self.logger = logger
        self.clock = clock
    }

    /// Adds every route under `/console`.
    public func addRoutes(to router: Router<APIContext>) {
        addSignIn(to: router)
        page(router, "/console", .ledger) { visitor, _, _ in try await overview(visitor) }
        page(router, "/console/accounts", .ledger) { _, request, _ in try await accounts(request) }
        page(router, "/console/accounts/:account", .ledger) { visitor, request, context in
            try await account(visitor, request, context)
        }
        page(router, "/console/accounts/:account/runs/:run", .ledger) { visitor, _, context in
            try await run(visitor, context)
        }
        // The events in it say what the provider cost.
        page(router, "/console/accounts/:account/runs/:run/receipt", .money) { _, _, context in
            try await receipt(context)
        }
        page(router, "/console/runs/:run", .ledger) { _, _, context in try await findRun(context) }
        addReconciliation(to: router)
        addReports(to: router)
        addExports(to: router)
        page(router, "/console/models", .ledger) { _, _, _ in try await models() }
        addVerification(to: router)
        page(router, "/console/log", .operatorLog) { _, _, _ in try await operatorLog() }
        for asset in pages.assets {
            let path = RouterPath("/console/assets/\(asset.name)")
            router.get(path) { request, _ in asset.answer.response(to: request) }
            router.refuseMethods(of: path, except: [.get])
        }
    }

    /// What a page is answered with.
    enum Answer {
        case page(String, title: String, view: View)
        case elsewhere(String)
        /// A file to keep.
        case file(String, type: String, text: String)
        case stream(Response)
    }

    /// Adds a page.
    ///
    /// - Parameter takesForm: whether its path also takes a form, whose route refuses other methods.
    func page(
        _ router: Router<APIContext>,
        _ path: RouterPath,
        _ area: ConsoleArea,
        takesForm: Bool = false,
        _ body: @escaping @Sendable (Visitor, Request, APIContext) async throws -> Answer
    ) {
        router.get(path) { request, context in
            var visitor: Visitor?
            do {
                let admitted = try await gate.admit(request, to: area)
                visitor = admitted
                switch try await body(admitted, request, context) {
                case .page(let name, let title, let view):
                    return pages.response(name, title: title, path: path.description, visitor: admitted, view)
                case .elsewhere(let address): return Self.redirect(to: address)
                case .file(let name, let type, let text): return PageLibrary.file(name, type: type, text)
                case .stream(let response): return response
                }
            } catch {
                return await refuse(error, request, context, visitor)
            }
        }
        if !takesForm { router.refuseMethods(of: path, except: [.get]) }
    }

    /// The page that says why another is not shown.
    func refuse(
        _ error: any Error,
        _ request: Request,
        _ context: APIContext,
        _ visitor: Visitor?
    ) async -> Response {
        var known = visitor
        if known == nil { known = try? await gate.visitor(request) }
        func said(_ status: HTTPResponse.Status, _ title: String, _ text: String) -> Response {
            let view = View(["title": title, "text": text, "request": context.requestID.description])
            return pages.response("refusal", title: title, path: "", visitor: known, view, status: status)
        }
        switch error {
        case ConsoleRefusal.signIn(let next):
            return Self.redirect(to: "/console/sign-in" + (next == "/console" ? "" : "?next=\(next.percentEncoded)"))
        case ConsoleRefusal.role(let role, let area):
            return said(
                .forbidden,
                "Not for your role",
                "You are signed in as \(role.rawValue). This page is for \(area.readers)."
            )
        case ConsoleRefusal.form:
            return said(
                .forbidden,
                "This form has expired",
                "It was not sent from a page of yours, or its session is over. Open the page again and retry."
            )
        case ConsoleRefusal.notFound(let text): return said(.notFound, "Not found", text)
        case ConsoleRefusal.invalid(let text): return said(.badRequest, "That can't be shown", text)
        case ConsoleRefusal.undone(let text): return said(.badRequest, "Nothing was changed", text)
        case ConsoleRefusal.later(let text): return said(.serviceUnavailable, "Not yet", text)
        case let error as APIError where error.status == .contentTooLarge:
            return said(.contentTooLarge, "Too much", "A form has at most \(ConsoleGate.largestFormBytes) bytes.")
        default:
            logger.error(
                "a page of the console failed",
                metadata: ["request": "\(context.requestID)", "error": "\(error)"]
            )
            let text = "The ledger did not answer in time. Nothing was changed; try again in a moment."
            return said(.serviceUnavailable, "Not to be read now", text)
        }
    }

    static func redirect(to address: String) -> Response {
        Response(status: .seeOther, headers: [.location: address, .cacheControl: "no-store"])
    }
}
