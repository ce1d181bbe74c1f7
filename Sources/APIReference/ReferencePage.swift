/// The description as a page to read: one file of HTML and one of style, no script, nothing from elsewhere.
public struct ReferencePage: Sendable {
    private let document: APIDocument

    /// Where the style is asked for.
    public static let stylePath = "/docs/style.css"
    /// What the page may load: its style, and nothing else.
    public static let contentSecurityPolicy =
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// Makes the page of a document.
    public init(of document: APIDocument) { self.document = document }

    /// The page.
    public var html: String { page.text }

    private var info: DocumentValue { document.value["info"] ?? .object([]) }
    private var title: String { info["title"]?.text ?? "API" }
    private var schemas: SchemaView { SchemaView(document: document.value) }

    private var page: HTML {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(title) API reference</title>
        <link rel="stylesheet" href="\(Self.stylePath)">
        <link rel="icon" href="data:,">
        </head>
        <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header>
        <p class="name">\(title) <span>API reference</span></p>
        <p><a href="/openapi.json">openapi.json</a></p>
        </header>
        <div class="columns">
        <nav aria-label="Contents">\(contents)</nav>
        <main id="content" tabindex="-1">
        <h1>\(title) API</h1>
        <p class="lead">\(info["summary"]?.text ?? "")</p>
        \(HTML.paragraphs(info["description"]?.text))
        \(authentication)
        \(limits)
        \(groups)
        \(reports)
        \(errors)
        </main>
        </div>
        </body>
        </html>

        """
    }

    private var tags: [(name: String, description: String, operations: [OperationView])] {
        (document.value["tags"]?.elements ?? []).compactMap { tag in
            let name = tag["name"]?.text ?? ""
            let operations = document.operations.filter { $0.value["tags"]?.elements.first?.text == name }
            guard !operations.isEmpty else { return nil }
            let views = operations.map { OperationView(document: document, operation: $0) }
            return (name, tag["description"]?.text ?? "", views)
        }
    }

    private var contents: HTML {
        let groups = tags.map { tag -> HTML in
            "<li><a class=\"group\" href=\"#\(tag.name)\">\(tag.name)</a><ul>\(tag.operations.map(\.link))</ul></li>"
        }
        return """
            <details class="contents" open><summary>Contents</summary><ul>
            <li><a class="group" href="#authentication">Authentication</a></li>
            <li><a class="group" href="#limits">Rate limits</a></li>
            \(groups)
            <li><a class="group" href="#reports">Reports</a></li>
            <li><a class="group" href="#errors">Errors</a></li>
            </ul></details>
            """
    }

    private var authentication: HTML {
        let schemes = document.value["components"]?["securitySchemes"]?.members ?? []
        let entries = schemes.map { scheme -> HTML in
            let header = scheme.value["name"]?.text ?? "Authorization"
            return
                "<dt><code>\(header)</code></dt><dd><p>\(HTML.inline(scheme.value["description"]?.text ?? ""))</p></dd>"
        }
        return "<section id=\"authentication\"><h2>Authentication</h2><dl class=\"fields\">\(entries)</dl></section>"
    }

    private var limits: HTML {
        let entries = ResponseBuilder.windowHeaders + ["Retry-After"]
        let headers = document.value["components"]?["headers"]
        let fields = entries.map { name -> HTML in
            "<dt><code>\(name)</code></dt><dd><p>\(HTML.inline(headers?[name]?["description"]?.text ?? ""))</p></dd>"
        }
        return """
            <section id="limits"><h2>Rate limits</h2>
            <p>Requests are counted per account, class of routes and clock minute, whichever key sends them. Every answer that got as
            far as the count says how it stands, refusals too.</p>
            <dl class="fields">\(fields)</dl></section>
            """
    }

    private var groups: [HTML] {
        tags.map { tag in
            """
            <section class="group" id="\(tag.name)"><h2>\(tag.name)</h2>
            <p>\(HTML.inline(tag.description))</p>
            \(tag.operations.map(\.section))</section>

            """
        }
    }

    private var reports: HTML {
        let reports = (document.value["webhooks"]?.members ?? []).compactMap { member -> HTML? in
            guard let post = member.value["post"] else { return nil }
            let schema = post["requestBody"]?["content"]?.members.first?.value["schema"] ?? .object([])
            let headers = (post["parameters"]?.elements ?? []).map { parameter -> HTML in
                var schema = parameter["schema"] ?? .object([])
                if let description = parameter["description"] { schema["description"] = description }
                return schemas.field(parameter["name"]?.text ?? "", schema, isRequired: true)
            }
            return """
                <section class="operation"><h3>\(post["summary"]?.text ?? "")</h3>
                \(HTML.paragraphs(post["description"]?.text))
                <h4>Headers</h4><dl class="fields">\(headers)</dl>
                <h4>Body</h4>\(schemas.fields(of: schema))</section>
                """
        }
        return "<section class=\"group\" id=\"reports\"><h2>Reports</h2>\(reports)</section>"
    }

    private var errors: HTML {
        let rows = document.errors.entries.map { entry -> HTML in
            """
            <tr id="\(entry.code)"><td><span class="status s\(String(entry.status).prefix(1))">\(String(entry.status))</span></td>
            <td><code>\(entry.code)</code></td><td>\(HTML.inline(entry.when))</td></tr>
            """
        }
        return """
            <section class="group" id="errors"><h2>Errors</h2>
            <p>Decide by <code>code</code>; <code>error</code> is for people, and may change.</p>
            <div class="scroll" tabindex="0" role="region" aria-label="Errors"><table>
            <thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead><tbody>\(rows)</tbody></table></div></section>
            """
    }
}
