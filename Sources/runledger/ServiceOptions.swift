import ArgumentParser
import Foundation
import NIOHTTP1
import Operations
import Registry

/// What the commands that ask a service take.
struct ServiceOptions: ParsableArguments {
    static let customer = "The service is asked over HTTP, with the key in RUNLEDGER_API_KEY."
    static let house = "The service is asked over HTTP, with the operator's token in RUNLEDGER_ADMIN_TOKEN."

    @Option(help: "The service's address (default: RUNLEDGER_URL, or http://127.0.0.1:8080).")
    var url: String?
    @OptionGroup var output: OutputOptions

    /// Asks once, and prints the answer.
    ///
    /// - Parameters:
    ///   - caller: whose secret of the environment is sent.
    ///   - done: stands for the answer where that has no body.
    ///   - sheet: what people are shown of it; programs get all.
    func ask(
        _ method: HTTPMethod,
        _ path: String,
        as caller: ServiceCaller.Caller = .account,
        headers: [String: String] = [:],
        body: JSONValue? = nil,
        done: JSONValue = .null,
        _ sheet: AnswerSheet
    ) async throws {
        let answer = try await ServiceCaller.with(url, as: caller) {
            try await $0.send(method, path, headers: headers, body: body)
        }
        guard answer.status < 300 else { try refuse(answer) }
        let json = answer.json == .null ? done : answer.json
        output.show(json) { sheet.show(json, on: $0) }
    }

    /// Ends the command with the service's reason.
    func refuse(_ answer: ServiceCaller.Answer) throws -> Never {
        guard output.json else { throw answer.failure }
        output.show(answer.json) { _ in }
        throw ExitCode(answer.failure.kind.rawValue)
    }
}

/// What people are shown of an answer.
struct AnswerSheet: Sendable {
    /// A column of a list.
    struct Column: Sendable {
        let title: String
        /// Gives the text of a row's cell.
        let text: @Sendable (JSONValue) -> String
        let width: Int

        /// Shows a member by its path, such as `price.version`.
        init(_ title: String, _ path: String, width: Int) {
            self.init(title, width: width) { AnswerSheet.text(AnswerSheet.value(path, of: $0)) }
        }

        init(_ title: String, width: Int, _ text: @escaping @Sendable (JSONValue) -> String) {
            self.title = title
            self.text = text
            self.width = width
        }
    }

    /// Names, and the paths of the members to show under them. What is null is left out; an object's members stand each on a
    /// line of its own.
    var facts: [(name: String, path: String)] = []
    /// The list to show as a table.
    var list = ""
    var columns: [Column] = []
    /// Said instead of an empty list.
    var none = "There are none."

    func show(_ json: JSONValue, on terminal: Terminal) {
        var lines = FactList(terminal: terminal)
        for (name, path) in facts {
            let value = Self.value(path, of: json)
            if value?.objectValue != nil {
                for fact in Self.facts(of: value) { lines.add(fact.name, fact.value) }
            } else {
                let text = Self.text(value)
                if !text.isEmpty { lines.add(name, text) }
            }
        }
        for line in lines.lines { terminal.line(line) }
        guard let rows = Self.value(list, of: json)?.arrayValue else { return }
        if rows.isEmpty {
            terminal.line(none)
            return
        }
        let table = TextTable(columns.map { .init($0.title, width: $0.width) }, terminal: terminal)
        terminal.line(table.heading)
        for row in rows { terminal.line(table.row(columns.map { .init($0.text(row)) })) }
    }

    /// An object's members, each of a list's values by itself.
    static func facts(of object: JSONValue?) -> [(name: String, value: String)] {
        (object?.objectValue ?? [:]).sorted { $0.key < $1.key }.flatMap { member in
            (member.value.arrayValue ?? [member.value]).map { (member.key, text($0)) }
        }
    }

    /// A member by its path; nil if there is none.
    static func value(_ path: String, of json: JSONValue) -> JSONValue? {
        path.split(separator: ".").reduce(path.isEmpty ? nil : json) { $0?[String($1)] }
    }

    /// A value in words; nothing for null.
    static func text(_ value: JSONValue?) -> String {
        guard let value, value != .null else { return "" }
        return value.scalarText ?? value.arrayValue?.map { text($0) }.joined(separator: ", ") ?? value.description
    }
}

extension JSONValue {
    /// Reads an object that was given to a command: itself, `@FILE`, or `-` for standard input.
    ///
    /// - Parameters:
    ///   - name: how the command calls it.
    ///   - example: an object that would do.
    init(given argument: String, as name: String, such example: String) throws(OperationError) {
        var text = argument
        if argument == "-" {
            text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        } else if argument.hasPrefix("@") {
            do {
                text = try String(contentsOfFile: String(argument.dropFirst()), encoding: .utf8)
            } catch {
                throw OperationError(.usage, "\(name): \(argument.dropFirst()) can't be read.")
            }
        }
        guard let json = try? JSONValue(text: text), json.objectValue != nil else {
            throw OperationError(.usage, "\(name) takes a JSON object, such as \(example).")
        }
        self = json
    }
}

extension ServiceCaller.Answer {
    /// Why there is no result, with what the service says of inputs and nodes.
    var failure: OperationError {
        let error = json["error"]
        let code =
            json["code"]?.stringValue ?? error?["code"]?.stringValue ?? json["status"]?.stringValue ?? "\(status)"
        let message =
            error?.stringValue ?? error?["message"]?.stringValue
            ?? (status < 300 ? "The run has no result" : "No reason was given")
        let issues = (json["issues"]?.arrayValue ?? []).map { issue in
            [issue["node"], issue["path"], issue["message"]].compactMap { $0?.stringValue }.joined(separator: " ")
        }
        let nodes = (json["nodes"]?.arrayValue ?? []).map { node in
            let cost = node["cost"]?.credits.map { ", " + $0 } ?? ""
            return "\(node["id"]?.stringValue ?? ""): \(node["status"]?.stringValue ?? "")\(cost)"
        }
        return OperationError(
            status == 503 ? .unavailable : .negative,
            "\(code): \(message)",
            advice: json["cost"]?.credits.map { "Charged: \($0)." } ?? "",
            excerpt: (issues + nodes).joined(separator: "\n")
        )
    }
}

extension JSONValue {
    /// An amount of credits in words; nil for anything else.
    var credits: String? { scalarText.map { $0 == "1" ? "1 credit" : $0 + " credits" } }
}
