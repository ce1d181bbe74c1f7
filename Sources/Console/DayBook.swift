import Ledger
import Logging
import Postgres
public import ServiceLifecycle
import Synchronization

/// What has happened since midnight in UTC, as far as it has been counted.
struct DaySheet: Sendable {
    /// A model's day.
    struct Model: Hashable, Sendable {
        var succeeded: Int64 = 0
        var failed: Int64 = 0
        var revenue = Credits.zero
        var providerCost = MicroUSD.zero
        var absorbed = Credits.zero
    }

    /// An hour of it.
    struct Hour: Hashable, Sendable {
        var succeeded: Int64 = 0
        var failed: Int64 = 0
        var refused: Int64 = 0
    }

    let day: Range<Timestamp>
    var admitted: Int64 = 0
    var succeeded: Int64 = 0
    var failed: Int64 = 0
    var cancelled: Int64 = 0
    var unresolved: Int64 = 0
    var added = Credits.zero
    var revenue = Credits.zero
    var refusals: [String: Int64] = [:]
    var models: [String: Model] = [:]
    var hours = [Hour](repeating: Hour(), count: 24)
    /// When it was last complete.
    var completeAt: Timestamp?

    init(at moment: Timestamp) {
        let day: Int64 = 86_400_000_000
        let start = moment.microseconds - moment.microseconds % day
        self.day = Timestamp(microseconds: start)..<Timestamp(microseconds: start + day)
    }

    var refused: Int64 { refusals.values.reduce(0, +) }

    mutating func add(_ group: CountEvents.Group) {
        if let code = group.code {
            refusals[code, default: 0] += group.number
            hours[group.hour].refused += group.number
        }
        switch group.type {
        case .creditsHeld, .grantHeld: admitted += group.number
        case .creditsAdded: added += group.amount
        case .creditsDebited:
            revenue += group.amount
            if let model = group.model { models[model, default: Model()].revenue += group.amount }
        case .costAbsorbed: if let model = group.model { models[model, default: Model()].absorbed += group.amount }
        case .executionSucceeded:
            succeeded += group.number
            hours[group.hour].succeeded += group.number
            guard let model = group.model else { return }
            models[model, default: Model()].succeeded += group.number
            models[model, default: Model()].providerCost =
                models[model, default: Model()].providerCost + group.providerCost
        case .executionFailed:
            failed += group.number
            hours[group.hour].failed += group.number
            if let model = group.model { models[model, default: Model()].failed += group.number }
        case .executionCancelled: cancelled += group.number
        case .executionUnresolved: unresolved += group.number
        default: break
        }
    }
}

/// Counts the day's events as the journals grow, so that the overview costs the same however many there were: each position
/// is read once.
public final class DayBook: Service {
    /// Positions that one statement counts. 20,000 take about 10 ms.
    static let positionsAtATime: Int64 = 20_000

    private let reader: ConsoleReader
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let interval: Duration
    private let current: Mutex<DaySheet>
    /// The last position that was counted, by journal; only the counting task uses it.
    private let counted = Mutex<[JournalID: Int64]>([:])

    init(
        reader: ConsoleReader,
        interval: Duration,
        logger: Logger,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.reader = reader
        self.clock = clock
        self.logger = logger
        self.interval = interval
        self.current = Mutex(DaySheet(at: clock()))
    }

    /// The day as far as it has been counted.
    var sheet: DaySheet { current.withLock { $0 } }

    /// Counts until the service is told to stop, then closes the console's sessions.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(PostgresError) {
                    try await self.catchUp()
                } catch {
                    self.logger.warning("the console can't count the day now", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: self.interval)
            }
        }
        await reader.close()
    }

    /// Counts what has come since it was last called.
    func catchUp() async throws(PostgresError) {
        let now = clock()
        let sheet = current.withLock { sheet in
            if !sheet.day.contains(now) {
                // Midnight is looked for anew: what a clock ahead of this one has recorded belongs to the new day already.
                sheet = DaySheet(at: now)
                counted.withLock { $0 = [:] }
            }
            return sheet
        }
        for head in try await reader.ask(ReadHeads()) {
            var position = try await firstPosition(of: head, sheet.day.lowerBound)
            while position < head.position, !Task.isCancelled {
                let end = min(position + Self.positionsAtATime, head.position)
                let groups = try await reader.ask(
                    CountEvents(journal: head.journal, after: position, upTo: end, day: sheet.day)
                )
                current.withLock { sheet in for group in groups { sheet.add(group) } }
                position = end
                counted.withLock { $0[head.journal] = end }
            }
        }
        current.withLock { $0.completeAt = now }
    }

    private func firstPosition(of head: ReadHeads.Head, _ start: Timestamp) async throws(PostgresError) -> Int64 {
        if let known = counted.withLock({ $0[head.journal] }) { return known }
        // 60: more than the clocks of a journal's writers differ by.
        let found = try await reader.ask(
            FindPosition(journal: head.journal, moment: start.adding(seconds: -60), head: head.position)
        )
        return found.first ?? 0
    }
}
