import Registry
import TestSupport
import Testing

@Suite("Accounts, credits, grants and keys", .database(.ledger))
struct AccountTests {
    private func open(_ arguments: String...) async throws -> String {
        let opened = try await Program.here.run(["account", "open", "--json"] + arguments).expect(0)
        return try #require(try opened.json["account"]?.stringValue)
    }

    @Test("what is done to an account shows in it")
    func livesItsLife() async throws {
        let account = try await open("--tier", "business")
        let plan = try await Program.here(
            "credits",
            "add",
            account,
            "100.5",
            "--kind",
            "plan",
            "--expires",
            "30d",
            "--json"
        )
        .expect(0)
        #expect(try plan.json["balance"]?.scalarText == "100.5")
        try await Program.here("credits", "add", account, "25", "--reference", "invoice 7").expect(
            0,
            "balance",
            "125.5"
        )
        try await Program.here("grant", "issue", account, "nano-banana-2", "--runs", "3").expect(0, "3 runs")
        try await Program.here("grant", "issue", account, "gpt-image-2", "--days", "7", "--expires", "2099-01-31")
            .expect(0)
        let key = try await Program.here(
            "key",
            "issue",
            account,
            "--name",
            "worker",
            "--capability",
            "model:run",
            "--capability",
            "workflow:read",
            "--json"
        ).expect(0)
        #expect(try key.json["key"]?.stringValue?.hasPrefix("knouds_live_") == true)
        #expect(try key.json["capabilities"] == ["model:run", "workflow:read"])

        let shown = try await Program.here("account", "show", account, "--json").expect(0).json
        #expect(shown["tier"] == "business")
        #expect(shown["balance"]?.scalarText == "125.5")
        #expect(shown["available"]?.scalarText == "125.5")
        #expect(shown["pots"]?.arrayValue?.compactMap { $0["kind"]?.stringValue } == ["plan", "top_up"])
        #expect(shown["grants"]?.arrayValue?.count == 2)
        #expect(shown["sequence"] == 6)
        try await Program.here("account", "show", account).expect(
            0,
            account,
            "125.5 credits",
            "nano-banana-2",
            "2099-01-31"
        )

        let keyID = try #require(try key.json["keyId"]?.stringValue)
        try await Program.here("key", "revoke", keyID).expect(0, "revoked", "now")
        try await Program.here("key", "revoke", keyID).expect(0, "had been already")
        try await Program.here("verify").expect(0, "clean", "7 events", "1 account")
    }

    @Test("an account's keys are listed with their last use, and its runs with what they cost")
    func listsKeysAndUsage() async throws {
        let account = try await open("--tier", "business")
        let key = try await Program.here("key", "issue", account, "--name", "worker", "--json").expect(0)
        let shown = try await Program.here("account", "show", account, "--json").expect(0).json
        #expect(shown["keys"]?.arrayValue?.map { $0["keyId"] } == [try key.json["keyId"]])
        let keys = try await Program.here("key", "list", "u_" + account, "--json").expect(0).json
        #expect(keys["keys"] == shown["keys"] && keys["keys"]?.arrayValue?.first?["lastUsedAt"] == .null)
        try await Program.here("key", "list", account).expect(0, "worker", "never", "model:run")
        let usage = try await Program.here("usage", account, "--status", "failed", "--json").expect(0).json
        #expect(usage["total"] == 0 && usage["runs"] == [])
        try await Program.here("usage", account).expect(0, "none of 0 runs")
    }

    @Test("presets stand for capabilities, and an owner's address is kept and forgotten")
    func presetsAndContacts() async throws {
        let account = try await open("--tier", "pro")
        let key = try await Program.here("key", "issue", account, "--preset", "full-deploy", "--json").expect(0)
        #expect(try key.json["capabilities"] == ["workflow:run", "workflow:read", "workflow:write"])
        try await Program.here("key", "issue", account, "--preset", "read-only", "--capability", "workflow:run")
            .expect(64, "--preset custom")
        try await Program.here("key", "issue", account, "--preset", "custom").expect(64, "at least one --capability")
        try await Program.here("account", "contact", account, "--email", "owner@example.com").expect(0)
        try await Program.here("account", "show", account).expect(0, "owner@example.com", "keys")
        try await Program.here("account", "contact", account, "--forget").expect(0, "none")
        let shown = try await Program.here("account", "show", account, "--json").expect(0).json
        #expect(shown["email"] == .null && shown["sequence"] == 2)
    }

