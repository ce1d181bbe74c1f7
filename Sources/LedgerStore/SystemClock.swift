public import Ledger

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The machine's clock, as the value that a journal records by.
public enum SystemClock {
    /// The time now, in whole microseconds.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
