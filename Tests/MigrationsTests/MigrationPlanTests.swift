import Testing

@testable import Migrations
@testable import SQLFiles

@Suite("A migration plan")
struct MigrationPlanTests {
    private static let first = try! SQLFile(path: "migrations/0001_first.sql", text: "CREATE TABLE ledger.a (n int);")
    private static let second = try! SQLFile(path: "migrations/0002_second.sql", text: "CREATE TABLE ledger.b (n int);")
    private static let function = try! SQLFile(path: "functions/f.sql", text: "SELECT 1;")
    private static let grant = try! SQLFile(path: "grants/reader.sql", text: "SELECT 2;")
    private static let membership = try! SQLFile(path: "grants/member.sql", text: "-- migrator: superuser\nSELECT 3;")
    private static let role = try! SQLFile(path: "roles/reader.sql", text: "-- migrator: superuser\nSELECT 4;")

    private static let files = try! SQLFiles([grant, second, function, first, membership, role])

    private static func applied(_ files: SQLFile...) -> MigrationHistory {
        MigrationHistory(
            migrations: files.map { .init(name: $0.name, checksum: $0.checksum, appliedAt: "2026-01-02 03:04:05+00") },
            replaceables: Dictionary(
                uniqueKeysWithValues: [function, grant, membership, role].map { ($0.path, $0.checksum) }
            )
        )
    }

    @Test("runs roles, migrations, functions and grants in that order on an empty database")
    func emptyDatabase() throws {
        let plan = try MigrationPlan(files: Self.files, history: MigrationHistory())
        #expect(
            plan.steps.map(\.description) == [
                "roles/reader.sql (new)", "migrations/0001_first.sql (new)", "migrations/0002_second.sql (new)",
                "functions/f.sql (new)", "grants/member.sql (new)", "grants/reader.sql (new)",
            ]
        )
        #expect(plan.needsSuperuser)
    }

    @Test("is empty when everything was applied")
    func upToDate() throws {
        let plan = try MigrationPlan(files: Self.files, history: Self.applied(Self.first, Self.second))
        #expect(plan.isUpToDate)
        #expect(plan.appliedMigrationCount == 2)
    }

    @Test("grants anew after a new migration, but leaves memberships to superusers alone")
    func grantsFollow() throws {
        let plan = try MigrationPlan(files: Self.files, history: Self.applied(Self.first))
        #expect(plan.steps.map(\.description) == ["migrations/0002_second.sql (new)", "grants/reader.sql (dependent)"])
        #expect(!plan.needsSuperuser)
    }

    @Test("replaces a function whose file changed")
    func changedFunction() throws {
        let files = try Self.files.replacing([SQLFile(path: "functions/f.sql", text: "SELECT 10;")])
        let plan = try MigrationPlan(files: files, history: Self.applied(Self.first, Self.second))
        #expect(plan.steps.map(\.description) == ["functions/f.sql (changed)", "grants/reader.sql (dependent)"])
    }

    @Test("refuses a migration that was edited, and names the file and both checksums")
    func edited() throws {
        let edited = try SQLFile(path: Self.first.path, text: Self.first.text + " -- better")
        let files = try Self.files.replacing([edited])
        let error = #expect(throws: MigrationError.self) {
            try MigrationPlan(files: files, history: Self.applied(Self.first))
        }
        #expect(error?.code == .edited)
        let text = error?.description ?? ""
        for part in ["migrations/0001_first.sql", Self.first.checksum, edited.checksum, "write a new migration"] {
            #expect(text.contains(part), "\(text)")
        }
    }

    @Test("refuses a database that is newer than the program, and says what to use")
    func newerDatabase() throws {
        let newer = try SQLFile(path: "migrations/0003_third.sql", text: "")
        let error = #expect(throws: MigrationError.self) {
            try MigrationPlan(files: Self.files, history: Self.applied(Self.first, Self.second, newer))
        }
        #expect(error?.code == .databaseIsNewer)
        #expect(error?.message.contains("0003_third.sql") == true)
        #expect(error?.message.contains("none after 0002_second.sql") == true)
    }

    @Test("refuses a migration that slipped in before one that was applied")
    func outOfOrder() throws {
        let other = try SQLFile(path: "migrations/0001_zebra.sql", text: "")
        let error = #expect(throws: MigrationError.self) {
            try MigrationPlan(files: Self.files, history: Self.applied(other))
        }
        #expect(error?.code == .outOfOrder)
        #expect(error?.path == "migrations/0001_first.sql")
    }

    @Test("runs everything that can be run again when asked to")
    func reapplying() throws {
        let plan = try MigrationPlan(
            files: Self.files,
            history: Self.applied(Self.first, Self.second),
            reapplying: true
        )
        #expect(
            plan.steps.map(\.description) == [
                "roles/reader.sql (requested)", "functions/f.sql (requested)", "grants/member.sql (requested)",
                "grants/reader.sql (requested)",
            ]
        )
    }
}
