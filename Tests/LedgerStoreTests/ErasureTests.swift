import Foundation
import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import TestSupport
import Testing

/// Goal: what belongs to persons is nowhere in clear while an account lives, and nowhere at all once it is erased, while
/// everything that the ledger proves stays proved.
/// Method: texts that occur nowhere else are planted by every way in, and the whole database is dumped and searched.
@Suite("Erasing an account", .gated, .database(LedgerDatabase.template(journals: 2)))
struct ErasureTests {
    /// What the account of a planted person with two runs has.
    private static let rows: [String: Int64] = [
        "account_contacts": 1, "private_texts": 2, "execution_results": 2, "idempotency": 2, "workflow_documents": 1,
        "webhooks": 1, "payment_methods": 1, "payment_charges": 1,
    ]

    @Test("nothing of it is in clear before, nothing can be read after, in any process, and every proof holds")
    func erased() async throws {
        var settings = StoreSettings()
        settings.options.masterKeys = try MasterKeys(current: MasterKeys.makeSetting())
        let shared = settings
        try await withStore(settings) { store in
            try await withStore(shared) { other in
                let neighbour = try await Tenant.open(in: store, credits: Credits(whole: 5))
                let tenant = try await PlantedPerson.plant(store)
                let runs = [
                    try await PlantedPerson.run(tenant, store, isFailure: false),
                    try await PlantedPerson.run(tenant, store, isFailure: true),
                ]
                try await PlantedPerson.expectHidden("before the erasure")
                try await PlantedPerson.expectReadable(tenant, store)
                try await PlantedPerson.expectReadable(tenant, other)

                let actor = try #require(Actor("operator:ann"))
                let open = try await store.decideErasure(of: tenant.account, by: actor)
                #expect(open.refusal == .accountOpen)
                try await store.succeed(tenant.command(.closeAccount))
                let before = try await store.allEvents(of: tenant.account)
                let found = try await store.personalRows(of: tenant.account)
                #expect(found == Self.rows)
                #expect(try await store.decideErasure(of: tenant.account, by: actor) == .done)
                // The key went with the event; the rows are still there, and say nothing any more.
                #expect(try await store.personalRows(of: tenant.account) == found)
                try await other.forgetDestroyedKeys()
                for reader in [store, other] { try await PlantedPerson.expectErased(tenant, runs, reader) }
                #expect(try await store.openErasures().map(\.account) == [tenant.account])
                #expect(try await store.sample(tenant.journal)?.openErasures == 1)

                try await other.eraseRows(of: tenant.account)
                var asked: [ExecutionID] = []
                try await other.eraseFiles(of: tenant.account) { execution in
                    asked.append(execution)
                    return 2
                }
                #expect(Set(asked) == Set(runs))
                let erasure = try #require(try await store.erasure(of: tenant.account))
                #expect(erasure.rows == found && erasure.files == 4 && erasure.finishedAt != nil)
                #expect(try await store.personalRows(of: tenant.account).isEmpty)
                #expect(try await store.openErasures().isEmpty)

                // Nothing comes in any more.
                #expect(try await !store.setContact("back@example.org", of: tenant.account))
                try await other.putKeyUses([tenant.key: SystemClock.now().adding(seconds: -60)])
                #expect(try await store.personalRows(of: tenant.account).isEmpty)
                // Once is enough, whoever asks again.
                #expect(try await other.decideErasure(of: tenant.account, by: actor) == .alreadyDone)
                let after = try await store.allEvents(of: tenant.account)
                #expect(Array(after.prefix(before.count)) == before)
                #expect(after.dropFirst(before.count).map(\.content.type) == [.keyRevoked, .accountErased])
                #expect(after.last?.content.erasure?.found == found)
                try await PlantedPerson.expectHidden("after the erasure")
                for reader in [store, other] { try await PlantedPerson.expectErased(tenant, runs, reader) }
                try await expectProved(store)
                try await store.succeed(neighbour.command(.setApproval(true)))
            }
        }
    }

    private func expectProved(_ store: LedgerStore) async throws {
        try await expectSound(store)
        for number in Int16(0)..<2 { _ = try await store.rebuild(JournalID(number)) }
        try await expectSound(store)
    }

