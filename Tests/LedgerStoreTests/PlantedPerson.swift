import Foundation
import Ledger
import LedgerStore
import LedgerTestSupport
import LocalCluster
import TestSupport
import Testing

/// A person of whom the ledger knows something everywhere that it can: texts that occur nowhere else.
enum PlantedPerson {
    /// What is planted, by where it goes.
    private static let planted = [
        "email": "zanzibar@example.org", "key": "Quetzal laptop", "reason": "Mrs Xylograph asked twice",
        "inputs": "portrait of Thaddeus Vole", "result": "Thaddeus in oils", "message": "no likeness of Ottoline",
        "answer": "answered Peregrine", "document": "a poem for Isolde", "url": "https://hooks.example/ermintrude",
        "secret": "whsec_ZXJtaW50cnVkZQ", "customer": "cus_Philippa", "method": "pm_Philippa_visa",
    ]

    static func text(_ name: String) -> String { planted[name] ?? "" }

    private static let inputs = #"{"prompt":"\#(text("inputs"))"}"#
    private static let result = #"{"text":"\#(text("result"))"}"#

    /// Every table of the database as a superuser dumps it.
    private static func dump() async throws -> String {
        let binaries = try PostgresBinaries.find(requiredMajorVersion: nil)
        let (exit, output) = try await ChildProcess.run(
            [binaries.path("pg_dump"), "--data-only", "--inserts", "--no-owner", "--dbname=\(TestDatabase.url)"],
            environment: ProcessInfo.processInfo.environment
        )
        try #require(exit == .exited(code: 0), "\(output.suffix(500))")
        return output
    }

    static func expectHidden(_ what: Comment, location: SourceLocation = #_sourceLocation) async throws {
        let dump = try await dump()
        #expect(dump.contains("ledger.events"), "the dump has the tables", sourceLocation: location)
        for (name, text) in planted {
            // Bytes are dumped in hexadecimal.
            let hexadecimal = text.utf8.map { String(format: "%02x", $0) }.joined()
            #expect(!dump.contains(text) && !dump.contains(hexadecimal), "\(what): \(name)", sourceLocation: location)
        }
    }

    /// A run with a task, an idempotency key, and a result or a message.
    static func run(_ tenant: Tenant, _ store: LedgerStore, isFailure: Bool) async throws -> ExecutionID {
        let execution = tenant.newExecution()
        let key = Digest(of: [isFailure ? 1 : 2])
        try await admit(execution, tenant, store, key: key)
        let claimed = try await store.claimTasks(limit: 9, instance: 1, until: SystemClock.now().adding(seconds: 60))
        var task = try #require(claimed.first { $0.facts.executionID == execution })
        #expect(task.facts.inputs == inputs)
        task.pending = result
        _ = try await store.putTask(
            task,
            instance: 1,
            callbackDigest: nil,
            nextActionAt: SystemClock.now(),
            isLetGo: true
        )
        try await expectHidden("while a run is under way")
        let report = RunReport(
            result: isFailure ? nil : result,
            errorMessage: isFailure ? text("message") : nil,
            milliseconds: 5
        )
        try await settle(execution, tenant, store, key: key, report)
        #expect(try await store.reports(of: [execution], in: tenant.journal)[execution] == report)
        #expect(try await store.readAnswer(of: tenant.account, key: key)?.body == Array(text("answer").utf8))
        return execution
    }

    private static func admit(
        _ execution: ExecutionID,
        _ tenant: Tenant,
        _ store: LedgerStore,
        key: Digest
    ) async throws {
        guard case .admitRun(let wish) = tenant.admit(execution).action else { return }
        let draft = RunTaskDraft(
            inputs: inputs,
            callbackDigest: Digest(of: [9]),
            state: .queued,
            claimedBy: nil,
            nextActionAt: SystemClock.now()
        )
        let admission = AdmitRun(
            executionID: execution,
            keyID: tenant.key,
            model: wish.model,
            inputsDigest: Digest(of: Array(inputs.utf8)),
            preflight: wish.preflight,
            task: draft
        )
        let command = Command(
            id: CommandID(FreshID.bits(in: tenant.journal)),
            accountID: tenant.account,
            action: .admitRun(admission),
            idempotency: IdempotentRequest(key: key, fingerprint: Digest(of: [3]))
        )
        #expect(try await store.submit(command).admission != nil)
        let received = try await store.allEvents(of: tenant.account).last { $0.content.type == .requestReceived }
        let commitment = try #require(received?.content.detail?["inputs"]?.stringValue)
        #expect(commitment != admission.inputsDigest?.description, "an event must not have what can be guessed")
        #expect(commitment == (try await store.commitment(of: tenant.account, to: admission.inputsDigest))?.description)
    }

    private static func settle(
        _ execution: ExecutionID,
        _ tenant: Tenant,
        _ store: LedgerStore,
        key: Digest,
        _ report: RunReport
    ) async throws {
        let outcome: RunOutcome =
            report.result == nil
            ? .failed(code: "PROVIDER_ERROR", durationMilliseconds: 1)
            : .succeeded(
                cost: Credits(whole: 1),
                providerCost: .zero,
                resultDigest: Digest(of: [4]),
                durationMilliseconds: 1
            )
        let answer = AnswerDraft(status: 200, headers: "", body: Array(text("answer").utf8))
        let settlement = SettleRun(
            executionID: execution,
            outcome: outcome,
            providerRequestID: "p",
            report: report,
            claim: .answered(key: key, answer)
        )
        #expect(try await store.submit(tenant.command(.settleRun(settlement))).settlement != nil)
    }

