import Testing

@testable import Postgres

@Suite("Session pool state machine")
struct SessionPoolStateMachineTests {
    typealias Pool = SessionPoolStateMachine<String>

    let start = ContinuousClock.now

    func pool(ready: Int = 2, slots: Int = 2, maximumWaiting: Int = 3) -> Pool {
        var pool = Pool(slotCount: slots, maximumWaiting: maximumWaiting)
        for slot in 0..<ready { _ = pool.sessionReady(slot: slot) }
        return pool
    }

    func handed(_ action: Pool.ReadyAction) -> (Lease, String)? {
        if case .hand(let lease, let waiter) = action { (lease, waiter) } else { nil }
    }

    func idle(_ pool: inout Pool) -> Lease? { pool.leaseIdle() }

    func leased(_ pool: inout Pool) throws -> Lease {
        let lease = pool.leaseIdle()
        return try #require(lease)
    }

    func wait(_ pool: inout Pool, _ id: UInt64, seconds: Int = 5) -> Pool.LeaseAction {
        pool.lease(id: id, deadline: start + .seconds(seconds), waiter: "waiter \(id)")
    }

    @Test("the session that came back last is leased first")
    func lastInFirstOut() throws {
        var pool = pool()
        let first = try leased(&pool)
        let second = try leased(&pool)
        #expect(idle(&pool) == nil)
        #expect(pool.leasedCount == 2)
        _ = pool.release(first)
        _ = pool.release(second)
        #expect(idle(&pool) == second)
    }

    @Test("who waits longest is served first, by whatever session comes")
    func fifo() throws {
        var pool = pool(ready: 1)
        let lease = try leased(&pool)
        #expect(wait(&pool, 1) == .queued(isEarliest: true))
        #expect(wait(&pool, 2, seconds: 9) == .queued(isEarliest: false))
        #expect(wait(&pool, 3, seconds: 1) == .queued(isEarliest: true))
        let readyAction = pool.sessionReady(slot: 1)
        let ready = try #require(handed(readyAction))
        #expect(ready == (Lease(slot: 1, generation: 0), "waiter 1"))
        let releaseAction = pool.release(lease)
        let released = try #require(handed(releaseAction))
        #expect(released == (lease, "waiter 2"))
        #expect(pool.waitingCount == 1)
        #expect(pool.earliestDeadline == start + .seconds(1))
    }

    @Test("one more than may wait is refused")
    func overloaded() {
        var pool = pool(ready: 0)
        for id in 1...3 { #expect(wait(&pool, UInt64(id)) != .refuse(.overloaded)) }
        #expect(wait(&pool, 4) == .refuse(.overloaded))
        #expect(pool.waitingCount == 3)
    }

    @Test("those whose time is over stop waiting, the others go on")
    func expiry() {
        var pool = pool(ready: 0)
        _ = wait(&pool, 1, seconds: 5)
        _ = wait(&pool, 2, seconds: 1)
        _ = wait(&pool, 3, seconds: 2)
        let none = pool.expire(now: start)
        let expired = pool.expire(now: start + .seconds(2))
        #expect(none.isEmpty)
        #expect(expired == ["waiter 2", "waiter 3"])
        #expect(pool.earliestDeadline == start + .seconds(5))
        #expect(pool.waitingCount == 1)
    }

    @Test("a cancelled wait is handed back once")
    func cancel() {
        var pool = pool(ready: 0)
        _ = wait(&pool, 1)
        let first = pool.cancel(id: 1)
        let second = pool.cancel(id: 1)
        #expect(first == "waiter 1")
        #expect(second == nil)
        #expect(pool.earliestDeadline == nil)
    }

    @Test("a lease of a lost connection can't give back the connection that replaced it")
    func generations() throws {
        var pool = pool(ready: 1, slots: 1)
        let old = try leased(&pool)
        pool.sessionLost(slot: 0)
        #expect(pool.connectedCount == 0)
        _ = wait(&pool, 1)
        let readyAction = pool.sessionReady(slot: 0)
        let (new, waiter) = try #require(handed(readyAction))
        #expect(waiter == "waiter 1")
        #expect(new.generation == 1)
        let staleAction = pool.release(old)
        #expect(handed(staleAction)?.1 == nil)
        #expect(idle(&pool) == nil)
        _ = pool.release(new)
        #expect(idle(&pool) == new)
    }

    @Test("an idle session that is lost is not leased")
    func idleLost() {
        var pool = pool()
        pool.sessionLost(slot: 1)
        #expect(idle(&pool) == Lease(slot: 0, generation: 0))
        #expect(idle(&pool) == nil)
    }

    @Test("a second release of the same lease changes nothing")
    func doubleRelease() throws {
        var pool = pool(ready: 1, slots: 1)
        let lease = try leased(&pool)
        _ = pool.release(lease)
        _ = pool.release(lease)
        #expect(idle(&pool) == lease)
        #expect(idle(&pool) == nil)
    }

    @Test("a closed pool tells those who wait, refuses what comes, and lets sessions come back")
    func closed() throws {
        var pool = pool(ready: 1, slots: 1)
        let lease = try leased(&pool)
        _ = wait(&pool, 1)
        let told = pool.close()
        #expect(told == ["waiter 1"])
        #expect(wait(&pool, 2) == .refuse(.closed))
        #expect(pool.leasedCount == 1)
        _ = pool.release(lease)
        #expect(pool.leasedCount == 0)
        #expect(idle(&pool) == nil)
    }
}

@Suite("Backoff")
struct BackoffTests {
    @Test("waits double up to the cap, jittered between half and all, and start over after a success")
    func doubling() {
        var generator = SystemRandomNumberGenerator()
        var backoff = Backoff(base: .milliseconds(100), cap: .seconds(1))
        for expected in [100, 200, 400, 800, 1_000, 1_000] {
            let wait = backoff.next(using: &generator)
            #expect(wait <= .milliseconds(expected) && wait >= .milliseconds(expected) / 2)
        }
        backoff.reset()
        #expect(backoff.next(using: &generator) <= .milliseconds(100))
    }

    @Test("a thousand failures do not overflow")
    func manyFailures() {
        var generator = SystemRandomNumberGenerator()
        var backoff = Backoff()
        for _ in 0..<1_000 { #expect(backoff.next(using: &generator) <= .seconds(5)) }
    }
}
