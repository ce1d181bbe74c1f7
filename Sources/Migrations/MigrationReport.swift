/// What a migration did.
public struct MigrationReport: Hashable, Sendable {
    /// The files that were run, in order; empty when there was nothing to do.
    public let steps: [MigrationStep]
    /// What is wrong with the fences around the events afterwards, a sentence each; empty when they all stand.
    public let fenceFaults: [String]
    /// How long it took.
    public let duration: Duration
}

/// How far a migration is.
public enum MigrationProgress: Hashable, Sendable {
    /// Another migrator is at work on this database; this one waits for it.
    case waitingForOtherMigrator
    /// A file is about to be run.
    case started(MigrationStep, number: Int, of: Int)
    /// A file was run and is recorded.
    case finished(MigrationStep, duration: Duration)
}
