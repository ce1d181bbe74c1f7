/// What the kernel says about this process, under the names that Prometheus' own clients use.
public enum ProcessMetrics {
    /// The metrics; describe them to the registry.
    public static let descriptions: [MetricDescription] = [
        MetricDescription("process_cpu_seconds_total", .counter, "Processor time used, in user and kernel mode."),
        MetricDescription("process_resident_memory_bytes", .gauge, "Memory in use."),
        MetricDescription("process_virtual_memory_bytes", .gauge, "Address space in use."),
        MetricDescription("process_start_time_seconds", .gauge, "When the process started, since the Unix epoch."),
        MetricDescription("process_open_fds", .gauge, "File descriptors that are open."),
        MetricDescription("process_max_fds", .gauge, "File descriptors that may be open."),
    ]

    /// Has them read each time a registry's metrics are asked for.
    public static func add(to registry: MetricRegistry) {
        let cpu = registry.counter("process_cpu_seconds_total")
        func gauge(_ name: String) -> GaugeSeries { registry.gauge("process_\(name)") }
        let (resident, virtual) = (gauge("resident_memory_bytes"), gauge("virtual_memory_bytes"))
        let (start, open, maximum) = (gauge("start_time_seconds"), gauge("open_fds"), gauge("max_fds"))
        registry.beforeExposition {
            guard let now = ProcessStatistics.read() else { return }
            cpu.follow(now.cpuSeconds)
            resident.set(now.residentBytes)
            virtual.set(now.virtualBytes)
            start.set(now.startSeconds)
            open.set(Int64(now.openDescriptors))
            maximum.set(now.maximumDescriptors)
        }
    }
}
