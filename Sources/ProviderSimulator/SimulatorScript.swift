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

    /// Works at once and without faults.
    public static let fast = SimulatorScript()

    /// Makes a script.
    public init(
        faults: [SimulatorFault?] = [],
        ratesPerMillion: [SimulatorFault: Int] = [:],
        seed: UInt64 = 1,
        latencyMilliseconds: Int = 0,
        jobMilliseconds: Int = 0,
        slowMilliseconds: Int = 1_000
    ) {
        self.faults = faults
        self.ratesPerMillion = ratesPerMillion
        self.seed = seed
        self.latencyMilliseconds = latencyMilliseconds
        self.jobMilliseconds = jobMilliseconds
        self.slowMilliseconds = slowMilliseconds
    }
}

extension SimulatorScript {
    /// What is wrong with a script that was sent.
    struct Malformed: Error {
        let message: String
    }

    /// Reads `{"model", "faults", "rates", "seed", "latencyMilliseconds", "jobMilliseconds", "slowMilliseconds"}`.
    ///
    /// - Returns: the script and the model it is for; `*` for every model without a script of its own.
    static func parse(_ json: JSONValue) throws(Malformed) -> (model: String, script: SimulatorScript) {
        guard case .object(let members) = json else { throw Malformed(message: "the script must be an object") }
        var script = SimulatorScript()
        var model = "*"
        for (key, value) in members {
            switch key {
            case "model": model = value.stringValue ?? "*"
            case "faults": script.faults = try faults(value)
            case "rates": script.ratesPerMillion = try rates(value)
            case "seed": script.seed = UInt64(bitPattern: Int64(try number(value, key)))
            case "latencyMilliseconds": script.latencyMilliseconds = try number(value, key)
            case "jobMilliseconds": script.jobMilliseconds = try number(value, key)
            case "slowMilliseconds": script.slowMilliseconds = try number(value, key)
            default: throw Malformed(message: "unknown key \(key)")
            }
        }
        return (model, script)
    }

    private static func number(_ value: JSONValue, _ key: String) throws(Malformed) -> Int {
        guard let number = value.integerValue, (0...86_400_000).contains(number) else {
            throw Malformed(message: "\(key) must be a whole number from 0 to 86400000")
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
            guard let share = share.scalarText.flatMap(Double.init), (0...1).contains(share) else {
                throw Malformed(message: "a rate must be a number from 0 to 1")
            }
            rates[try fault(name)] = Int((share * 1_000_000).rounded())
        }
        guard rates.values.reduce(0, +) <= 1_000_000 else { throw Malformed(message: "rates must not exceed 1 in sum") }
        return rates
    }
}

/// Draws the fault of each run by a script.
struct FaultSource: Sendable {
    let script: SimulatorScript
    private var next = 0
    private var state: UInt64
    /// In a fixed order, so that a seed gives the same draws in every process.
    private let rates: [(fault: SimulatorFault, perMillion: Int)]

    init(_ script: SimulatorScript) {
        self.script = script
        self.state = script.seed
        self.rates = SimulatorFault.allCases.compactMap { fault in
            script.ratesPerMillion[fault].map { (fault: fault, perMillion: $0) }
        }
    }

    mutating func draw() -> SimulatorFault? {
        if next < script.faults.count {
            defer { next += 1 }
            return script.faults[next]
        }
        guard !rates.isEmpty else { return nil }
        var ticket = Int(random() % 1_000_000)
        for rate in rates {
            if ticket < rate.perMillion { return rate.fault }
            ticket -= rate.perMillion
        }
        return nil
    }

    /// SplitMix64.
    private mutating func random() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
