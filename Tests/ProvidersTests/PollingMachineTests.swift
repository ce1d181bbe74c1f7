import Registry
import Testing

@testable import Providers

@Suite("polling machine")
struct PollingMachineTests {
    /// A schedule of 100 ms, then 200 ms growing by half up to 500 ms; and what is to be done by when, in milliseconds.
    private static func machine(deadline: Int) -> PollingMachine {
        PollingMachine(
            schedule: PollSchedule(
                firstMilliseconds: 100,
                intervalMilliseconds: 200,
                growthPercent: 150,
                ceilingMilliseconds: 500
            ),
            deadline: .milliseconds(deadline)
        )
    }

    /// One scenario: each line is `event: action`, times in milliseconds since the work was accepted.
    struct Scenario: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let deadline: Int
        let lines: String
    }

    static let scenarios = [
        Scenario(
            testDescription: "work that is done at the second poll",
            deadline: 60_000,
            lines: """
                start: sleep 100
                woke 100: poll
                notEnded 120: sleep 320
                woke 320: poll
                """
        ),
        Scenario(
            testDescription: "intervals grow by half up to the ceiling",
            deadline: 60_000,
            lines: """
                start: sleep 100
                notEnded 100: sleep 300
                notEnded 300: sleep 600
                notEnded 600: sleep 1050
                notEnded 1050: sleep 1550
                notEnded 1550: sleep 2050
                """
        ),
        Scenario(
            testDescription: "a poll without an answer is made again, later each time",
            deadline: 60_000,
            lines: """
                start: sleep 100
                woke 100: poll
                notEnded 100: sleep 300
                woke 300: poll
                notEnded 310: sleep 610
                """
        ),
        Scenario(
            testDescription: "a provider that asks to be left alone is left alone, but not beyond the deadline",
            deadline: 20_000,
            lines: """
                notEnded 100 after 4: sleep 4100
                notEnded 4100 after 3600: sleep 19000
                notEnded 19000 after 3600: deadlinePassed
                """
        ),
        Scenario(
            testDescription: "a last poll is made just before the deadline, and then no more",
            deadline: 10_000,
            lines: """
                notEnded 8900: sleep 9000
                woke 9000: poll
                notEnded 9010: deadlinePassed
                """
        ),
        Scenario(
            testDescription: "a wake-up that comes early waits on, one that comes after the deadline ends it",
            deadline: 10_000,
            lines: """
                start: sleep 100
                woke 60: sleep 100
                woke 10000: deadlinePassed
                """
        ),
        Scenario(
            testDescription: "no time at all",
            deadline: 0,
            lines: """
                start: deadlinePassed
                """
        ),
    ]

    @Test("each scenario leads to the actions written beside it", arguments: scenarios)
    func scenario(_ scenario: Scenario) throws {
        var machine = Self.machine(deadline: scenario.deadline)
        for line in scenario.lines.split(separator: "\n") {
            let parts = line.split(separator: ": ")
            let words = parts[0].split(separator: " ")
            let now = Duration.milliseconds(words.count > 1 ? Int(words[1])! : 0)
            let action: PollingMachine.Action
            switch words[0] {
            case "start": action = machine.start()
            case "woke": action = machine.woke(at: now)
            default:
                let pause = words.count > 3 ? Duration.seconds(Int(words[3])!) : nil
                action = machine.notEnded(retryAfter: pause, at: now)
            }
            #expect(Self.describe(action) == String(parts[1]), "after \(parts[0])")
        }
    }

    private static func describe(_ action: PollingMachine.Action) -> String {
        switch action {
        case .sleep(let until): "sleep \(until / .milliseconds(1))".replacing(/\.0$/, with: "")
        case .poll: "poll"
        case .deadlinePassed: "deadlinePassed"
        }
    }

    @Test("whatever a provider answers, polling ends by the deadline")
    func alwaysEnds() {
        var generator = SystemRandomNumberGenerator()
        for deadline in [1, 50, 999, 5_000, 300_000] {
            var machine = Self.machine(deadline: deadline)
            var now = Duration.zero
            var action = machine.start()
            var pollCount = 0
            while true {
                switch action {
                case .sleep(let until):
                    #expect(until >= now && until < .milliseconds(deadline))
                    now = until
                    action = machine.woke(at: now)
                    continue
                case .poll:
                    pollCount += 1
                    now += .milliseconds(Int.random(in: 1...50, using: &generator))
                    action = machine.notEnded(retryAfter: nil, at: now)
                    continue
                case .deadlinePassed: break
                }
                break
            }
            #expect(pollCount >= 1 && pollCount <= deadline / 200 + 3)
        }
    }
}
