/// What a test's database holds at first.
public struct DatabaseTemplate: Sendable {
    /// Nothing but what PostgreSQL itself brings.
    public static let empty = DatabaseTemplate(name: "empty", prepare: nil)

    /// Distinguishes templates: two of one name are one.
    public let name: String
    let prepare: (@Sendable (_ url: String) async throws -> Void)?

    /// A template prepared by a closure, once per process.
    ///
    /// - Parameters:
    ///   - name: distinguishes templates: two of one name are one.
    ///   - prepare: receives the URL of an empty database; it closes its connections before it returns.
    public init(name: String, prepare: @escaping @Sendable (_ url: String) async throws -> Void) {
        self.init(name: name, prepare: Optional(prepare))
    }

    private init(name: String, prepare: (@Sendable (String) async throws -> Void)?) {
        self.name = name
        self.prepare = prepare
    }
}