    @Test("an account with a run under way is not erased, and one that is not there neither")
    func refused() async throws {
        try await withStore { store in
            let actor = try #require(Actor("operator:ann"))
            let nobody = try await store.decideErasure(of: AccountID(FreshID.bits()), by: actor)
            #expect(nobody.refusal == .accountUnknown)
            let tenant = try await Tenant.open(in: store, credits: Credits(whole: 5))
            _ = try await store.submit(tenant.admit())
            #expect(try await store.decideErasure(of: tenant.account, by: actor).refusal == .accountOpen)
            #expect(try await store.erasure(of: tenant.account) == nil)
            #expect(try await store.submit(tenant.command(.closeAccount)).refusal == .accountInUse)
        }
    }

    @Test("what is sealed opens for its own place only, and older rows in clear are read as they are")
    func places() async throws {
        try await withStore { store in
            let first = try await PlantedPerson.plant(store)
            let second = try await Tenant.open(in: store)
            _ = try await store.setContact("other@example.org", of: second.account)
            // Another account's address, and the same account's from another column.
            for (column, table) in [
                ("email", "account_contacts WHERE account_id = '\(first.account)'"), ("url", "webhooks"),
            ] {
                try await psql(
                    """
                    UPDATE ledger.account_contacts SET email = (SELECT \(column) FROM ledger.\(table))
                    WHERE account_id = '\(second.account)'
                    """
                )
                #expect(try await store.contact(of: second.account) == nil, "\(column)")
            }
            try await psql(
                "UPDATE ledger.account_contacts SET email = 'old@example.org' WHERE account_id = '\(second.account)'"
            )
            #expect(try await store.contact(of: second.account) == "old@example.org")
            #expect(try await store.contact(of: first.account) == PlantedPerson.text("email"))
        }
    }

    @Test("a master key is changed beside running stores; a store with another one says which setting is wrong")
    func masters() async throws {
        let (old, new) = (MasterKeys.makeSetting(), MasterKeys.makeSetting())
        func settings(_ keys: MasterKeys) -> StoreSettings {
            var settings = StoreSettings()
            settings.options.masterKeys = keys
            return settings
        }
        var tenant: Tenant?
        // Before there is a master key, the keys are kept as they are.
        try await withStore { store in
            tenant = try await PlantedPerson.plant(store)
            #expect(try await store.rewrapDataKeys() == 0)
        }
        let planted = try #require(tenant)
        try await withStore(settings(try MasterKeys(current: old))) { store in
            #expect(try await store.rewrapDataKeys() == 1)
            try await PlantedPerson.expectReadable(planted, store)
            try await withStore(settings(try MasterKeys(current: new, previous: old))) { changing in
                try await changing.checkMasterKeys()
                #expect(try await changing.rewrapDataKeys() == 1)
                #expect(try await changing.rewrapDataKeys() == 0)
            }
            try await PlantedPerson.expectReadable(planted, store)
        }
        try await withStore(settings(try MasterKeys(current: new))) { store in
            try await store.checkMasterKeys()
            try await PlantedPerson.expectReadable(planted, store)
        }
        for wrong in [try MasterKeys(current: old), .none] {
            try await withStore(settings(wrong)) { store in
                let error = await #expect(throws: LedgerStoreError.self) { try await store.checkMasterKeys() }
                #expect(error?.code == .locked && error?.message.hasPrefix("RUNLEDGER_DATA_KEY is not") == true)
                await #expect(throws: LedgerStoreError.self) { try await store.contact(of: planted.account) }
                // Nor does it make keys that the others could not open.
                await #expect(throws: LedgerStoreError.self) { try await Tenant.open(in: store) }
            }
        }
        for text in ["short", String(repeating: "0", count: 63), "file:/nowhere"] {
            let fault = #expect(throws: MasterKeys.Fault.self) { try MasterKeys(current: text) }
            #expect(fault?.description.hasPrefix("RUNLEDGER_DATA_KEY") == true, "\(text)")
        }
    }

    @Test(
        "every table that names an account or a key either is emptied by an erasure or is known to hold nothing personal"
    )
    func complete() async throws {
        let tables = try await psql(
            """
            SELECT DISTINCT c.table_name FROM information_schema.columns c
            JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE c.table_schema = 'ledger' AND t.table_type = 'BASE TABLE' AND c.column_name IN ('account_id', 'key_id')
                AND c.table_name NOT LIKE 'events\\_%'
            """
        ).split(separator: "\n").map(String.init)
        let known = Set(PersonalData.erasedTables).union(PersonalData.keptTables)
        #expect(Set(tables).subtracting(known).isEmpty, "decide in PersonalTables what an erasure does to these")
        #expect(Set(PersonalData.erasedTables).isDisjoint(with: PersonalData.keptTables))
    }
}
