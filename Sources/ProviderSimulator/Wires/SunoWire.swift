internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// sunoapi.org: HTTP 200 says nothing, the body's `code` does; two tracks per run; callbacks in snake case, unsigned.
///
/// Source: the vendor's published OpenAPI document.
struct SunoWire: Sendable {
    static let provider = "suno"
    let desk: SimulatorDesk

    func addRoutes(to router: Router<SimulatorContext>) {
        router.post("/suno/api/v1/generate") { try await generate($0, $1) }
        router.get("/suno/api/v1/generate/record-info") { try await record($0, $1) }
    }

    private func generate(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard desk.accepts(request.credential("Bearer"), of: Self.provider) else {
            return Self.refusals.response(for: .unauthorised)
        }
        guard let json = try await desk.json(request) else { return Self.refusals.response(for: .invalid) }
        if let problem = Self.problem(in: json) { return Self.refusals.response(problem) }
        let model = json["model"]?.stringValue ?? ""
        var order = SimulatorOrder(provider: Self.provider, model: model, body: json, request: request)
        order.outputCount = 2
        order.media = .audio
        order.callbackURL = json["callBackUrl"]?.stringValue
        let run = desk.books.book(order) { hexadecimal($0) + hexadecimal(scrambled($0)) }
        try await desk.pause(run)
        if let refusal = Self.refusals.answer(to: run.fault) { return refusal }
        let origin = request.origin
        desk.scheduleCallbacks(of: run, tellsStart: true) { run, now in
            callback(of: run, at: now, origin: origin)
        }
        return try await desk.deliver(Self.envelope(["taskId": .string(run.id)]), of: run, context)
    }

    private static let models: Set<String> = ["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5"]

    /// What the vendor says against a body; nil for a good one.
    private static func problem(in json: JSONValue) -> Refusal? {
        for field in ["customMode", "instrumental"] where json[field]?.boolValue == nil {
            return Refusal(200, "400", "\(field) is required")
        }
        guard let model = json["model"]?.stringValue, models.contains(model) else {
            return Refusal(200, "400", "model is not supported")
        }
        guard let url = json["callBackUrl"]?.stringValue, url.hasPrefix("http") else {
            return Refusal(200, "400", "Please enter callBackUrl.")
        }
        let isCustom = json["customMode"]?.boolValue == true
        let isInstrumental = json["instrumental"]?.boolValue == true
        if isCustom, json["style"]?.stringValue == nil || json["title"]?.stringValue == nil {
            return Refusal(200, "400", "style and title are required in custom mode")
        }
        guard let prompt = json["prompt"]?.stringValue else {
            return isCustom && isInstrumental ? nil : Refusal(200, "400", "prompt is required")
        }
        let limit = isCustom ? (model == "V4" ? 3_000 : 5_000) : 500
        return prompt.count > limit ? Refusal(200, "413", "prompt is longer than \(limit) characters") : nil
    }

    private func record(_ request: Request, _ context: SimulatorContext) async throws -> Response {
        guard desk.accepts(request.credential("Bearer"), of: Self.provider) else {
            return Self.refusals.response(for: .unauthorised)
        }
        guard let run = desk.books.poll(request.query("taskId") ?? "", provider: Self.provider) else {
            return Self.refusals.response(Refusal(200, "404", "The task does not exist"))
        }
        let error = Self.refusals.response(Refusal(500, "500", "Server exception"))
        if let fault = try await desk.pollFault(run, context, error: error) { return fault }
        let word = word(for: run, at: desk.books.now)
        var response: JSONValue = nil
        if ["SUCCESS", "FIRST_SUCCESS", "CALLBACK_EXCEPTION"].contains(word) {
            let count = word == "FIRST_SUCCESS" ? 1 : 2
            let tracks = tracks(of: run, origin: request.origin, isSnakeCase: false).prefix(count)
            response = ["taskId": .string(run.id), "sunoData": .array(Array(tracks))]
        }
        let failure = Self.failures[word]
        return .json(
            Self.envelope([
                "taskId": .string(run.id), "parentMusicId": "", "param": .string(run.order.input.description),
                "response": response, "status": .string(word), "type": "chirp-v5", "operationType": "generate",
                "errorCode": failure.map { .integer($0.code) } ?? .null,
                "errorMessage": failure.map { .string($0.message) } ?? .null,
            ])
        )
    }