    @Test("a key is printed once and is not in the ledger's history")
    func keepsSecrets() async throws {
        let account = try await open()
        let key = try await Program.here("key", "issue", account, "--json").expect(0).json["key"]?.stringValue
        let history = try await Program.here("replay", "--account", account, "--json").expect(0)
        #expect(!history.output.contains(try #require(key)))
    }

    @Test(
        "a wish that makes no sense names the field and the limit",
        arguments: [
            (["account", "open", "--tier", "gold"], "--tier"),
            (["credits", "add", "ID", "0"], "above 0"),
            (["credits", "add", "ID", "1.1234567"], "at most 6 decimals"),
            (["credits", "add", "ID", "5", "--expires", "2001-01-01"], "not in the future"),
            (["credits", "add", "ID", "5", "--expires", "soon"], "no moment"),
            (["credits", "add", "ID", "5", "--reference", String(repeating: "x", count: 201)], "1 to 200 bytes"),
            (["credits", "add", "nobody", "5"], "no id of an account"),
            (["grant", "issue", "ID", "nano-banana-2"], "--runs or --days"),
            (["grant", "issue", "ID", "nano-banana-2", "--runs", "1", "--days", "1"], "--runs or --days"),
            (["grant", "issue", "ID", "nano-banana-2", "--runs", "0"], "from 1 to 1000000000"),
            (["grant", "issue", "ID", "Nano_Banana", "--runs", "1"], "lower-case letters"),
            (["key", "issue", "ID", "--name", ""], "1 to 100 bytes"),
            (["key", "issue", "ID", "--capability", "model:fly"], "no capability"),
            (["key", "revoke", "key"], "no id of a key"),
            (["key", "issue", "ID", "--preset", "root"], "--preset"),
            (["key", "list", "u_nobody"], "no id of an account"),
            (["usage", "ID", "--limit", "501"], "from 1 to 500"),
            (["usage", "ID", "--offset", "-1"], "--offset"),
            (["usage", "ID", "--status", "done"], "--status"),
            (["usage", "ID", "--model", "GPT"], "lower-case letters"),
            (["account", "contact", "ID", "--email", "nobody"], "no address of e-mail"),
            (["account", "contact", "ID"], "--email or --forget"),
            (["init", "--journals", "5000"], "from 1 to 4096"),
            (["replay", "--account", "ID", "--as-of", "now", "--sequence", "1"], "no moment"),
        ]
    )
    func namesLimits(_ command: [String], _ text: String) async throws {
        let account = "019ab5d0-7c1e-7000-8f3a-5b1c2d3e4f50"
        try await Program.here.run(command.map { $0 == "ID" ? account : $0 }).expect(64, text)
        try await Program.here("verify").expect(0, "0 events")
    }

    @Test("what the ledger refuses changes nothing")
    func refuses() async throws {
        let unknown = "019ab5d0-7c1e-7000-8f3a-5b1c2d3e4f50"
        try await Program.here("account", "show", unknown).expect(1, "no account", "runledger account open")
        try await Program.here("credits", "add", unknown, "5").expect(1, "no account", "ACCOUNT_NOT_FOUND")
        try await Program.here("key", "revoke", unknown).expect(1, "no key")
        try await Program.here("key", "list", unknown).expect(1, "no account")
        try await Program.here("usage", unknown).expect(1, "no account")
        try await Program.here("account", "contact", unknown, "--forget").expect(1, "no account")
        let free = try await open("--tier", "free")
        try await Program.here("key", "issue", free).expect(1, "free plan can have no keys")
        let pro = try await open("--tier", "pro")
        try await Program.here("key", "issue", pro).expect(1, "can't hold model:run", "business plan can")
        try await Program.here("credits", "add", pro, "9223372036854").expect(0)
        try await Program.here("credits", "add", pro, "1").expect(1, "balance at most 9223372036854.775807")
        try await Program.here("verify").expect(0, "clean", "3 events")
    }
}
