internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// A request for work, whichever wire it came over.
struct SimulatorOrder: Sendable {
    /// What a run delivers.
    enum Media: String, Sendable {
        case image = "png"
        case video = "mp4"
        case audio = "mp3"
    }

    /// The vendor.
    let provider: String
    /// The vendor's name of the model.
    let model: String
    /// The caller's own id: `X-Client-Request-Id` or what the vendor has for it; empty without one.
    var clientRequestID = ""
    var prompt = ""
    var outputCount = 1
    var media = Media.image
    /// What was asked for, for wires that give it back.
    var input: JSONValue = .null
    /// Where to tell of what becomes of it.
    var callbackURL: String?
    /// Whether it becomes a task that is asked about, or is answered at once.
    var isTask = true
    /// What the vendor's wire makes of faults that it has no words for.
    var substitutes: [SimulatorFault: SimulatorFault] = [:]

    /// The fault that the prompt asks for.
    var markedFault: SimulatorFault? { SimulatorFault(markedIn: prompt) }
}

extension SimulatorOrder {
    /// Reads what most bodies have in common; members may be in `input`, as some vendors have it.
    init(provider: String, model: String, body: JSONValue, request: Request) {
        let input = body["input"]?.objectValue == nil ? body : body["input"] ?? body
        self.init(provider: provider, model: model)
        self.clientRequestID = request.header("X-Client-Request-Id") ?? ""
        self.prompt = input["prompt"]?.stringValue ?? ""
        self.outputCount = Int(max(1, min((input["n"] ?? input["num_images"])?.integerValue ?? 1, 100)))
        self.media = Self.media(ofModel: model, input: input)
        self.input = input
    }

    private static func media(ofModel model: String, input: JSONValue) -> Media {
        let name = model.lowercased()
        func has(_ words: [String]) -> Bool { words.contains { name.contains($0) } }
        if has(["suno", "music", "speech", "audio"]) { return .audio }
        if input["duration"] != nil || has(["video", "kling", "seedance", "veo", "wan"]) { return .video }
        return .image
    }
}

extension Request {
    /// A header's value.
    func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }

    /// A parameter of the query.
    func query(_ name: String) -> String? {
        let values = uri.queryParameters
        return values.get(name)
    }

    /// Where the client reached the simulator, for the URLs that answers hold.
    var origin: String { "http://\(head.authority ?? "127.0.0.1")" }

    /// The token of `Authorization: <scheme> <token>`; nil without one.
    func credential(_ scheme: String) -> String? {
        guard let value = headers[.authorization], value.lowercased().hasPrefix(scheme.lowercased() + " ") else {
            return nil
        }
        let token = value.dropFirst(scheme.count + 1).drop { $0 == " " }
        return token.isEmpty ? nil : String(token)
    }
}
