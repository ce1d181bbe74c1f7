internal import Registry
internal import Synchronization

/// What the simulated vendors know of their one customer.
public struct SimulatorSettings: Hashable, Sendable {
    /// The key that a vendor takes, by the vendor's name; any key will do at a vendor without one. Kling's is
    /// `ACCESS_KEY:SECRET_KEY`, which its tokens are signed with.
    public var keys: [String: String]
    /// How many tasks may be open at a time, by the vendor's name; any number without one.
    public var slots: [String: Int]
    /// What Kling and Replicate sign callbacks with: `whsec_` and 24 to 64 bytes in Base64.
    public var callbackSecret: String
    /// Whether Kling signs callbacks at all, as it does once its customer has made a secret.
    public var klingSigns: Bool

    /// Makes settings.
    public init(
        keys: [String: String] = [:],
        slots: [String: Int] = [:],
        callbackSecret: String = "whsec_c2ltdWxhdG9yLWNhbGxiYWNrLXNlY3JldC0zMmI=",
        klingSigns: Bool = true
    ) {
        self.keys = keys
        self.slots = slots
        self.callbackSecret = callbackSecret
        self.klingSigns = klingSigns
    }

    /// Reads `{"keys", "slots", "callbackSecret", "klingSigns"}`, all optional.
    static func parse(_ json: JSONValue) throws(SimulatorScript.Malformed) -> SimulatorSettings {
        guard let members = json.objectValue else {
            throw SimulatorScript.Malformed(message: "the settings must be an object")
        }
        var settings = SimulatorSettings()
        for (key, value) in members {
            switch key {
            case "keys":
                for (provider, text) in value.objectValue ?? [:] {
                    guard let text = text.stringValue, !text.isEmpty else {
                        throw SimulatorScript.Malformed(message: "keys.\(provider) must be a text that is not empty")
                    }
                    settings.keys[provider] = text
                }
            case "slots":
                for (provider, count) in value.objectValue ?? [:] {
                    guard let count = count.integerValue, (0...1_000_000).contains(count) else {
                        throw SimulatorScript.Malformed(message: "slots.\(provider) must be a number from 0 to 1000000")
                    }
                    settings.slots[provider] = Int(count)
                }
            case "callbackSecret":
                guard let secret = value.stringValue, StandardWebhooks.key(secret) != nil else {
                    throw SimulatorScript.Malformed(
                        message: "callbackSecret must be whsec_ and 24 to 64 bytes in Base64"
                    )
                }
                settings.callbackSecret = secret
            case "klingSigns": settings.klingSigns = value.boolValue ?? true
            default: throw SimulatorScript.Malformed(message: "unknown key \(key)")
            }
        }
        return settings
    }
}

/// The settings, which can change while it runs.
final class SettingsHolder: Sendable {
    private let state: Mutex<SimulatorSettings>

    init(_ settings: SimulatorSettings) { self.state = Mutex(settings) }

    var current: SimulatorSettings {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
