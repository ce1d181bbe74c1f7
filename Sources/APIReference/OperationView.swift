/// Shows one operation.
struct OperationView {
    let document: APIDocument
    let operation: APIDocument.Operation

    private var value: DocumentValue { operation.value }
    private var schemas: SchemaView { SchemaView(document: document.value) }

    /// The anchor of the operation.
    var anchor: String { value["operationId"]?.text ?? "" }
    /// The title.
    var title: String { value["summary"]?.text ?? "" }

    /// The operation in the table of contents.
    var link: HTML {
        """
        <li><a href="#\(anchor)"><span class="method \(operation.route.method.lowercased())">\(operation.route.method)</span>\
         \(title)</a></li>
        """
    }

    /// The operation in full.
    var section: HTML {
        """
        <section class="operation" id="\(anchor)" aria-labelledby="\(anchor)-title">
        <h3 id="\(anchor)-title"><a href="#\(anchor)">\(title)</a></h3>
        <p class="route"><span class="method \(operation.route.method.lowercased())">\(operation.route.method)</span> \
        <code>\(path)</code></p>
        \(HTML.paragraphs(value["description"]?.text))
        \(needs)\(parameters)\(body)\(sample)
        <h4>Answers</h4>
        \(answers)
        </section>

        """
    }

    /// The path, with places where a narrow screen may break it.
    private var path: HTML {
        let parts = operation.path.split(separator: "/").map { part -> HTML in "/<wbr>\(part)" }
        return "\(parts)"
    }

    private var needs: HTML {
        var parts: [HTML] = []
        switch value["security"]?.elements.first {
        case nil where operation.isPublic: parts.append("<li>Needs no key.</li>")
        case let scheme? where scheme["adminToken"] != nil: parts.append("<li>Needs the admin token.</li>")
        default:
            let capability: HTML? = value["x-capability"]?.text.map { " with the capability <code>\($0)</code>" }
            parts.append("<li>Needs an API key\(capability).</li>")
        }
        if let window = value["x-window"]?.text { parts.append("<li>Counts in the rate limit of \(window).</li>") }
        return "<ul class=\"needs\">\(parts)</ul>"
    }

    private var parameters: HTML {
        let item = document.value["paths"]?[operation.path]
        let all = (item?["parameters"]?.elements ?? []) + (value["parameters"]?.elements ?? [])
        guard !all.isEmpty else { return "" }
        let fields = all.map { parameter -> HTML in
            let parameter = schemas.resolved(parameter)
            var schema = parameter["schema"] ?? .object([])
            if let description = parameter["description"] { schema["description"] = description }
            return schemas.field(
                parameter["name"]?.text ?? "",
                schema,
                isRequired: parameter["required"]?.isTrue ?? false,
                note: parameter["in"]?.text.map { "in the \($0)" }
            )
        }
        return "<h4>Parameters</h4><dl class=\"fields\">\(fields)</dl>"
    }

    private var body: HTML {
        guard let body = value["requestBody"] else { return "" }
        let schema = body["content"]?.members.first?.value["schema"] ?? .object([])
        return "<h4>Body</h4>\(HTML.paragraphs(body["description"]?.text))\(schemas.fields(of: schema))"
    }

    /// A line to paste into a shell.
    private var sample: HTML {
        var url = operation.path
        let item = document.value["paths"]?[operation.path]
        for parameter in (item?["parameters"]?.elements ?? []) + (value["parameters"]?.elements ?? []) {
            let parameter = schemas.resolved(parameter)
            guard parameter["in"] == "path", let name = parameter["name"]?.text else { continue }
            let example = parameter["example"] ?? parameter["examples"]?.members.first?.value["value"]
            url = url.replacing("{\(name)}", with: example?.text ?? name.uppercased())
        }
        var lines = [
            "curl \(operation.route.method == "GET" ? "" : "-X \(operation.route.method) ")\"$RUNLEDGER\(url)\""
        ]
        if let scheme = value["security"]?.elements.first, scheme["adminToken"] != nil {
            lines.append("  -H \"Authorization: Bearer $ADMIN_TOKEN\"")
        } else if !operation.isPublic {
            lines.append("  -H \"x-api-key: $API_KEY\"")
        }
        if let example = value["requestBody"]?["content"]?.members.first?.value["example"] {
            lines.append("  -H 'Content-Type: application/json'")
            lines.append("  -d '\(example.json)'")
        }
        return """
            <h4>Example</h4><pre tabindex="0"><code>\(lines.joined(separator: " \\\n"))</code></pre>
            """
    }

    private var answers: [HTML] {
        (value["responses"]?.members ?? []).map { member in
            let response = schemas.resolved(member.value)
            let isRefusal = member.key.first == "4" || member.key.first == "5"
            let codes: [HTML] = (response["content"]?["application/json"]?["examples"]?.members ?? []).map {
                " <code>\($0.key)</code>"
            }
            let words: HTML =
                isRefusal && !codes.isEmpty ? "\(codes)" : HTML.inline(response["description"]?.text ?? "")
            return """
                <details class="answer"><summary><span class="status s\(member.key.prefix(1))">\(member.key)</span> \
                <span>\(words)</span></summary>
                <div class="inside">\(isRefusal ? HTML.paragraphs(response["description"]?.text) : "")\(content(response))\
                \(headers(response))</div></details>

                """
        }
    }

    private func content(_ response: DocumentValue) -> HTML {
        guard let (type, content) = response["content"]?.members.first.map({ ($0.key, $0.value) }) else {
            return "<p>There is no body.</p>"
        }
        var examples = content["examples"]?.members.compactMap { $0.value["value"] } ?? []
        if let example = content["example"] { examples.append(example) }
        let shown = examples.map { example -> HTML in
            "<pre tabindex=\"0\"><code>\(example.indentedJSON)</code></pre>"
        }
        let fields = content["examples"] == nil ? schemas.fields(of: content["schema"] ?? .object([])) : ""
        return "<p class=\"type\">\(type)</p>\(fields)\(shown)"
    }

    private func headers(_ response: DocumentValue) -> HTML {
        let names = response["headers"]?.members.map(\.key) ?? []
        guard !names.isEmpty else { return "" }
        let list = names.map { name -> HTML in "<li><code>\(name)</code></li>" }
        return "<p class=\"type\">Headers</p><ul class=\"headers\">\(list)</ul>"
    }
}
