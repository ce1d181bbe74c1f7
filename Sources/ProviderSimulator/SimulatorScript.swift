internal import Registry

/// How a simulated provider behaves towards the runs of one model, or of all.
public struct SimulatorScript: Hashable, Sendable {
    /// Faults for the next runs, one each; nil for a run without a fault.
    public var faults: [SimulatorFault?]
    /// Once these are used up: how likely each fault is, in millionths.
    public var ratesPerMillion: [SimulatorFault: Int]
    /// What the draws of the rates begin with.
    public var seed: UInt64
    /// How long every answer takes, in milliseconds.
    public var latencyMilliseconds: Int
    /// How long a job takes from acceptance to its end, in milliseconds.
    public var jobMilliseconds: Int
    /// How much longer a slow run takes, in milliseconds.
    public var slowMilliseconds: Int
    /// By how much an answer's latency varies at most, in milliseconds; drawn from the seed.
    public var jitterMilliseconds: Int
    /// How late a late callback is, in milliseconds.
    public var lateMilliseconds: Int
    /// How large each piece of media is, in bytes; a prompt's `[[bytes:N]]` goes before it.
    public var mediaBytes: Int
    /// For how long media can be fetched after the run's end, in milliseconds.
    public var mediaLifeMilliseconds: Int

    /// Works at once and without faults.
    public static let fast = SimulatorScript()

    /// Makes a script.
    public init(
        faults: [SimulatorFault?] = [],
        ratesPerMillion: [SimulatorFault: Int] = [:],
        seed: UInt64 = 1,
        latencyMilliseconds: Int = 0,
        jobMilliseconds: Int = 0,
        slowMilliseconds: Int = 1_000,
        jitterMilliseconds: Int = 0,
        lateMilliseconds: Int = 2_000,
        mediaBytes: Int = 2_048,
        mediaLifeMilliseconds: Int = 86_400_000
    ) {
        self.faults = faults
        self.ratesPerMillion = ratesPerMillion
        self.seed = seed
        self.latencyMilliseconds = latencyMilliseconds
        self.jobMilliseconds = jobMilliseconds
        self.slowMilliseconds = slowMilliseconds
        self.jitterMilliseconds = jitterMilliseconds
        self.lateMilliseconds = lateMilliseconds
        self.mediaBytes = mediaBytes
        self.mediaLifeMilliseconds = mediaLifeMilliseconds
    }

    /// A script under which a share of all runs meets one of the faults of a bad day, each as often as the others:
    /// 0.2 for 20 %.
    public static func chaos(_ share: Double, seed: UInt64 = 1) -> SimulatorScript {
        SimulatorScript(ratesPerMillion: chaosRates(share), seed: seed)
    }

    private static func chaosRates(_ share: Double) -> [SimulatorFault: Int] {
        let mix = SimulatorFault.chaosMix
        let total = Int((max(0, min(1, share)) * 1_000_000).rounded())
        // The first ones get what does not divide, so that the sum is the share.
        return Dictionary(
            uniqueKeysWithValues: mix.enumerated().map { index, fault in
                (fault, total / mix.count + (index < total % mix.count ? 1 : 0))
            }
        )
    }
}

extension SimulatorScript {
    /// What is wrong with a script that was sent.
    struct Malformed: Error {
        let message: String
    }

    /// Whose runs a script is for.
    struct Scope: Hashable, Sendable {
        /// A vendor such as `fal`, or `*`.
        var provider = "*"
        /// A vendor's name of a model, or `*`.
        var model = "*"
    }

    /// Reads the members of a script, all optional: `provider` and `model` that it is for, `faults`, `rates` or `chaos`,
    /// `seed`, and the properties by their names.
    ///
    /// - Returns: the script and whose runs it is for.
    static func parse(_ json: JSONValue) throws(Malformed) -> (scope: Scope, script: SimulatorScript) {
        guard case .object(let members) = json else { throw Malformed(message: "the script must be an object") }
        if members["rates"] != nil, members["chaos"] != nil {
            throw Malformed(message: "a script has rates or chaos, not both")
        }
        var script = SimulatorScript()
        var scope = Scope()
        for (key, value) in members {
            switch key {
            case "provider": scope.provider = try name(value, key)
            case "model": scope.model = try name(value, key)
            case "faults": script.faults = try faults(value)
            case "rates": script.ratesPerMillion = try rates(value)
            case "chaos": script.ratesPerMillion = chaosRates(try share(value, "chaos"))
            case "seed": script.seed = UInt64(try number(value, key))
            default:
                guard let property = properties[key] else { throw Malformed(message: "unknown key \(key)") }
                script[keyPath: property] = try number(value, key)
            }
        }
        return (scope, script)
    }

    private static var properties: [String: WritableKeyPath<SimulatorScript, Int>] {
        [
            "latencyMilliseconds": \.latencyMilliseconds, "jobMilliseconds": \.jobMilliseconds,
            "slowMilliseconds": \.slowMilliseconds, "jitterMilliseconds": \.jitterMilliseconds,
            "lateMilliseconds": \.lateMilliseconds, "mediaBytes": \.mediaBytes,
            "mediaLifeMilliseconds": \.mediaLifeMilliseconds,
        ]
    }

    private static func name(_ value: JSONValue, _ key: String) throws(Malformed) -> String {
        guard let name = value.stringValue, !name.isEmpty else {
            throw Malformed(message: "\(key) must be a name or *")
        }
        return name
    }

    private static func share(_ value: JSONValue, _ what: String) throws(Malformed) -> Double {
        guard let share = value.scalarText.flatMap(Double.init), (0...1).contains(share) else {
            throw Malformed(message: "\(what) must be a number from 0 to 1")
        }
        return share
    }

    private static func number(_ value: JSONValue, _ key: String) throws(Malformed) -> Int {
        // A day in milliseconds; media of 2 GiB.
        let maximum: Int64 = key == "mediaBytes" ? 2_147_483_648 : 86_400_000
        guard let number = value.integerValue, (0...maximum).contains(number) else {
            throw Malformed(message: "\(key) must be a whole number from 0 to \(maximum)")
        }
        return Int(number)
    }

    private static func fault(_ name: String) throws(Malformed) -> SimulatorFault {
        guard let fault = SimulatorFault(rawValue: name) else {
            let known = SimulatorFault.allCases.map(\.rawValue).joined(separator: ", ")
            throw Malformed(message: "unknown fault \(name); there are none, \(known)")
        }
        return fault
    }

    private static func faults(_ value: JSONValue) throws(Malformed) -> [SimulatorFault?] {
        guard let elements = value.arrayValue else { throw Malformed(message: "faults must be an array of names") }
        var faults: [SimulatorFault?] = []
        for element in elements {
            guard let name = element.stringValue else { throw Malformed(message: "faults must be an array of names") }
            faults.append(name == "none" ? nil : try fault(name))
        }
        return faults
    }

    private static func rates(_ value: JSONValue) throws(Malformed) -> [SimulatorFault: Int] {
        guard let members = value.objectValue else { throw Malformed(message: "rates must be an object of shares") }
        var rates: [SimulatorFault: Int] = [:]
        for (name, share) in members {
            rates[try fault(name)] = Int((try Self.share(share, "a rate") * 1_000_000).rounded())
        }
        guard rates.values.reduce(0, +) <= 1_000_000 else { throw Malformed(message: "rates must not exceed 1 in sum") }
        return rates
    }
}
