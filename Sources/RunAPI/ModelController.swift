import HTTPTypes
import Hummingbird
import Ledger
package import Registry
import Runs

/// `GET /api/models` and `GET /api/models/:internalName/schema`: what can be run, and with which inputs.
///
/// Any key that is in force may read them, whatever it may do. They count as reads, where reads are counted.
struct ModelController {
    let models: ModelCatalogue
    let authenticator: KeyAuthenticator
    /// Counts reads; nil for an API without executions to read.
    let executions: ExecutionDesk?

    func addRoutes(to router: Router<APIContext>) {
        let list: RouterPath = "/api/models"
        let schema: RouterPath = "/api/models/:internalName/schema"
        for method in [HTTPRequest.Method.get, .head] {
            router.on(list, method: method) { request, _ in try await answerList(request) }
            router.on(schema, method: method) { request, context in try await answerSchema(request, context) }
        }
        router.refuseMethods(of: list, except: [.get, .head])
        router.refuseMethods(of: schema, except: [.get, .head])
    }

    private func answerList(_ request: Request) async throws -> Response {
        let window = try await admit(request)
        let list = models.current.enabledModels.map(\.summary)
        return respond(to: request, ["models": .array(list)], type: "application/json", window)
    }

    private func answerSchema(_ request: Request, _ context: APIContext) async throws -> Response {
        let window = try await admit(request)
        let name = (context.parameters.get("internalName") ?? "").percentDecoded
        guard Slug.isValid(name) else { throw APIError(.invalidSlug, issues: [], window: window) }
        guard let model = models.model(named: name) else { throw APIError(.modelNotFound, issues: [], window: window) }
        let schema = model.inputs.jsonSchema(title: model.displayName)
        return respond(to: request, schema, type: "application/schema+json", window)
    }

    /// Lets a read through, and returns the window it was counted in; nil where none was.
    private func admit(_ request: Request) async throws -> WindowStatus? {
        do {
            guard let executions else {
                let identity = try await authenticator.authenticateNow(request.headers[.apiKey])
                guard identity != nil else { throw APIError.unauthorized(request.headers[.apiKey]) }
                return nil
            }
            let identity = try await authenticator.identity(of: request)
            switch try await executions.admitRead(for: identity) {
            case .admitted(let window): return window
            case .refused(let refusal, let window):
                throw authenticator.error(refusal, window, identity)
            }
        } catch let failure as LedgerFailure {
            throw APIError.unread(failure)
        }
    }

    private func respond(
        to request: Request,
        _ document: JSONValue,
        type: String,
        _ window: WindowStatus?
    ) -> Response {
        var headers = HTTPFields()
        if let window { headers.append(window) }
        return ConditionalAnswer(
            document.canonicalBytes,
            type: type,
            caching: "private, no-cache",
            headers: headers
        ).response(to: request)
    }
}

extension ModelDefinition {
    /// The model as the list shows it.
    fileprivate var summary: JSONValue {
        [
            "internalName": .string(internalName), "displayName": .string(displayName),
            "type": .string(type.rawValue), "provider": .string(provider.kind.rawValue),
            "requiredTier": .string(requiredTier.rawValue), "supportsAsync": .bool(supportsAsync),
            "version": .integer(Int64(version)), "price": price.summary,
            "schema": .string("/api/models/\(internalName)/schema"),
        ]
    }
}

extension PriceRule {
    /// The price as the list shows it: for units, from the cheapest to the dearest choice of options.
    package var summary: JSONValue {
        var members: [String: JSONValue] = ["basis": .string(basis.rawValue), "version": .integer(Int64(version))]
        switch rates {
        case .units(let rates):
            members["creditsFrom"] = rates.range.map { .credits($0.lowerBound) }
            members["creditsTo"] = rates.range.map { .credits($0.upperBound) }
            members["outputs"] = rates.outputsPerCall.map { .integer($0) }
        case .tokens(let rates):
            members["inputCreditsPerMillion"] = .credits(rates.inputPerMillion)
            members["outputCreditsPerMillion"] = .credits(rates.outputPerMillion)
        }
        return .object(members)
    }
}
