import Ledger
import LedgerStore
import LedgerTestSupport
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite("What is not taken", .gated, .database(LedgerDatabase.template(journals: 1)))
struct RejectionTests {
    @Test("a command that the database refuses fails alone: its neighbours in the batch are carried out")
    func poison() async throws {
        let batches = BatchCounter()
        var settings = StoreSettings()
        settings.options.observer = batches
        try await withStore(settings) { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 100))
            let running = tenant.newExecution()
            _ = try await store.submit(tenant.admit(running))
            let before = batches.count
            // PostgreSQL takes no NUL in a text.
            let bad = [
                tenant.admit(model: "pain\0ter"),
                tenant.admit(model: "tail\0or"),
                tenant.command(.recordSubmission(RecordSubmission(executionID: running, providerRequestID: "\0"))),
            ]
            let good = (0..<60).map { _ in tenant.admit() }
            let answers = try await withLockedJournal(tenant.journal) {
                let first = try await occupyWriter(of: store, with: good[0])
                let others = (good[1...30] + bad + good[31...]).map { command in
                    Task { try await store.submit(command) }
                }
                while store.waitingCount < others.count { try await Task.sleep(for: .milliseconds(5)) }
                return [first] + others
            }
            var errors: [LedgerStoreError] = []
            var admitted = 0
            for answer in answers {
                do {
                    if try await answer.value.admission != nil { admitted += 1 }
                } catch let error as LedgerStoreError {
                    errors.append(error)
                }
            }
            #expect(admitted == 60)
            #expect(errors.map(\.code) == [.rejected, .rejected, .rejected])
            #expect(errors.allSatisfy { $0.outcome == .rolledBack })
            #expect(batches.count > before + 3, "all were in one batch that had to be split")
            let marks = bad.map { "'\($0.id)'" }.joined(separator: ", ")
            #expect(try await count("SELECT count(*) FROM ledger.events WHERE command_id IN (\(marks))") == 0)
            #expect(try await store.execution(running, of: tenant.account)?.status == .admitted)
            try await expectSound(store)
        }
    }

    @Test("a reason may hold any character, and reads back as it was")
    func anyText() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store)
            let text = "NUL \0, quotes \"'\\, lines \n\r\u{2028}, controls \u{1F}\u{7F}, é, 👩🏽‍🚀"
            let pot = PotID(FreshID.bits())
            try await store.succeed(tenant.addCredits(Credits(whole: 1), pot: pot))
            let correction = AdjustCredits(
                potID: pot,
                amount: Credits(whole: 1),
                reason: text,
                correctsSequence: nil
            )
            try await store.succeed(tenant.command(.adjustCredits(correction)))
            let event = try #require(try await store.allEvents(of: tenant.account).last)
            // The event only names it; it is sealed beside.
            let mark = try #require(event.content.detail?["reason"]?.stringValue)
            #expect(PrivateText.commitment(in: mark) != nil)
            #expect(try await store.privateTexts(of: tenant.account, in: [mark, "another"]) == [mark: text])
            // A reference is a column besides, and no column can hold a NUL.
            let verdict = try await store.submit(tenant.addCredits(Credits(whole: 1), reference: "a\0b"))
            #expect(verdict == .refused(.referenceInvalid, window: nil))
            try await expectSound(store)
        }
    }

    @Test("an account whose row can't be read is refused by itself, for certain; its neighbours go on")
    func unreadableAccount() async throws {
        try await withStore { store in
            let damaged = try await Tenant.open(in: store, credits: Credits(whole: 9))
            let sound = try await Tenant.open(in: store, credits: Credits(whole: 9))
            try await psql("UPDATE ledger.accounts SET tier = 'gold' WHERE account_id = '\(damaged.account)'")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<5 {
                    group.addTask {
                        let verdict = try await store.submit(sound.admit())
                        #expect(verdict.admission != nil)
                    }
                    group.addTask {
                        let error = try await storeError { try await store.submit(damaged.admit()) }
                        #expect(error.code == .rejected)
                        #expect(error.outcome == .rolledBack)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.allEvents(of: damaged.account).count == 3)
        }
    }

    enum Bound: String, CaseIterable {
        case count, bytes
    }

    @Test(
        "a full queue refuses at once, surely not carried out, and nothing is recorded of it",
        arguments: Bound.allCases
    )
    func overload(_ bound: Bound) async throws {
        var settings = StoreSettings()
        switch bound {
        case .count: settings.options.queuedCommandsPerJournal = 10
        case .bytes: settings.options.queuedBytesPerJournal = 10 * (256 + 7)
        }
        try await withStore(settings) { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 100))
            let late = tenant.admit()
            let waiting = try await withLockedJournal(tenant.journal) {
                let first = try await occupyWriter(of: store, with: tenant.admit())
                let queued = (0..<10).map { _ in Task { try await store.submit(tenant.admit(model: "painter")) } }
                while store.waitingCount < 10 { try await Task.sleep(for: .milliseconds(5)) }
                // The journal is locked, so an answer can only come at once.
                let error = try await storeError { try await store.submit(late) }
                #expect(error.code == .overloaded)
                #expect(error.outcome == .notSent)
                return [first] + queued
            }
            for task in waiting { #expect(try await task.value.admission != nil) }
            #expect(try await count("SELECT count(*) FROM ledger.events WHERE command_id = '\(late.id)'") == 0)
            #expect(try await store.submit(late).admission != nil)
            try await expectSound(store)
        }
    }

    @Test("closing waits for what was taken, and takes nothing more")
    func closing() async throws {
        try await withStore { store in
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 100))
            let refusals = Refusals()
            let (waiting, closing) = try await withLockedJournal(tenant.journal) {
                var waiting = [try await occupyWriter(of: store, with: tenant.admit())]
                waiting += (0..<49).map { _ in Task { try await store.submit(tenant.admit()) } }
                while store.waitingCount < 49 { try await Task.sleep(for: .milliseconds(5)) }
                let closing = Task { await store.close() }
                // Until it has begun to close, it takes more.
                while refusals.all.isEmpty {
                    let command = tenant.admit()
                    let late = Task {
                        do throws(LedgerStoreError) {
                            return try await store.submit(command)
                        } catch {
                            refusals.append(error)
                            throw error
                        }
                    }
                    try await Task.sleep(for: .milliseconds(50))
                    if refusals.all.isEmpty { waiting.append(late) }
                }
                return (waiting, closing)
            }
            await closing.value
            // Nobody is left waiting once it has closed.
            #expect(store.waitingCount == 0)
            #expect(try await count("SELECT count(*) FROM ledger.holds") == waiting.count)
            #expect(refusals.all.allSatisfy { $0.code == .closed && $0.outcome == .notSent })
            for task in waiting { #expect(try await task.value.admission != nil) }
            await store.close()
            try await expectSound(store)
        }
    }
}

/// Errors that tasks were given.
private final class Refusals: Sendable {
    private let state = Mutex<[LedgerStoreError]>([])

    var all: [LedgerStoreError] { state.withLock { $0 } }

    func append(_ error: LedgerStoreError) { state.withLock { $0.append(error) } }
}
