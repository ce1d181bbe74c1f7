import Testing

@testable import ProviderSimulator

@Suite("task progress")
struct TaskProgressTests {
    private static func task(_ ending: TaskProgress.Ending) -> TaskProgress {
        TaskProgress(acceptedAt: 1_000, durationMilliseconds: 400, ending: ending)
    }

    @Test(
        "a task waits for a quarter of its time and then works up to its ending",
        arguments: [
            (TaskProgress.Ending.succeeds, TaskProgress.State.succeeded), (.fails, .failed), (.breaksPolicy, .failed),
            (.expires, .expired), (.never, .running),
        ]
    )
    func states(ending: TaskProgress.Ending, end: TaskProgress.State) {
        let task = Self.task(ending)
        #expect(task.state(at: 1_000) == .queued)
        #expect(task.state(at: 1_099) == .queued)
        #expect(task.state(at: 1_100) == .running)
        #expect(task.state(at: 1_399) == .running)
        #expect(task.state(at: 1_400) == end)
        #expect(task.state(at: .max) == end)
        #expect(task.changedAt(1_200) == 1_100)
    }

    @Test("a task without a duration is at its end at once")
    func instant() {
        #expect(TaskProgress(acceptedAt: 5, durationMilliseconds: 0, ending: .fails).state(at: 5) == .failed)
    }

    @Test("a task is stopped only in the states that a vendor stops it in, and stays stopped")
    func cancel() {
        var queued = Self.task(.succeeds)
        #expect(queued.cancel(at: 1_050, while: [.queued]) == .queued)
        #expect(queued.state(at: 2_000) == .cancelled)
        #expect(queued.wasCancelledInQueue)
        #expect(queued.changedAt(2_000) == 1_050)
        #expect(queued.cancel(at: 1_060, while: [.queued, .running]) == .cancelled)
        #expect(queued.changedAt(2_000) == 1_050)

        var running = Self.task(.succeeds)
        #expect(running.cancel(at: 1_200, while: [.queued]) == .running)
        #expect(running.state(at: 1_400) == .succeeded)
        #expect(running.cancel(at: 1_400, while: [.queued, .running]) == .succeeded)
        #expect(running.state(at: 1_400) == .succeeded)
    }
}
