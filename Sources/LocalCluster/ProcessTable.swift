import Foundation
import Glibc

/// What `/proc` says about running processes, from files that every user may read.
///
/// A process's working folder would name its cluster too, but in a container even root may not read it.
package enum ProcessTable {
    /// A process that can't be confused with a later one of the same id.
    package struct Identity: Hashable, Sendable {
        /// The process id.
        package let pid: Int32
        /// When it started, in clock ticks since the machine's start.
        package let startTicks: UInt64
    }

    private struct Status {
        let state: Character
        let parent: Int32
        let startTicks: UInt64
    }

    /// The program and arguments of a running process; nil when there is none of that id, or it has ended.
    package static func arguments(of pid: Int32) -> [String]? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"), !data.isEmpty else { return nil }
        return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The process with its start; nil when there is none of that id, or it has ended and only waits to be reaped.
    package static func identity(of pid: Int32) -> Identity? {
        guard let status = status(of: pid), status.state != "Z", status.state != "X" else { return nil }
        return Identity(pid: pid, startTicks: status.startTicks)
    }

    /// Whether that very process still runs.
    package static func isRunning(_ process: Identity) -> Bool { identity(of: process.pid) == process }

    /// The direct children of a process.
    package static func children(of parent: Int32) -> [Identity] {
        all().filter { status(of: $0)?.parent == parent }.compactMap(identity(of:))
    }

    /// Every process whose title starts with the given text.
    package static func processes(titledWith prefix: String) -> [Identity] {
        all().filter { arguments(of: $0)?.first?.hasPrefix(prefix) == true }.compactMap(identity(of:))
    }

    private static func all() -> [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
    }

    private static func status(of pid: Int32) -> Status? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        // The name in brackets may hold spaces and brackets: the fields are counted from the last one.
        let text = String(decoding: data, as: UTF8.self)
        guard let bracket = text.lastIndex(of: ")") else { return nil }
        let fields = text[bracket...].dropFirst(2).split(separator: " ")
        guard fields.count > 19, let parent = Int32(fields[1]), let start = UInt64(fields[19]) else { return nil }
        return Status(state: fields[0].first ?? "?", parent: parent, startTicks: start)
    }
}
