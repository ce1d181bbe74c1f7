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

    /// Puts the callbacks of a run in line: at its start when `tellsStart`, and at its end.
    ///
    /// - Parameters:
    ///   - body: what to send about the run as it is when a callback is due; nil for nothing.
    func scheduleCallbacks(
        of run: SimulatorBooks.Run,
        tellsStart: Bool,
        attempts: Int = 3,
        sign: @escaping Sign = { _, _, _ in [] },
        body: @escaping @Sendable (SimulatorBooks.Run, TaskProgress.State) -> JSONValue?
    ) {
        let progress = run.progress
        if tellsStart, progress.startsAt < progress.endsAt {
            scheduleCallback(of: run, at: progress.startsAt, "start", attempts, sign) { run, state in
                state == .running ? body(run, state) : nil
            }
        }
        guard progress.ending != .never else { return }
        scheduleCallback(of: run, at: progress.endsAt, "end", attempts, sign) { run, state in
            state.isEnd && state != .cancelled ? body(run, state) : nil
        }
    }

    /// Puts one callback about a run's cancellation in line.
    func scheduleCancelCallback(
        of run: SimulatorBooks.Run,
        sign: @escaping Sign = { _, _, _ in [] },
        body: @escaping @Sendable (SimulatorBooks.Run, TaskProgress.State) -> JSONValue?
    ) {
        scheduleCallback(of: run, at: books.now, "cancel", 3, sign, body)
    }

    private func scheduleCallback(
        of run: SimulatorBooks.Run,
        at dueAt: Int64,
        _ event: String,
        _ attempts: Int,
        _ sign: @escaping Sign,
        _ body: @escaping @Sendable (SimulatorBooks.Run, TaskProgress.State) -> JSONValue?
    ) {
        guard let url = run.order.callbackURL, run.fault != .callbackLost else { return }
        let (books, provider, id, fault) = (books, run.order.provider, run.id, run.fault)
        let late = fault == .callbackLate ? Int64(run.script.lateMilliseconds) : 0
        let delivery = CallbackSender.Delivery(
            delayMilliseconds: dueAt - books.now + late,
            url: url,
            attempts: attempts,
            message: {
                guard let run = books.task(id, provider: provider),
                    let json = body(run, run.progress.state(at: books.now))
                else { return nil }
                let bytes = json.canonicalBytes
                // A forger signs another body than the one that is sent.
                let signed = fault == .callbackForged ? bytes + [0] : bytes
                let headers = sign("\(id)-\(event)", books.now / 1_000, signed)
                return CallbackSender.Message(body: bytes, headers: headers)
            },
            sent: { _ = books.change(id, provider: provider) { run, _ in run.callbackCount += 1 } }
        )
        for _ in 0..<(fault == .callbackDuplicate ? 2 : 1) { callbacks.schedule(delivery) }
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
