import Foundation
import Glibc

/// What the kernel says about this process; nil where it says nothing, as on other systems than Linux.
public struct ProcessStatistics: Hashable, Sendable {
    /// Seconds of processor time, in user and kernel mode.
    public let cpuSeconds: Double
    /// Bytes in memory.
    public let residentBytes: Double
    /// Bytes of address space.
    public let virtualBytes: Double
    /// When the process started, in seconds since the Unix epoch.
    public let startSeconds: Double
    /// Descriptors that are open.
    public let openDescriptors: Int
    /// Descriptors that may be open.
    public let maximumDescriptors: Double

    /// Reads them from `/proc`.
    public static func read() -> ProcessStatistics? {
        guard let stat = text("/proc/self/stat"), let boot = bootSeconds,
            // The name in brackets may hold spaces; the fields that count come after it (proc(5)).
            let end = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        // Fields 14, 15, 22, 23 and 24 of proc(5), which counts from 1; `fields` begins with the third.
        guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
            let start = Double(fields[19]), let virtual = Double(fields[20]), let pages = Double(fields[21])
        else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        let limit = text("/proc/self/limits")?.split(separator: "\n").first { $0.hasPrefix("Max open files") }
            .flatMap { Double($0.split(separator: " ")[3]) }
        return ProcessStatistics(
            cpuSeconds: (user + system) / ticks,
            residentBytes: pages * Double(sysconf(Int32(_SC_PAGESIZE))),
            virtualBytes: virtual,
            startSeconds: boot + start / ticks,
            openDescriptors: (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0,
            maximumDescriptors: limit ?? .infinity
        )
    }

    /// When the machine was started: it does not change.
    private static let bootSeconds = text("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        .flatMap { Double($0.dropFirst(6)) }

    private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
