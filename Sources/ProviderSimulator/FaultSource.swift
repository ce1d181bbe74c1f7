/// Draws the fault of each run by a script.
struct FaultSource: Sendable {
    let script: SimulatorScript
    private var next = 0
    private var drawCount: UInt64 = 0
    /// In a fixed order, so that a seed gives the same draws in every process.
    private let rates: [(fault: SimulatorFault, perMillion: Int)]

    init(_ script: SimulatorScript) {
        self.script = script
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

    /// How much longer an answer takes.
    mutating func jitterMilliseconds() -> Int {
        guard script.jitterMilliseconds > 0 else { return 0 }
        return Int(random() % UInt64(script.jitterMilliseconds + 1))
    }

    private mutating func random() -> UInt64 {
        drawCount += 1
        return scrambled(scrambled(script.seed) &+ drawCount)
    }
}
