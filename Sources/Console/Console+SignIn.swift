import Administration
import Hummingbird
import Ledger
import Logging
import RunAPI

extension Console {
    func addSignIn(to router: Router<APIContext>) {
        router.get("/console/sign-in") { request, context in
            do {
                guard try await gate.visitor(request) == nil else { return Self.redirect(to: "/console") }
            } catch {
                return await refuse(error, request, context, nil)
            }
            return signInPage(request, next: Self.next(request.uri.queryParameters["next"].map(String.init)))
        }
        router.post("/console/sign-in") { request, context in
            do {
                return try await signIn(request, context)
            } catch {
                return await refuse(error, request, context, nil)
            }
        }
        router.refuseMethods(of: "/console/sign-in", except: [.get, .post])
        router.post("/console/sign-out") { request, context in
            do {
                return try await signOut(request)
            } catch {
                return await refuse(error, request, context, nil)
            }
        }
        router.refuseMethods(of: "/console/sign-out", except: [.post])
    }

    /// The page with the form, and the cookie that the form belongs to.
    private func signInPage(
        _ request: Request,
        next: String,
        problem: String? = nil,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        let known = request.cookies[ConsoleGate.formCookie].flatMap { Base64URL.decode($0.value) }
        // The one that is there is kept: two tabs with the form may be open.
        let nonce = known.flatMap { $0.count == 16 ? $0 : nil } ?? SessionSealer.random(16)
        let view = View([
            "form": gate.sealer.formToken(nonce, for: "sign-in"), "next": next, "problem": problem,
        ])
        var response = pages.response("sign-in", title: "Sign in", path: "", visitor: nil, view, status: status)
        response.setCookie(gate.cookie(ConsoleGate.formCookie, Base64URL.encode(nonce), seconds: 3_600))
        return response
    }

    private func signIn(_ request: Request, _ context: APIContext) async throws -> Response {
        let form = try await gate.form(request)
        guard let nonce = request.cookies[ConsoleGate.formCookie].flatMap({ Base64URL.decode($0.value) }),
            gate.sealer.isFormToken(form["form"] ?? "", of: nonce, for: "sign-in")
        else { throw ConsoleRefusal.form }
        let next = Self.next(form["next"])
        let address = context.clientAddress ?? "unknown"
        if let seconds = gate.throttle.secondsToWait(of: address, atSeconds: gate.nowSeconds) {
            let problem = "Too many attempts. Try again in \(seconds) seconds."
            var response = signInPage(request, next: next, problem: problem, status: .tooManyRequests)
            response.headers[.retryAfter] = String(seconds)
            return response
        }
        let token = (form["token"] ?? "").trimmed
        guard let (who, session) = try await gate.signIn(with: token), let sealed = gate.sealer.seal(session) else {
            gate.throttle.failed(address, atSeconds: gate.nowSeconds)
            logger.warning(
                "a sign-in to the console was refused",
                metadata: ["request": "\(context.requestID)", "address": "\(address)"]
            )
            let problem = "This token is not an operator's, or it was removed."
            return signInPage(request, next: next, problem: problem, status: .unauthorized)
        }
        logger.info(
            "signed in to the console",
            metadata: ["operator": "\(who.name)", "request": "\(context.requestID)"]
        )
        var response = Self.redirect(to: next)
        response.setCookie(gate.cookie(ConsoleGate.sessionCookie, sealed, seconds: SessionSealer.lifeSeconds))
        response.setCookie(gate.cookie(ConsoleGate.formCookie, "", seconds: 0))
        return response
    }

    private func signOut(_ request: Request) async throws -> Response {
        let form = try await gate.form(request)
        if let visitor = try await gate.visitor(request) {
            guard gate.sealer.isFormToken(form["form"] ?? "", of: visitor.session.nonce, for: "session") else {
                throw ConsoleRefusal.form
            }
            try await gate.end(visitor.session)
        }
        var response = Self.redirect(to: "/console/sign-in")
        response.setCookie(gate.cookie(ConsoleGate.sessionCookie, "", seconds: 0))
        return response
    }

    /// Where to go after signing in: a page of the console, and nowhere else.
    static func next(_ text: String?) -> String {
        guard let text, text == "/console" || text.hasPrefix("/console/") || text.hasPrefix("/console?"),
            text.utf8.count <= 1_000, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x5C })
        else { return "/console" }
        return text
    }
}

extension String {
    /// Without the blanks around it, which come along when something is pasted.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }
}
