/// A model's address at fal: `{owner}/{alias}[/{path}]`, after a namespace for workflows and comfy.
struct FalAddress {
    let model: String
    /// Whether it ends in `/stream`, by which a model streams its output.
    let isStream: Bool

    /// Nil for what is too short to be one.
    init?(_ parts: [Substring]) {
        guard parts.count >= (Self.namespaces.contains(String(parts.first ?? "")) ? 3 : 2) else { return nil }
        self.model = parts.joined(separator: "/")
        self.isStream = parts.last == "stream"
    }

    private static let namespaces: Set<String> = ["workflows", "comfy"]

    /// The part of a model's address that the URLs of its requests hold: the path is dropped.
    static func application(ofModel model: String) -> String {
        let parts = model.split(separator: "/")
        return parts.prefix(namespaces.contains(String(parts.first ?? "")) ? 3 : 2).joined(separator: "/")
    }

    /// A request's id, in the form of a UUID.
    static func requestID(_ number: UInt64) -> String {
        let digits = hexadecimal(number) + hexadecimal(scrambled(number))
        var id = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { id += "-" }
            id.append(digit)
        }
        return id
    }
}

/// The path of a request in fal's queue: `{application}/requests/{id}[/{tail}]`.
struct FalRequestPath {
    let application: String
    let requestID: String
    let tail: String

    init?(_ parts: [Substring]) {
        guard let index = parts.firstIndex(of: "requests"), index >= 2, index + 1 < parts.count else { return nil }
        self.application = parts[..<index].joined(separator: "/")
        self.requestID = String(parts[index + 1])
        self.tail = parts[(index + 2)...].joined(separator: "/")
    }
}
