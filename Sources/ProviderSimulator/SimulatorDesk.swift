internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry
internal import ServiceLifecycle

/// Where every wire takes orders and hands out answers.
struct SimulatorDesk: Sendable {
    let books: SimulatorBooks
    let settings: SettingsHolder
    let callbacks: CallbackSender

    /// The largest request that is read, in bytes: what Anthropic takes.
    static let maximumRequestBytes = 32 << 20

    /// Reads a body of JSON; nil when it is none.
    func json(_ request: Request) async throws -> JSONValue? {
        let bytes = try await request.body.collect(upTo: Self.maximumRequestBytes)
        return try? JSONValue(parsing: bytes.readableBytesView)
    }

    /// Whether a key is the one that the vendor knows.
    func accepts(_ key: String?, of provider: String) -> Bool {
        guard let key, !key.isEmpty else { return false }
        return settings.current.keys[provider].map { $0 == key } ?? true
    }

    /// Whether as many tasks of a vendor are open as may.
    func isFull(_ provider: String) -> Bool {
        guard let slots = settings.current.slots[provider] else { return false }
        let now = books.now
        let open = books.all().runs.count { $0.order.provider == provider && $0.outcome(at: now) == .accepted }
        return open >= slots
    }

    /// Waits for as long as answers about a run take.
    func pause(_ run: SimulatorBooks.Run) async throws {
        let extra = !run.order.isTask && run.fault == .slow ? run.script.slowMilliseconds : 0
        try await sleep(milliseconds: run.latencyMilliseconds + extra)
    }

    func sleep(milliseconds: Int) async throws {
        guard milliseconds > 0 else { return }
        try await Task.sleep(for: .milliseconds(milliseconds))
    }

    /// Waits for longer than any client does, but not beyond the simulator's own shutdown.
    func hang() async throws {
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(900)) }
    }

    func dropConnection(_ context: SimulatorContext) async throws {
        try await context.channel.close()
        throw ConnectionDropped()
    }

    /// An answer to work that was accepted, spoilt by the run's fault.
    func deliver(
        _ body: JSONValue,
        of run: SimulatorBooks.Run,
        _ context: SimulatorContext,
        status: HTTPResponse.Status = .ok,
        headers: [(String, String)] = []
    ) async throws -> Response {
        switch run.fault {
        case .hang: try await hang()
        case .drop: try await dropConnection(context)
        case .garbage: return .garbage
        case .truncate:
            let bytes = body.canonicalBytes
            let cut = ResponseBody(contentLength: bytes.count) { writer in
                try await writer.write(ByteBuffer(bytes: bytes[..<(bytes.count / 2)]))
                try await context.channel.close()
                throw ConnectionDropped()
            }
            return Response(status: status, headers: [.contentType: "application/json"], body: cut)
        default: break
        }
        return .json(body, status: status, headers: headers)
    }

    /// What a poll meets under `pollErrors`; nil for nothing.
    ///
    /// - Parameter error: the vendor's 500.
    func pollFault(
        _ run: SimulatorBooks.Run,
        _ context: SimulatorContext,
        error: @autoclosure () -> Response
    ) async throws -> Response? {
        try await sleep(milliseconds: run.latencyMilliseconds)
        guard run.fault == .pollErrors else { return nil }
        switch run.pollCount {
        case 1: return error()
        case 2: return .garbage
        case 3: try await dropConnection(context)
        default: break
        }
        return nil
    }

    /// Where each piece of a run's media is.
    func mediaURLs(of run: SimulatorBooks.Run, origin: String) -> [String] {
        (1...run.order.outputCount).map { "\(origin)/files/\(run.id)-\($0).\(run.order.media.rawValue)" }
    }

    func mediaJSON(of run: SimulatorBooks.Run, origin: String) -> [JSONValue] {
        mediaURLs(of: run, origin: origin).map { .string($0) }
    }
}

// MARK: Callbacks

extension SimulatorDesk {
    /// Signs a body; given the id of the delivery and the time in seconds.
    typealias Sign = @Sendable (_ id: String, _ timestamp: Int64, _ body: [UInt8]) -> [(String, String)]

