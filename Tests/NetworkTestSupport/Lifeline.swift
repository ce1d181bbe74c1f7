import Glibc

/// A pipe that ends with this process, however it ends: programs that read it as their input then end too.
public enum Lifeline {
    /// The end to read.
    public static let input: Int32 = {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { fatalError("no pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return ends[0]
    }()
}
