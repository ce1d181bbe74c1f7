/// One event of a stream (WHATWG HTML, section 9.2).
struct ServerSentEvent: Hashable, Sendable {
    /// Its type; `message` when the stream names none.
    let type: String
    /// Its data, lines joined by line feeds.
    let data: String
}

/// Reads a stream of events from bytes that come in pieces of any size. Pure.
struct ServerSentEventParser: Sendable {
    private var line: [UInt8] = []
    private var hasReturn = false
    private var isFirstLine = true
    private var type = ""
    private var data: [String] = []

    /// Takes the next bytes.
    ///
    /// - Returns: the events that these bytes completed.
    mutating func receive(_ bytes: some Sequence<UInt8>) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            let follows = hasReturn
            hasReturn = byte == UInt8(ascii: "\r")
            switch byte {
            // The second half of a line's end.
            case UInt8(ascii: "\n") where follows: continue
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                if let event = endLine() { events.append(event) }
            default: line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        var text = String(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        if isFirstLine {
            isFirstLine = false
            if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        }
        guard !text.isEmpty else {
            defer {
                type = ""
                data = []
            }
            guard !data.isEmpty else { return nil }
            return ServerSentEvent(type: type.isEmpty ? "message" : type, data: data.joined(separator: "\n"))
        }
        let field = text.prefix { $0 != ":" }
        var value = text.dropFirst(field.count + 1)
        if value.first == " " { value = value.dropFirst() }
        switch field {
        case "event": type = String(value)
        case "data": data.append(String(value))
        // Comments begin with a colon; ids and reconnection times mean nothing here.
        default: break
        }
        return nil
    }
}
