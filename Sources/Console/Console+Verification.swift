import Hummingbird
import Ledger
import LedgerStore
import RunAPI

/// What was checked, by whom and how far; and checks that the reader asks for.
extension Console {
    /// Events at the end of each journal whose hashes are recomputed for the page.
    static let eventsChecked: Int64 = 50
    /// Events that one page checks at most: some 30 ms of a release build.
    static let eventsOfPart: Int64 = 2_500

    func addVerification(to router: Router<APIContext>) {
        page(router, "/console/verification", .ledger) { _, _, _ in try await verification() }
        page(router, "/console/verification/chain", .ledger) { _, request, _ in try await chain(request) }
    }

    private func verification() async throws -> Answer {
        let heads = try await reader.ask(ReadHeads())
        let faults = try await reader.ask(ReadFenceFaults())
        let checkpoints = try await reader.ask(ReadLatestCheckpoints())
        var rows: [View] = []
        var checked = 0
        var isSound = faults.isEmpty
        for head in heads {
            let tail = try await reader.ask(
                ReadTail(journal: head.journal, head: head.position, limit: Self.eventsChecked)
            )
            let check = ChainCheck(ofJournal: tail)
            var fault = check.fault
            if fault == nil, tail.count != Int(min(head.position, Self.eventsChecked)) {
                fault = "an event up to position \(head.position) is missing"
            }
            let progress = auditBoard.progress(of: head.journal)
            checked += check.checked
            isSound = isSound && fault == nil && progress?.finding == nil
            var row = View([
                "journal": head.journal.description, "position": Format.count(head.position),
                "hash": head.position > 0 ? head.hash.description : nil,
                "at": (tail.first?.content.recordedAt).map(View.time),
                "checked": check.checked > 0 ? Format.count(Int64(check.checked)) : nil,
                "fault": fault ?? progress?.finding,
            ])
            row.add(Self.progress(progress, head, checkpoints.first { $0.journal == head.journal }))
            rows.append(row)
        }
        let audited = heads.map { min($0.position, auditBoard.progress(of: $0.journal)?.verifiedThrough ?? 0) }
        let all = heads.reduce(0) { $0 + $1.position }
        let done = audited.reduce(0, +)
        var view = View([
            "ledger": reader.store.name, "journals": rows.members, "number": String(heads.count),
            "events": Format.count(all), "checked": Format.count(Int64(checked)),
            "audited": Format.count(done), "isAudited": done >= all ? true : nil,
            "auditShare": Chart.number(all == 0 ? 100 : Double(done) / Double(all) * 100),
            "isSound": isSound ? true : nil, "fencesStand": faults.isEmpty ? true : nil,
            "faults": faults.map { ["object": $0.object, "fault": $0.fault] },
            "partSize": Format.count(Self.eventsOfPart),
        ])
        view.add(try await standingOfLog())
        return .page("verification", title: "Verification", view: view)
    }

    private static func progress(
        _ progress: AuditBoard.Progress?,
        _ head: ReadHeads.Head,
        _ checkpoint: ReadLatestCheckpoints.Line?
    ) -> View {
        View([
            "verifiedThrough": progress.map { Format.count(min($0.verifiedThrough, head.position)) },
            "isBehind": progress.flatMap { $0.verifiedThrough < head.position ? true : nil },
            "cleanPass": (progress?.cleanPassBegan).map(View.time),
            "published": checkpoint.map { Format.count($0.size) },
            "publishedAt": checkpoint.map { View.time($0.recordedAt) },
        ])
    }

    /// The ledger's own checkpoint; the page is there without it too.
    private func standingOfLog() async throws -> View {
        guard let log else { return View(["log": nil]) }
        var checkpoint: PublishedCheckpoint?
        var fault: String?
        do { checkpoint = try await log.checkpoint() } catch { fault = "\(error)" }
        return View([
            "log": View([
                "key": log.key, "size": checkpoint.map { Format.count($0.size) }, "root": checkpoint?.root,
                "note": checkpoint?.note, "logFault": fault,
                "witnesses": checkpoint.flatMap { $0.witnesses.isEmpty ? nil : $0.witnesses.joined(separator: ", ") },
            ]).members
        ])
    }

    // MARK: A part of a chain

    /// What is checked: an account's stream, or a journal.
    private enum Chain {
        case account(Account)
        case journal(ReadHeads.Head)

        var last: Int64 {
            switch self {
            case .account(let account): account.sequence
            case .journal(let head): head.position
            }
        }
    }

    private func chain(_ request: Request) async throws -> Answer {
        let query = URLForm.members(of: request.uri.query ?? "") ?? [:]
        let of = (query["of"] ?? "").trimmed
        let chain = try await chain(of: of)
        let first = try number("from", query, upTo: max(1, chain.last), default: 1)
        let top = min(chain.last, first + Self.eventsOfPart - 1)
        let last = try number("to", query, upTo: max(1, chain.last), default: max(first, top))
        guard last >= first, last - first < Self.eventsOfPart else {
            let most = Format.count(Self.eventsOfPart)
            throw ConsoleRefusal.invalid("to: \(first) or more is needed, and at most \(most) events at a time.")
        }
        var part = ChainPart()
        var fault: String?
        do {
            if chain.last > 0 { part = try await check(chain, first...last) }
        } catch let finding as VerificationFinding {
            fault = finding.description
        }
        if fault == nil, part.events != (chain.last == 0 ? 0 : last - first + 1) {
            fault = "of events \(first) to \(last) only \(part.events) are there"
        }
        let isWhole = first == 1 && last >= chain.last
        if fault == nil, case .account(let account) = chain, last == chain.last, part.hash != account.headHash {
            fault = "the account's row names another hash as its last than its last event has"
        }
        let next = last < chain.last && fault == nil ? last + 1 : nil
        return .page(
            "chain",
            title: "A chain",
            view: View([
                "of": of, "from": Format.count(first), "to": Format.count(min(last, chain.last)),
                "fault": fault, "checked": Format.count(part.events), "last": Format.count(chain.last),
                "isWhole": isWhole ? true : nil, "isEmpty": chain.last == 0 ? true : nil,
                "isAtEnd": last >= chain.last ? true : nil,
                "hash": part.hash?.description, "next": next.map { "/console/verification/chain?of=\(of)&from=\($0)" },
                "nextFrom": next.map(Format.count), "account": { if case .account = chain { of } else { nil } }(),
                "before": first > 1 ? Format.count(first - 1) : nil, "share": Chart.number(share(last, chain.last)),
                "partSize": Format.count(Self.eventsOfPart),
            ])
        )
    }

    private func share(_ last: Int64, _ all: Int64) -> Double { all == 0 ? 100 : Double(last) / Double(all) * 100 }

    private func chain(of text: String) async throws -> Chain {
        if let number = Int16(text) {
            guard let head = try await reader.ask(ReadHeads()).first(where: { $0.journal.number == number }) else {
                throw ConsoleRefusal.notFound("The ledger has the journals 0 to \(reader.store.journalCount - 1).")
            }
            return .journal(head)
        }
        guard let id = AccountID(text: text) else {
            throw ConsoleRefusal.invalid("of: the whole id of an account, or the number of a journal, is needed.")
        }
        guard let account = try await reader.store.state(of: id)?.account else {
            throw ConsoleRefusal.notFound("There is no account of this id.")
        }
        return .account(account)
    }

    private func check(_ chain: Chain, _ range: ClosedRange<Int64>) async throws -> ChainPart {
        switch chain {
        case .account(let account): try await reader.store.audit(account.id, range)
        case .journal(let head): try await reader.store.audit(head.journal, range)
        }
    }
}
