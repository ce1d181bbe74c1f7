internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// One event of a stream, as the HTML standard's server-sent events have it.
struct ServerEvent: Sendable {
    var name: String?
    var id: String?
    let data: String

    init(_ name: String, _ data: JSONValue) { self.init(name, text: data.description) }

    init(_ data: JSONValue) { self.init(text: data.description) }

    init(_ name: String? = nil, id: String? = nil, text: String) {
        self.name = name
        self.id = id
        self.data = text
    }

    var bytes: ByteBuffer {
        var text = ""
        if let name { text += "event: \(name)\n" }
        if let id { text += "id: \(id)\n" }
        return ByteBuffer(string: text + "data: \(data)\n\n")
    }
}

extension SimulatorDesk {
    /// A stream of events, spoilt by the run's fault: cut, silent or ended by an error after the first half.
    ///
    /// The pauses between events add up to the script's `jobMilliseconds`.
    func stream(
        _ events: [ServerEvent],
        of run: SimulatorBooks.Run,
        _ context: SimulatorContext,
        error: ServerEvent,
        headers: [(String, String)] = []
    ) async throws -> Response {
        switch run.fault {
        case .drop: try await dropConnection(context)
        case .garbage: return .garbage
        default: break
        }
        let pauseMilliseconds = run.script.jobMilliseconds / max(1, events.count)
        let half = events.count / 2
        let body = ResponseBody { writer in
            for (index, event) in events.enumerated() {
                if index == half {
                    switch run.fault {
                    case .truncate:
                        try await context.channel.close()
                        throw ConnectionDropped()
                    case .hang, .stall: try await hang()
                    case .streamError, .fail:
                        try await writer.write(error.bytes)
                        try await writer.finish(nil)
                        return
                    default: break
                    }
                }
                try await sleep(milliseconds: pauseMilliseconds)
                try await writer.write(event.bytes)
            }
            try await writer.finish(nil)
        }
        var response = Response(status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8"], body: body)
        response.add([("cache-control", "no-cache")] + headers)
        return response
    }
}
