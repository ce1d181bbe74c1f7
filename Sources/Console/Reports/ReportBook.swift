import Ledger
import Logging
import Postgres

/// What a source of reports said, and when.
struct ReportReading: Sendable {
    /// A row; values as `psql` prints them, NULL as nil.
    typealias Row = [String?]

    /// A table for each statement.
    let tables: [[Row]]
    /// The position of each journal's last event that it counts.
    let positions: [Int64]
    /// When it was read.
    let at: Timestamp
    /// How long that took, in milliseconds.
    let milliseconds: Int64
}

/// Reads the sources of reports behind the pages, and keeps what they said.
///
/// A page asks, and is given what is there: the latest reading if it is of the journals' heads as they are, else a newer one if
/// that comes quickly, else the one before with the word that a newer one is on its way. Nothing is read that nobody asks for.
actor ReportBook {
    /// What a page is given.
    enum Answer: Sendable {
        /// A reading; `isStale` when events came since, and a newer one is on its way.
        case reading(ReportReading, isStale: Bool)
        /// The first one is on its way.
        case pending
        /// It can't be read; what is there has been read before.
        case failed(String, ReportReading?)
    }

    /// How long a page waits for a reading.
    static let patience = Duration.milliseconds(100)
    /// A reading of the same heads that is older than this many seconds is read again: credits expire without an event.
    static let oldestSeconds: Int64 = 60
    /// After a reading, the next waits this many times as long as it took: no more than a tenth of the time is spent on it.
    static let pause = 9

    private struct Entry {
        var reading: ReportReading?
        var failure: String?
        var isReading = false
        /// Not before this is it read again.
        var rests = ContinuousClock.now
    }

    private let configuration: PostgresConfiguration
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private var entries: [ReportSource: Entry] = [:]

    init(configuration: PostgresConfiguration, logger: Logger, clock: @escaping @Sendable () -> Timestamp) {
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
    }

    /// What a source says of the ledger.
    ///
    /// - Parameters:
    ///   - source: the source.
    ///   - positions: the journals' heads as they are.
    func answer(_ source: ReportSource, _ positions: [Int64]) async -> Answer {
        if let reading = entries[source]?.reading, isFresh(reading, positions) {
            return .reading(reading, isStale: false)
        }
        begin(source)
        let end = ContinuousClock.now.advanced(by: Self.patience)
        while entries[source]?.isReading == true, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(4))
        }
        let entry = entries[source] ?? Entry()
        if let failure = entry.failure { return .failed(failure, entry.reading) }
        guard let reading = entry.reading else { return .pending }
        return .reading(reading, isStale: !isFresh(reading, positions))
    }

    /// At least as far as the heads: events may have come between the two looks.
    private func isFresh(_ reading: ReportReading, _ positions: [Int64]) -> Bool {
        let age = (clock().microseconds - reading.at.microseconds) / 1_000_000
        return age < Self.oldestSeconds && reading.positions.count == positions.count
            && zip(reading.positions, positions).allSatisfy { $0 >= $1 }
    }

    private func begin(_ source: ReportSource) {
        var entry = entries[source] ?? Entry()
        guard !entry.isReading, ContinuousClock.now >= entry.rests else { return }
        entry.isReading = true
        entries[source] = entry
        Task { await self.read(source) }
    }

    private func read(_ source: ReportSource) async {
        let start = ContinuousClock.now
        var entry = Entry()
        do {
            entry.reading = try await Self.read(source, configuration, at: clock(), from: start)
        } catch {
            logger.warning(
                "a report can't be read",
                metadata: ["report": "\(source.rawValue)", "error": "\(error)"]
            )
            entry.reading = entries[source]?.reading
            entry.failure = "\(error.message)"
        }
        let took = start.duration(to: .now)
        entry.rests = .now.advanced(by: max(took * Self.pause, entry.failure == nil ? .zero : .seconds(1)))
        entries[source] = entry
    }

    private static func read(
        _ source: ReportSource,
        _ configuration: PostgresConfiguration,
        at moment: Timestamp,
        from start: ContinuousClock.Instant
    ) async throws(PostgresError) -> ReportReading {
        let connection = try await PostgresScriptConnection(configuration: configuration)
        let results: [PostgresScriptResult]
        do throws(PostgresError) {
            results = try await connection.execute(script: source.script)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        // The first and the last are BEGIN and COMMIT.
        let tables = results.dropFirst().dropLast().map(\.rows)
        let took = start.duration(to: .now).components
        return ReportReading(
            tables: Array(tables.dropFirst()),
            positions: tables.first?.compactMap { $0[1].flatMap { Int64($0) } } ?? [],
            at: moment,
            milliseconds: took.seconds * 1_000 + took.attoseconds / 1_000_000_000_000_000
        )
    }
}
