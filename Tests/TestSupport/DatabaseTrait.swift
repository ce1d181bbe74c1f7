public import Testing

/// The database of the running test.
public enum TestDatabase {
    @TaskLocal fileprivate static var current: String?

    /// The database's URL, as superuser; traps in a test without the trait `.database`.
    public static var url: String {
        guard let current else { preconditionFailure("the test or its suite lacks the trait `.database`") }
        return current
    }
}

/// Gives each test, and each case of a parameterised test, a fresh database of its own, dropped afterwards.
public struct DatabaseTrait: TestTrait, SuiteTrait, TestScoping {
    /// Each test of a suite has its own database.
    public var isRecursive: Bool { true }

    private let template: DatabaseTemplate

    init(template: DatabaseTemplate) { self.template = template }

    /// Runs one test with its database in ``TestDatabase/url``.
    @concurrent public func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        // Called for the suite itself too, which needs none.
        guard testCase != nil else { return try await function() }
        try await TestCluster.shared.withDatabase(template: template) { url in
            try await TestDatabase.$current.withValue(url) { try await function() }
        }
    }
}

extension Trait where Self == DatabaseTrait {
    /// A fresh, empty database for each test, in ``TestDatabase/url``.
    public static var database: Self { DatabaseTrait(template: .empty) }

    /// A fresh copy of a prepared database for each test, in ``TestDatabase/url``.
    public static func database(_ template: DatabaseTemplate) -> Self { DatabaseTrait(template: template) }
}
