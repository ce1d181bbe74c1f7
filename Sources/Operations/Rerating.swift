public import App
import Foundation
public import Ledger
import LedgerStore
import Postgres
public import Registry

/// Prices every run that succeeded by another price book, into a schema of its own. The ledger is read, and not changed.
public struct Rerating: Sendable {
    /// A run by both price books.
    struct Run: Sendable {
        let event: Event
        let model: String
        let priceThen: String
        let chargedThen: Credits
        let isGrant: Bool
        var priceNow: String?
        var quoteNow: Credits?
        var chargedNow: Credits?
        /// Why it can't be priced by the other book; nil when it can.
        var problem: String?
    }

    /// Sums over some runs.
    public struct Sums: Hashable, Sendable {
        /// Runs that could be priced again.
        public var runs: Int64 = 0
        /// Runs that could not; they are in neither sum.
        public var unrated: Int64 = 0
        /// What was charged for those that could.
        public var charged = Credits.zero
        /// What the other price book charges for them.
        public var rerated = Credits.zero
        /// What the other book charges more, or less when below zero.
        public var difference: Credits { rerated - charged }

        mutating func add(_ run: Run) {
            guard let now = run.chargedNow else { return unrated += 1 }
            runs += 1
            charged += run.chargedThen
            rerated += now
        }
    }

    /// How the price books differ over the ledger's runs.
    public struct Report: Sendable {
        /// All runs.
        public var total = Sums()
        /// Runs by model.
        public var models: [String: Sums] = [:]
        /// Runs by account.
        public var accounts: [AccountID: Sums] = [:]
        /// How many runs could not be priced, by reason.
        public var problems: [String: Int64] = [:]

        mutating func add(_ run: Run) {
            total.add(run)
            models[run.model, default: Sums()].add(run)
            accounts[run.event.content.accountID, default: Sums()].add(run)
            if let problem = run.problem { problems["\(run.model): \(problem)", default: 0] += 1 }
        }
    }

    private struct Admitted {
        let priced: [String: String]
        let priceVersion: String
        let quote: Credits
        let isGrant: Bool
    }

    private let book: ModelRegistry
    private let shadow: RatingSchema

    /// Names the price book and the schema.
    ///
    /// - Parameter schema: lower-case letters, digits and `_`, at most 40, beginning with a letter; none of the ledger's.
    public init(book: ModelRegistry, schema: String) throws(OperationError) {
        guard let shadow = RatingSchema(schema) else {
            throw OperationError(
                .usage,
                "schema: 1 to 40 lower-case letters, digits and _ are needed, beginning with a letter, and none of "
                    + "ledger, pg_… and public."
            )
        }
        self.book = book
        self.shadow = shadow
    }

    /// Prices the runs. All of it is in the schema afterwards, or nothing.
    ///
    /// - Parameters:
    ///   - connection: the ledger.
    ///   - databaseURL: its database, for a login that may create schemas.
    ///   - replaces: whether an earlier rating of that name goes.
    ///   - progress: called after each page with the number of events read so far.
    public func run(
        over connection: LedgerConnection,
        databaseURL: String,
        replaces: Bool,
        progress: @Sendable (Int64) -> Void = { _ in }
    ) async throws -> Report {
        let client = PostgresClient(
            configuration: try PostgresConfiguration(url: databaseURL),
            catalogue: [],
            sessions: 1
        )
        try await client.start()
        do {
            let report = try await client.withSession { session in
                try await shadow.create(in: session, replaces: replaces)
                let report = try await rate(connection.store, session, progress)
                try await shadow.finish(in: session)
                return report
            }
            await client.shutdown()
            return report
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private func rate(
        _ store: LedgerStore,
        _ session: PostgresSession,
        _ progress: (Int64) -> Void
    ) async throws -> Report {
        var report = Report()
        var count: Int64 = 0
        for number in 0..<store.journalCount {
            var admitted: [ExecutionID: Admitted] = [:]
            var last: Int64 = 0
            while true {
                let page = try await store.events(in: JournalID(number), after: last, limit: 5_000)
                guard let final = page.last else { break }
                last = final.position
                let runs = page.compactMap { take($0, &admitted) }
                for run in runs { report.add(run) }
                if !runs.isEmpty { try await session.copy(shadow.rows(runs)) }
                count += Int64(page.count)
                progress(count)
            }
        }
        return report
    }

    private func take(_ event: Event, _ admitted: inout [ExecutionID: Admitted]) -> Run? {
        let content = event.content
        guard let execution = content.executionID else { return nil }
        switch content.type {
        case .creditsHeld, .grantHeld:
            admitted[execution] = Admitted(
                priced: content.priced,
                priceVersion: content.priceVersion ?? "",
                quote: content.detail?["quote"]?.amountValue ?? .zero,
                isGrant: content.type == .grantHeld
            )
        case .executionFailed, .executionCancelled: admitted[execution] = nil
        case .executionSucceeded:
            guard let terms = admitted.removeValue(forKey: execution), let model = content.model else { return nil }
            return price(event, model, terms)
        default: break
        }
        return nil
    }

    private func price(_ event: Event, _ model: String, _ terms: Admitted) -> Run {
        let cost = event.content.detail?["cost"]?.amountValue ?? .zero
        var run = Run(
            event: event,
            model: model,
            priceThen: terms.priceVersion,
            chargedThen: terms.isGrant ? .zero : min(cost, terms.quote),
            isGrant: terms.isGrant
        )
        guard let definition = book.definition(named: model) else {
            run.problem = "the price book has no such model"
            return run
        }
        run.priceNow = String(definition.priceVersion)
        do throws(PricingError) {
            let delivered = DeliveredUsage(reported: event.content.usage)
            let isByPolicy = event.content.detail?["by"]?.stringValue == "policy"
            let (most, actual) = try definition.price(recorded: terms.priced, delivered: delivered)
            run.quoteNow = most
            // A run whose answer never came is charged the most it can cost.
            let owed = isByPolicy ? most ?? actual : min(actual, most ?? actual)
            run.chargedNow = terms.isGrant ? .zero : owed
        } catch {
            switch error {
            case .unknownUnits(let field), .unknownOption(let field):
                run.problem = "the price looks at \(field), of which nothing fitting was recorded"
            case .overflow: run.problem = "the amount does not fit"
            }
        }
        return run
    }
}
