internal import Yams

/// Reads the requests of a provider's definition.
struct RequestReader {
    let templates: TemplateReader
    /// What every request's URL begins with, without a slash at its end.
    let baseURL: String
    /// Headers of every request.
    let headers: [RequestTemplate.Field]

    static let keys = [
        "path", "link", "method", "query", "headers", "body", "timeoutMilliseconds", "idleTimeoutMilliseconds",
    ]

    /// What a request's places can be.
    enum Purpose {
        /// It asks for the work.
        case submit
        /// It concerns work with an id.
        case task
        /// It searches for work by our id.
        case lookUp

        var urlPlaces: [String] {
            switch self {
            case .submit: ["model", "path", "executionId"]
            case .task: ["model", "path", "executionId", "taskId"]
            case .lookUp: ["model", "path", "executionId"]
            }
        }

        var fieldPlaces: [String] {
            switch self {
            case .submit: ["executionId", "callbackUrl"]
            case .task: ["executionId", "taskId"]
            case .lookUp: ["executionId"]
            }
        }

        var bodyPlaces: [String] {
            switch self {
            case .submit: ["executionId", "callbackUrl", "model", "inputs"]
            case .task: ["executionId", "taskId"]
            case .lookUp: ["executionId"]
            }
        }
    }

    /// Reads one request.
    ///
    /// - Parameters:
    ///   - reader: the mapping that it is part of.
    ///   - defaultMethod: the method when none is given.
    ///   - purpose: what it is for.
    ///   - links: the names of the links that the provider gives.
    func request(
        _ reader: MappingReader,
        _ purpose: Purpose,
        defaultMethod: RequestTemplate.Method,
        links: Set<String>
    ) -> RequestTemplate? {
        let hasMethod = reader.optional("method") != nil
        let method = hasMethod ? reader.choice("method", RequestTemplate.Method.self) : defaultMethod
        var link: String?
        var url: TextTemplate? = TextTemplate(segments: [.literal(baseURL)])
        if reader.optional("link") != nil, links.isEmpty == false {
            link = reader.text("link", "the name of a link")
            if let name = link, !links.contains(name) {
                reader.reject("link", "must be one of \(links.sorted().joined(separator: ", ")), not \(name)")
                return nil
            }
            if reader.optional("path") != nil { reader.reject("path", "path and link exclude each other") }
        } else {
            url = path(reader, purpose)
        }
        var fields = self.headers
        for header in self.fields(reader, "headers", purpose) {
            fields.removeAll { $0.name.lowercased() == header.name.lowercased() }
            fields.append(header)
        }
        let query = self.fields(reader, "query", purpose)
        var body: BodyTemplate?
        if let node = reader.optional("body") {
            body = templates.body(node, field: reader.field("body"), allowing: purpose.bodyPlaces)
        }
        guard let method, let url else { return nil }
        return RequestTemplate(
            method: method,
            url: url,
            link: link,
            query: query,
            headers: fields,
            body: body,
            timeoutMilliseconds: milliseconds(reader, "timeoutMilliseconds"),
            idleTimeoutMilliseconds: milliseconds(reader, "idleTimeoutMilliseconds")
        )
    }

    private func milliseconds(_ reader: MappingReader, _ key: String) -> Int64? {
        reader.optional(key) == nil ? nil : reader.wholeNumber(key, in: 1...3_600_000)
    }

    private func path(_ reader: MappingReader, _ purpose: Purpose) -> TextTemplate? {
        guard let node = reader.required("path", "a path after the base URL"),
            let path = templates.text(node, field: reader.field("path"), allowing: purpose.urlPlaces)
        else { return nil }
        switch path.segments.first {
        case .literal(let start) where start.hasPrefix("/"): break
        case .place(.path): break
        default:
            reader.reject("path", "must begin with / or {path}")
            return nil
        }
        return TextTemplate(segments: [.literal(baseURL)] + path.segments)
    }

    /// Reads headers or query parameters.
    func fields(_ reader: MappingReader, _ key: String, _ purpose: Purpose) -> [RequestTemplate.Field] {
        guard let map = reader.optionalMapping(key) else { return [] }
        return map.names.compactMap { name in
            guard Self.isFieldName(name), let node = map.optional(name) else {
                map.reject(name, "is not a \(key == "query" ? "parameter" : "header") name")
                return nil
            }
            // Inputs stay out of headers: they may hold line breaks.
            return templates.text(node, field: map.field(name), allowing: purpose.fieldPlaces)
                .map { RequestTemplate.Field(name: name, value: $0) }
        }
    }

    private static func isFieldName(_ name: String) -> Bool {
        !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }
}
