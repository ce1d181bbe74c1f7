import Ledger
import Testing

/// What can stand in the way of a run, in the order of decisions (design, section 6).
private enum Obstacle: Int, CaseIterable {
    case key, approval, slug, capability, limit, body, inputs, model, tier, async, grant, credits

    var refusal: String {
        switch self {
        case .key: "refused UNAUTHORIZED"
        case .approval: "refused ACCOUNT_NOT_APPROVED"
        case .slug: "refused INVALID_SLUG"
        case .capability: "refused CAPABILITY_DENIED required model:image:run"
        case .limit: "refused RATE_LIMIT_EXCEEDED on business"
        case .body: "refused INVALID_BODY"
        case .inputs: "refused INVALID_INPUTS"
        case .model: "refused MODEL_NOT_FOUND"
        case .tier: "refused MODEL_TIER_REQUIRED required enterprise on business"
        case .async: "refused ASYNC_NOT_SUPPORTED"
        case .grant: "refused grant_exhausted granted 1 used 0"
        case .credits: "refused INSUFFICIENT_CREDITS required 40 available 0"
        }
    }

    /// The events that a refusal by this obstacle leaves.
    var events: String {
        switch self {
        case .key, .approval, .slug: "events request.received request.refused"
        case .capability: "events request.received capability.denied"
        case .limit: "events rate_limit.exceeded"
        case .grant: "events \(Self.counted) grant.refused"
        case .credits: "events \(Self.counted) credits.refused"
        default: "events \(Self.counted) request.refused"
        }
    }

    private static let counted = "request.received capability.granted rate_limit.counted"
}

@Suite struct OrderTests {
    /// Goal: no refusal can hide an earlier one. Method: every subset of the obstacles, 4,096 of them, each in an account
    /// where exactly these stand in the way; the earliest must be the answer, and nothing may be held. That includes
    /// every pair of obstacles, and each one with every later one failing too.
    @Test("whatever stands in the way of a run, the earliest obstacle in the order of decisions refuses it")
    func earliestWins() throws {
        var wrong: [String] = []
        var refusals: [Obstacle: Int] = [:]
        for subset in 0..<(1 << Obstacle.allCases.count) {
            let obstacles = Obstacle.allCases.filter { subset >> $0.rawValue & 1 == 1 }
            var world = try world(with: obstacles)
            let decided = try run(in: &world, with: obstacles)
            let expected =
                obstacles.first.map { "\($0.refusal), \($0.events), held 0" }
                ?? "admitted, events request.received capability.granted rate_limit.counted credits.held, held 40"
            if let first = obstacles.first { refusals[first, default: 0] += 1 }
            let failures = try decided.mismatches(Substring(expected))
            if !failures.isEmpty { wrong.append("\(obstacles): \(failures)") }
        }
        #expect(wrong == [])
        #expect(refusals.count == Obstacle.allCases.count)
    }

    @Test("a refusal before the limiter knows no window; the limiter's and every later one does")
    func windows() throws {
        for obstacle in Obstacle.allCases {
            var world = try world(with: [obstacle])
            let decided = try run(in: &world, with: [obstacle])
            guard case .refused(_, let window) = decided.decision?.verdict else {
                Issue.record("\(obstacle) did not refuse")
                continue
            }
            #expect((window == nil) == (obstacle.rawValue < Obstacle.limit.rawValue), "\(obstacle)")
        }
    }

    private func world(with obstacles: [Obstacle]) throws -> World {
        var lines = ["account business without key"]
        lines.append(obstacles.contains(.capability) ? "key main model:other:run" : "key main model:run")
        if obstacles.contains(.grant) { lines += ["grant trial image runs 1 expires in 1s", "wait 2s"] }
        if !obstacles.contains(.credits) { lines.append("pot gift top-up 50") }
        if obstacles.contains(.approval) { lines.append("disapprove") }
        if obstacles.contains(.key) { lines.append("revoke key main") }
        var world = World()
        for line in lines {
            for act in try Act.all(in: line, world: &world) { world.perform(act) }
            try #require(world.unexpected() == [])
        }
        if obstacles.contains(.limit) {
            world.state.windows[.modelRun] = RateWindow(minute: world.now.minute, count: 1_000)
        }
        return world
    }

    private func run(in world: inout World, with obstacles: [Obstacle]) throws -> World {
        var line = "run a image quote 40"
        // What was found first is what travels in the command: the last word of the line wins.
        for obstacle in obstacles.reversed() {
            switch obstacle {
            case .slug: line += " bad slug"
            case .body: line += " bad body"
            case .inputs: line += " bad inputs"
            case .model: line += " unknown model"
            case .tier: line += " needs enterprise"
            case .async: line += " async only sync"
            default: break
            }
        }
        for act in try Act.all(in: line, world: &world) { world.perform(act) }
        return world
    }
}
