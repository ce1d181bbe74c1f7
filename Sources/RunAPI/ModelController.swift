import HTTPTypes
import Hummingbird
import Ledger
package import Registry
import Runs

/// `GET /api/models` and `GET /api/models/:internalName/schema`: what can be run, and with which inputs.
///
/// Any key that is in force may read them, whatever it may do.
struct ModelController {
    let models: ModelCatalogue
    let authenticator: KeyAuthenticator

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
        try await authenticate(request)
        let list = models.current.enabledModels.map(\.summary)
        return respond(to: request, ["models": .array(list)], type: "application/json")
    }

    private func answerSchema(_ request: Request, _ context: APIContext) async throws -> Response {
        try await authenticate(request)
        let name = (context.parameters.get("internalName") ?? "").percentDecoded
        guard Slug.isValid(name) else { throw APIError(.invalidSlug, issues: [], window: nil) }
        guard let model = models.model(named: name) else { throw APIError(.modelNotFound, issues: [], window: nil) }
        let schema = model.inputs.jsonSchema(title: model.displayName)
        return respond(to: request, schema, type: "application/schema+json")
    }

    private func authenticate(_ request: Request) async throws {
        let identity: KeyAuthenticator.Identity?
        do throws(LedgerFailure) {
            identity = try await authenticator.authenticateNow(request.headers[.apiKey])
        } catch {
            throw APIError(error)
        }
        guard identity != nil else { throw APIError.unauthorized(request.headers[.apiKey]) }
    }

    private func respond(to request: Request, _ document: JSONValue, type: String) -> Response {
        ConditionalAnswer(document.canonicalBytes, type: type, caching: "private, no-cache").response(to: request)
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
        case .tokens(let rates):
            members["inputCreditsPerMillion"] = .credits(rates.inputPerMillion)
            members["outputCreditsPerMillion"] = .credits(rates.outputPerMillion)
        }
        return .object(members)
    }
}
