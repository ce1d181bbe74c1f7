import Registry
import TestSupport
import Testing

@Suite("What operators do at the command line", .database(.ledger))
struct OperatorCommandTests {
    private func open(_ arguments: String...) async throws -> String {
        let opened = try await Program.here.run(["account", "open", "--json"] + arguments).expect(0)
        return try #require(try opened.json["account"]?.stringValue)
    }

    @Test("an account is approved, moved, corrected, renewed and closed")
    func account() async throws {
        let account = try await open("--tier", "pro", "--unapproved")
        let approved = try await Program.here("account", "approve", account, "--json").expect(0)
        #expect(try approved.json["approved"] == true)
        try await Program.here("account", "tier", account, "business").expect(0, "business, user, approved")
        try await Program.here("account", "role", account, "admin").expect(0, "business, admin")
        let added = try await Program.here("credits", "add", account, "50", "--reference", "i1", "--json").expect(0)
        let again = try await Program.here("credits", "add", account, "9", "--reference", "i1", "--json").expect(0)
        let pot = try #require(try added.json["pot"]?.stringValue)
        #expect(try again.json["pot"]?.stringValue == pot && again.json["balance"] == 50)
        let adjust = ["credits", "adjust", account, pot, "--reason", "typo", "--corrects", "5"]
        let adjusted = try await Program.here.run(adjust + ["--json", "--", "-20"]).expect(0)
        #expect(try adjusted.json["balance"] == 30)
        try await Program.here.run(adjust + ["--", "-31"]).expect(1, "30 credits of the pot", "ADJUSTMENT_TOO_LARGE")
        try await Program.here.run(adjust + ["0"]).expect(64, "other than 0")
        let renew = ["plan", "renew", account, "--period", "2027-01"]
        try await Program.here.run(renew).expect(0, "renewed", "now", "11359")
        try await Program.here.run(renew).expect(0, "had been already", "11359")
        try await Program.here("account", "list").expect(0, account, "11359 credits")
        try await Program.here("account", "close", account).expect(0, "closed")
        try await Program.here("account", "tier", account, "pro").expect(1, "is closed", "ACCOUNT_CLOSED")
        try await Program.here("replay", "--account", account, "--json").expect(0, "\"actor\":\"cli\"")
        try await Program.here("verify").expect(0, "clean")
    }

    @Test("thresholds, topping up, grants and models")
    func house() async throws {
        let account = try await open()
        try await Program.here("alert", "list").expect(0, "No alert")
        let set = try await Program.here("alert", "set", account, "10", "--json").expect(0)
        #expect(try set.json["raisedAt"] != .null)
        let list = try await Program.here("alert", "list", "--json").expect(0)
        #expect(try list.json["alerts"]?.arrayValue?.first?["account"]?.stringValue == account)
        try await Program.here("alert", "off", account).expect(0, "none")
        try await Program.here("alert", "set", account, "0").expect(64, "above 0")
        let topUp = ["top-up", "set", account, "--below", "5", "--amount", "10"]
        try await Program.here.run(topUp).expect(0, "5", "10", "nothing is bought")
        try await Program.here.run(topUp + ["--attempts-per-day", "25"]).expect(64, "from 1 to 24")
        try await Program.here.run(topUp + ["--customer", "cus_1"]).expect(64, "--payment-method", "together")
        try await Program.here.run(topUp + ["--customer", "c 1", "--payment-method", "pm_1"]).expect(64, "no reference")
        try await Program.here.run(topUp + ["--customer", "cus_1", "--payment-method", "pm_1"]).expect(
            0,
            "cus_1",
            "pm_1"
        )
        let again = try await Program.here.run(topUp + ["--json"]).expect(0)
        #expect(try again.json["customer"] == "cus_1" && again.json["paymentMethod"] == "pm_1")
        try await Program.here("top-up", "off", account).expect(0, "off")
        #expect(try await Program.here.run(topUp + ["--json"]).expect(0).json["customer"] == .null)
        try await Program.here("top-up", "off", account, "--json").expect(0, "false")
        let grant = try await Program.here("grant", "issue", account, "echo", "--runs", "1", "--json").expect(0)
        let id = try #require(try grant.json["grant"]?.stringValue)
        let revoked = try await Program.here("grant", "revoke", account, id, "--json").expect(0)
        #expect(try revoked.json["grants"]?.arrayValue?.first?["revoked"] == true)
        try await Program.here("grant", "revoke", account, account).expect(1, "GRANT_NOT_FOUND")
        try await Program.here("model", "disable", "echo").expect(0, "off", "now")
        try await Program.here("model", "disable", "echo").expect(0, "had been already")
        try await Program.here("model", "switches").expect(0, "echo", "by cli")
        try await Program.here("operator", "log").expect(0, "model.disabled", "echo", "cli")
        try await Program.here("payment", "list").expect(0, "There are none.")
        #expect(try await Program.here("payment", "list", "--json").json["payments"] == [])
        try await Program.here("payment", "list", "--limit", "0").expect(64, "limit", "1")
        try await Program.here("model", "enable", "E cho").expect(64, "lower-case letters")
        try await Program.here("verify").expect(0, "clean")
    }

    @Test("an operator's token is shown once")
    func operators() async throws {
        let added = try await Program.here("operator", "add", "ann", "--role", "finance", "--json").expect(0)
        let token = try #require(try added.json["token"]?.stringValue)
        #expect(token.hasPrefix("rl_admin_"))
        let list = try await Program.here("operator", "list", "--json").expect(0)
        #expect(!list.output.contains(token))
        #expect(try list.json["operators"]?.arrayValue?.first?["role"] == "finance")
        try await Program.here("operator", "add", "ann", "--role", "admin").expect(1, "OPERATOR_EXISTS")
        try await Program.here("operator", "add", "A b", "--role", "admin").expect(64, "lower-case letters")
        try await Program.here("operator", "remove", "ann").expect(0, "removed")
        try await Program.here("operator", "remove", "ann").expect(1, "not an operator")
    }
}