    /// An account of whose owner the ledger knows something everywhere that it can.
    static func plant(_ store: LedgerStore) async throws -> Tenant {
        let tenant = Tenant(in: store)
        try await store.succeed(tenant.command(.openAccount(OpenAccount(tier: .enterprise))))
        let key = IssueKey(
            keyID: tenant.key,
            name: text("key"),
            secretDigest: Digest(of: [1, 2]),
            capabilities: ["model:run", "workflow:write"].compactMap { Capability($0) }
        )
        try await store.succeed(tenant.command(.issueKey(key)))
        let pot = PotID(FreshID.bits())
        try await store.succeed(tenant.addCredits(Credits(whole: 50), pot: pot))
        let correction = AdjustCredits(
            potID: pot,
            amount: Credits(whole: 1),
            reason: text("reason"),
            correctsSequence: 3
        )
        try await store.succeed(tenant.command(.adjustCredits(correction)))
        #expect(try await store.setContact(text("email"), of: tenant.account))
        try await store.putWebhook(
            of: tenant.key,
            account: tenant.account,
            url: text("url"),
            secret: text("secret"),
            at: SystemClock.now()
        )
        let save = SaveWorkflow(
            keyID: tenant.key,
            slug: "verses",
            version: 1,
            document: #"{"text":"\#(text("document"))"}"#
        )
        try await store.succeed(tenant.command(.saveWorkflow(save)))
        try await plantPayment(tenant, store)
        return tenant
    }

    /// A payment method that is set once, however often it is given, and an attempt's charge that keeps it.
    private static func plantPayment(_ tenant: Tenant, _ store: LedgerStore) async throws {
        let method = try #require(PaymentMethod(customer: text("customer"), method: text("method")))
        let other = try #require(PaymentMethod(customer: text("customer"), method: "pm_other"))
        let actor = try #require(Actor("operator:ann"))
        for (wish, isNew) in [(other, true), (method, true), (method, false)] {
            let isSet = try await store.setPaymentMethod(wish, of: tenant.account, by: actor, at: SystemClock.now())
            #expect(isSet == isNew)
        }
        let attempt = attempt(of: tenant)
        let charge = try await store.keepPaymentCharge(
            of: attempt,
            account: tenant.account,
            units: 500,
            currency: "usd"
        )
        #expect(charge?.method == method && charge?.attempt == attempt && charge?.units == 500)
    }

    private static func attempt(of tenant: Tenant) -> PotID { PotID(tenant.key.value) }

    static func expectReadable(_ tenant: Tenant, _ store: LedgerStore) async throws {
        #expect(try await store.contact(of: tenant.account) == text("email"))
        #expect(try await store.listKeys(of: tenant.account)?.map(\.key.name) == [text("key")])
        #expect(try await store.webhook(of: tenant.key)?.url == text("url"))
        #expect(try await store.webhook(of: tenant.key)?.secret == text("secret"))
        let method = try await store.paymentMethod(of: tenant.account)
        #expect(method?.customer == text("customer") && method?.method == text("method"))
        let charge = try await store.paymentCharge(of: attempt(of: tenant), account: tenant.account)
        #expect(charge?.method == method && charge?.currency == "usd")
        let document = try await store.readDocument(of: tenant.account, slug: "verses", version: 1)
        #expect(document == #"{"text":"\#(text("document"))"}"#)
        let events = try await store.allEvents(of: tenant.account)
        let marks = events.compactMap { $0.content.detail?["reason"]?.stringValue }
        #expect(try await store.privateTexts(of: tenant.account, in: marks).map(\.value) == [text("reason")])
    }

    static func expectErased(_ tenant: Tenant, _ runs: [ExecutionID], _ store: LedgerStore) async throws {
        #expect(try await store.contact(of: tenant.account) == nil)
        #expect(try await store.listKeys(of: tenant.account)?.map(\.key.name) == [APIKey.erasedName])
        #expect(try await store.webhook(of: tenant.key) == nil)
        #expect(try await store.paymentMethod(of: tenant.account) == nil)
        #expect(try await store.paymentCharge(of: attempt(of: tenant), account: tenant.account) == nil)
        #expect(try await store.readDocument(of: tenant.account, slug: "verses", version: 1) == nil)
        #expect(try await store.readAnswer(of: tenant.account, key: Digest(of: [2])) == nil)
        for report in try await store.reports(of: runs, in: tenant.journal).values {
            #expect(report.result == nil && report.errorMessage == nil)
        }
        let events = try await store.allEvents(of: tenant.account)
        let marks = events.compactMap { $0.content.detail?["reason"]?.stringValue }
        #expect(marks.count == 1)
        #expect(try await store.privateTexts(of: tenant.account, in: marks).isEmpty)
    }
}
