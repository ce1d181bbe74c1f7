public import SQLFiles

/// A file that has to be run, and why.
public struct MigrationStep: Hashable, Sendable, CustomStringConvertible {
    /// Why a file has to be run.
    public enum Reason: String, Hashable, Sendable {
        /// It never was.
        case new
        /// It is no longer what was run.
        case changed
        /// It grants rights on what other steps make.
        case dependent
        /// It was asked for.
        case requested
    }

    /// The file.
    public let file: SQLFile
    /// Why it has to be run.
    public let reason: Reason

    /// The file's path and the reason.
    public var description: String { "\(file.path) (\(reason.rawValue))" }
}

/// What would bring a database to what this program needs.
public struct MigrationPlan: Hashable, Sendable {
    /// The files to run, in order.
    public let steps: [MigrationStep]
    /// How many migrations were applied before.
    public let appliedMigrationCount: Int

    /// Whether there is nothing to do.
    public var isUpToDate: Bool { steps.isEmpty }
    /// Whether only a superuser can carry it out.
    public var needsSuperuser: Bool { steps.contains { $0.file.needsSuperuser } }
}

/// What the database says was done before.
struct MigrationHistory: Hashable, Sendable {
    struct Applied: Hashable, Sendable {
        var name: String
        var checksum: String
        var appliedAt: String
    }

    /// In the order of their names.
    var migrations: [Applied] = []
    /// Checksums by path.
    var replaceables: [String: String] = [:]
}

extension MigrationPlan {
    /// Compares files and history: the migrations applied must be a prefix of ours, unedited.
    ///
    /// - Parameters:
    ///   - files: what this program needs.
    ///   - history: what was done before.
    ///   - reapplying: whether replaceable files are run though they did not change.
    init(files: SQLFiles, history: MigrationHistory, reapplying: Bool = false) throws(MigrationError) {
        let migrations = files[.migrations]
        for (index, applied) in history.migrations.enumerated() {
            guard index < migrations.count, migrations[index].name == applied.name else {
                throw Self.notAPrefix(applied, ours: migrations, at: index)
            }
            guard migrations[index].checksum == applied.checksum else {
                throw MigrationError(
                    .edited,
                    "was edited after it was applied on \(applied.appliedAt): its checksum was \(applied.checksum) "
                        + "and now is \(migrations[index].checksum).",
                    advice: "Restore the file and write a new migration for the change.",
                    path: migrations[index].path
                )
            }
        }
        func replaceables(_ folder: SQLFiles.Folder, otherwise reason: MigrationStep.Reason? = nil) -> [MigrationStep] {
            files[folder].compactMap { file in
                guard let before = history.replaceables[file.path] else {
                    return MigrationStep(file: file, reason: .new)
                }
                if before != file.checksum { return MigrationStep(file: file, reason: .changed) }
                if reapplying { return MigrationStep(file: file, reason: .requested) }
                // Membership of roles does not depend on the ledger's objects.
                guard let reason, !file.needsSuperuser else { return nil }
                return MigrationStep(file: file, reason: reason)
            }
        }
        let pending = migrations.dropFirst(history.migrations.count).map { MigrationStep(file: $0, reason: .new) }
        let objects =
            pending + replaceables(.functions) + replaceables(.views) + replaceables(.triggers)
        self.steps =
            replaceables(.roles) + replaceables(.bookkeeping) + objects
            + replaceables(.grants, otherwise: objects.isEmpty ? nil : .dependent)
        self.appliedMigrationCount = history.migrations.count
    }

    private static func notAPrefix(
        _ applied: MigrationHistory.Applied,
        ours: [SQLFile],
        at index: Int
    ) -> MigrationError {
        if index < ours.count, ours[index].name < applied.name {
            return MigrationError(
                .outOfOrder,
                "was never applied, but \(applied.name) that comes after it was.",
                advice: "Give it the next free number.",
                path: ours[index].path
            )
        }
        return MigrationError(
            .databaseIsNewer,
            "the database has the migration \(applied.name), applied on \(applied.appliedAt), and this program knows "
                + "\(ours.last.map { "none after \($0.name)" } ?? "none").",
            advice: "Use the version of runledger that applied it, or a later one; migrations are not undone."
        )
    }
}