    private static let failures: [String: (code: Int64, message: String)] = [
        "CREATE_TASK_FAILED": (500, "The task could not be created."),
        "GENERATE_AUDIO_FAILED": (531, "Generation failed; the credits were given back."),
        "SENSITIVE_WORD_ERROR": (400, "The lyrics hold a sensitive word."),
    ]

    /// The vendor's word for how far a run is.
    private func word(for run: SimulatorBooks.Run, at now: Int64) -> String {
        let progress = run.progress
        switch progress.state(at: now) {
        case .queued: return "PENDING"
        case .running: return now < (progress.startsAt + progress.endsAt) / 2 ? "TEXT_SUCCESS" : "FIRST_SUCCESS"
        case .succeeded: return run.fault == .callbackException ? "CALLBACK_EXCEPTION" : "SUCCESS"
        case .expired: return "CREATE_TASK_FAILED"
        case .failed: return progress.ending == .breaksPolicy ? "SENSITIVE_WORD_ERROR" : "GENERATE_AUDIO_FAILED"
        case .cancelled: return "GENERATE_AUDIO_FAILED"
        }
    }

    private func tracks(of run: SimulatorBooks.Run, origin: String, isSnakeCase: Bool) -> [JSONValue] {
        desk.mediaURLs(of: run, origin: origin).enumerated().map { index, url in
            let members: [(camel: String, snake: String, value: JSONValue)] = [
                ("id", "id", .string("\(run.id)-\(index + 1)")), ("audioUrl", "audio_url", .string(url)),
                ("sourceAudioUrl", "source_audio_url", .string(url)),
                ("streamAudioUrl", "stream_audio_url", .string(url)),
                ("imageUrl", "image_url", .string(url.replacing(".mp3", with: ".png"))),
                ("prompt", "prompt", .string(run.order.prompt)), ("modelName", "model_name", "chirp-v5"),
                ("title", "title", run.order.input["title"] ?? "Untitled"),
                ("tags", "tags", run.order.input["style"] ?? ""),
                ("createTime", "createTime", .integer(run.progress.endsAt)),
                ("duration", "duration", .decimal("198.44")),
            ]
            return .object(
                Dictionary(uniqueKeysWithValues: members.map { (isSnakeCase ? $0.snake : $0.camel, $0.value) })
            )
        }
    }

    private func callback(of run: SimulatorBooks.Run, at now: Int64, origin: String) -> JSONValue? {
        let state = run.progress.state(at: now)
        let failure = Self.failures[word(for: run, at: now)]
        let kind = failure != nil ? "error" : state == .running ? "text" : "complete"
        let data = state == .succeeded ? tracks(of: run, origin: origin, isSnakeCase: true) : []
        return [
            "code": .integer(failure?.code ?? 200), "msg": .string(failure?.message ?? "All generated successfully."),
            "data": ["callbackType": .string(kind), "task_id": .string(run.id), "data": .array(data)],
        ]
    }

    private static func envelope(_ data: JSONValue) -> JSONValue { ["code": 200, "msg": "success", "data": data] }

    private static let refusals = RefusalTable(rows: [
        .refuse: Refusal(200, "400", "The prompt holds a sensitive word."),
        .invalid: Refusal(200, "400", "Invalid parameters."),
        .unauthorised: Refusal(200, "401", "You do not have access permissions"),
        .noCredit: Refusal(200, "429", "The current credits are insufficient. Please top up."),
        .notFound: Refusal(200, "404", "Not Found"),
        .tooLarge: Refusal(200, "413", "prompt is too long"),
        .rateLimit: Refusal(200, "430", "Your call frequency is too high. Please try again later."),
        .overloaded: Refusal(200, "455", "The system is under maintenance."),
        .error500: Refusal(200, "500", "Server exception"),
    ]) { ["code": .integer(Int64($0.code) ?? 500), "msg": .string($0.message), "data": nil] }
}
