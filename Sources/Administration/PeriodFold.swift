import Books
import Ledger
import LedgerStore
import TransparencyLog

/// The books of a journal from some position on, as closing a month and checking one both work them out.
struct PeriodFold {
    enum End {
        case position(Int64)
        case moment(Timestamp)

        func includes(_ event: Event) -> Bool {
            switch self {
            case .position(let last): event.position <= last
            case .moment(let end): event.content.recordedAt < end
            }
        }
    }

    let journal: JournalID
    private(set) var position: Int64
    private(set) var headHash: Digest
    private var units: [BookAccount: Int64]
    private var edge = RightEdge()

    /// The root of the journal's log at the position.
    var root: Digest { edge.root }

    /// Goes on from a closed month, or from the beginning.
    ///
    /// The events up to there are not read again, only their hashes: the tree's leaves, which must chain to what was frozen.
    init(_ journal: JournalID, from last: ClosedPeriod?, _ store: LedgerStore) async throws(AdminFailure) {
        self.journal = journal
        self.position = last?.through ?? 0
        self.headHash = last?.headHash ?? .zero
        self.units = [:]
        for total in last?.totals ?? [] {
            guard let book = BookAccount(rawValue: total.account) else {
                throw .invalid("month", "\(total.account) is no account of the books")
            }
            units[book] = total.units
        }
        var chained = Digest.zero
        while edge.size < UInt64(position) {
            let page: [Digest]
            do throws(LedgerStoreError) {
                page = try await store.eventHashes(in: journal, after: Int64(edge.size), upTo: position, limit: 50_000)
            } catch {
                throw AdminFailure(error)
            }
            if page.isEmpty { break }
            for hash in page {
                edge.append(hash)
                chained = chained.chained(with: hash)
            }
        }
        guard chained == headHash else {
            throw .invalid("month", "journal \(journal) is not what a closed month froze: see `runledger period check`")
        }
    }

    /// Every account of the chart, in order of their paths.
    var totals: [PeriodTotal] {
        BookAccount.allCases.map { PeriodTotal(account: $0.rawValue, units: units[$0, default: 0]) }
            .sorted { $0.account < $1.account }
    }

    mutating func advance(to end: End, _ store: LedgerStore) async throws(AdminFailure) {
        while true {
            let page: [Event]
            do throws(LedgerStoreError) {
                page = try await store.events(in: journal, after: position, limit: 5_000)
            } catch {
                throw AdminFailure(error)
            }
            for event in page {
                guard end.includes(event) else { return }
                try add(event)
            }
            if page.count < 5_000 { return }
        }
    }

    private mutating func add(_ event: Event) throws(AdminFailure) {
        guard event.position == position + 1 else {
            throw .invalid("month", "journal \(journal) has no position \(position + 1): see `runledger verify`")
        }
        do throws(PostingError) {
            for posting in try Posting.postings(of: event.content) {
                let (sum, overflow) = units[posting.book, default: 0].addingReportingOverflow(posting.units)
                guard !overflow else { throw PostingError("\(posting.book.rawValue) is beyond 64 bits") }
                units[posting.book] = sum
            }
        } catch {
            throw .invalid("month", "journal \(journal), position \(event.position): \(error)")
        }
        position = event.position
        let hash = event.recomputedHash
        headHash = headHash.chained(with: hash)
        edge.append(hash)
    }

    /// What a closed month says otherwise than its events.
    func difference(from period: ClosedPeriod) -> String? {
        guard position == period.through else {
            return "it goes through position \(period.through), and the events end at \(position)"
        }
        guard headHash == period.headHash else {
            return "the running hash at position \(position) is not the one that was frozen"
        }
        guard period.root.map({ $0 == root }) ?? true else {
            return "the root over the events up to position \(position) is not the one that was frozen"
        }
        // An account that the chart has got since holds nothing then.
        for total in period.totals
        where BookAccount(rawValue: total.account).map({ units[$0, default: 0] }) != total.units {
            return "\(total.account) was frozen at \(total.units) units"
        }
        return nil
    }
}