    /// What a callback tells about a run as it was at a time; nil for nothing.
    typealias Telling = @Sendable (_ run: SimulatorBooks.Run, _ now: Int64) -> JSONValue?

    /// Puts the callbacks of a run in line: at its start when `tellsStart`, and at its end.
    func scheduleCallbacks(
        of run: SimulatorBooks.Run,
        tellsStart: Bool,
        attempts: Int = 3,
        sign: @escaping Sign = { _, _, _ in [] },
        body: @escaping Telling
    ) {
        let progress = run.progress
        var steps: [CallbackSender.Step] = []
        if tellsStart, progress.startsAt < progress.endsAt {
            steps.append(
                step(of: run, at: progress.startsAt, "start", sign) { run, now in
                    run.progress.state(at: now) == .running ? body(run, now) : nil
                }
            )
        }
        if progress.ending != .never {
            steps.append(
                step(of: run, at: progress.endsAt, "end", sign) { run, now in
                    run.progress.state(at: now) == .cancelled ? nil : body(run, now)
                }
            )
        }
        schedule(steps, of: run, attempts: attempts)
    }

    /// Puts one callback about a run's cancellation in line.
    func scheduleCancelCallback(
        of run: SimulatorBooks.Run,
        sign: @escaping Sign = { _, _, _ in [] },
        body: @escaping Telling
    ) {
        schedule([step(of: run, at: books.now, "cancel", sign, body)], of: run, attempts: 3)
    }

    private func schedule(_ steps: [CallbackSender.Step], of run: SimulatorBooks.Run, attempts: Int) {
        guard let url = run.order.callbackURL, run.fault != .callbackLost else { return }
        let (books, provider, id) = (books, run.order.provider, run.id)
        let copies = run.fault == .callbackDuplicate ? 2 : 1
        callbacks.schedule(
            CallbackSender.Delivery(
                url: url,
                attempts: attempts,
                steps: steps.flatMap { Array(repeating: $0, count: copies) },
                sent: { _ = books.change(id, provider: provider) { run, _ in run.callbackCount += 1 } }
            )
        )
    }

    private func step(
        of run: SimulatorBooks.Run,
        at dueAt: Int64,
        _ event: String,
        _ sign: @escaping Sign,
        _ body: @escaping Telling
    ) -> CallbackSender.Step {
        let (books, provider, id, fault) = (books, run.order.provider, run.id, run.fault)
        let late = fault == .callbackLate ? Int64(run.script.lateMilliseconds) : 0
        return CallbackSender.Step(
            delayMilliseconds: { dueAt + late - books.now },
            message: {
                guard let run = books.task(id, provider: provider), let json = body(run, dueAt) else { return nil }
                let bytes = json.canonicalBytes
                // A forger signs another body than the one that is sent.
                let signed = fault == .callbackForged ? bytes + [0] : bytes
                let headers = sign("\(id)-\(event)", books.timeOfDay / 1_000, signed)
                return CallbackSender.Message(body: bytes, headers: headers)
            }
        )
    }
}

/// Ends a handler whose connection is closed.
struct ConnectionDropped: Error {}

extension Response {
    /// What a proxy answers that has nothing to do with the vendor.
    static var garbage: Response { .html("<html>Welcome to the proxy</html>", status: .ok) }

    /// What the proxy before a vendor answers when the vendor can't be reached.
    static func nginx(_ status: HTTPResponse.Status) -> Response {
        let title = "\(status.code) \(status.reasonPhrase)"
        return .html(
            "<html>\r\n<head><title>\(title)</title></head>\r\n<body>\r\n<center><h1>\(title)</h1></center>\r\n"
                + "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
            status: status
        )
    }

    static func html(_ text: String, status: HTTPResponse.Status) -> Response {
        Response(
            status: status,
            headers: [.contentType: "text/html"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }

    /// A JSON answer.
    static func json(
        _ value: JSONValue,
        status: HTTPResponse.Status = .ok,
        headers: [(String, String)] = []
    ) -> Response {
        var response = Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.canonicalBytes))
        )
        response.add(headers)
        return response
    }

    mutating func add(_ headers: [(String, String)]) {
        for (name, value) in headers {
            guard let name = HTTPField.Name(name) else { continue }
            self.headers[name] = value
        }
    }
}
