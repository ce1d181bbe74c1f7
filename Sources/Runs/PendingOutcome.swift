import Ledger
import Registry

/// A result with its price, before its media were copied.
struct PricedResult: Hashable, Sendable {
    /// An object with one of `images`, `videos`, `audios`, `text`.
    var result: JSONValue
    /// The provider's id of the work, if it gave one.
    let providerRequestID: String?
    /// What the customer pays.
    let cost: Credits
    /// What the provider charges us.
    let providerCost: MicroUSD
    /// What the provider reported to have delivered, by name.
    let usage: [String: Int64]
    /// Until when the copy of its media is tried.
    let keepUntil: Timestamp

    init(_ success: DispatchSuccess, cost: Credits, keepUntil: Timestamp) {
        self.result = success.result
        self.providerRequestID = success.providerRequestID
        self.cost = cost
        self.providerCost = success.providerCost
        self.usage = success.usage.reported
        self.keepUntil = keepUntil
    }

    fileprivate init?(_ json: JSONValue) {
        guard let result = json["result"], let cost = json["cost"]?.integerValue,
            let providerCost = json["providerMicroUSD"]?.integerValue, let keepUntil = json["keepUntil"]?.integerValue
        else { return nil }
        self.result = result
        self.providerRequestID = json["providerRequestId"]?.stringValue
        self.cost = Credits(microcredits: cost)
        self.providerCost = MicroUSD(microdollars: providerCost)
        self.usage = json["usage"]?.objectValue?.compactMapValues(\.integerValue) ?? [:]
        self.keepUntil = Timestamp(microseconds: keepUntil)
    }
}

/// What came of a run and is not recorded yet, as a task's row holds it.
struct PendingOutcome {
    let result: PricedResult?
    let failure: DispatchFailure?

    init(result: PricedResult) {
        self.result = result
        self.failure = nil
    }

    init(failure: DispatchFailure) {
        self.result = nil
        self.failure = failure
    }

    /// Reads a row; nil when it holds none.
    init?(_ text: String?) {
        guard let text, let json = try? JSONValue(text: text) else { return nil }
        self.result = json["result"] == nil ? nil : PricedResult(json)
        self.failure = json["failure"]?.stringValue.map { message in
            DispatchFailure(
                message: message,
                failureClass: json["class"]?.stringValue.flatMap(DispatchFailure.Class.init(rawValue:)) ?? .provider,
                providerCode: json["code"]?.stringValue,
                providerRequestID: json["providerRequestId"]?.stringValue
            )
        }
    }

    /// The text of the row.
    var text: String {
        var members: [String: JSONValue] = [:]
        if let result {
            members["result"] = result.result
            members["cost"] = .integer(result.cost.microcredits)
            members["providerMicroUSD"] = .integer(result.providerCost.microdollars)
            if !result.usage.isEmpty { members["usage"] = .object(result.usage.mapValues { .integer($0) }) }
            members["keepUntil"] = .integer(result.keepUntil.microseconds)
            members["providerRequestId"] = result.providerRequestID.map { .string($0) }
        }
        if let failure {
            members["failure"] = .string(failure.message)
            members["class"] = .string(failure.failureClass.rawValue)
            members["code"] = failure.providerCode.map { .string($0) }
            members["providerRequestId"] = failure.providerRequestID.map { .string($0) }
        }
        return JSONValue.object(members).description
    }
}

extension RunTask {
    /// The provider's handle of accepted work; nil without its id.
    var providerTask: ProviderTask? {
        guard let providerRequestID else { return nil }
        let members = providerLinks.flatMap { try? JSONValue(text: $0) }?.objectValue ?? [:]
        return ProviderTask(id: providerRequestID, links: members.compactMapValues(\.stringValue))
    }
}

extension ProviderTask {
    /// The links as a JSON object; nil when there are none.
    var linksText: String? {
        links.isEmpty ? nil : JSONValue.object(links.mapValues { .string($0) }).description
    }
}
