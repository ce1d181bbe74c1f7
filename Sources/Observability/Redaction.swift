/// Which metadata keys name what must not be in a log: credentials, and what a run was given or returned.
enum Redaction {
    static let replacement = "[redacted]"

    private static let names: Set<String> = [
        "apikey", "xapikey", "key", "secret", "authorization", "proxyauthorization", "password", "passphrase", "token",
        "cookie", "setcookie", "credential", "credentials", "input", "inputs", "output", "outputs", "databaseurl",
    ]
    private static let endings = ["secret", "password", "token", "apikey", "privatekey", "credentials"]

    /// Compares without case, hyphens and underscores: `X-API-Key`, `apiKey` and `api_key` are the same name.
    static func isSecret(_ key: String) -> Bool {
        let letters = key.lowercased().filter { $0 != "-" && $0 != "_" && $0 != "." }
        return names.contains(letters) || endings.contains { letters.hasSuffix($0) }
    }
}
