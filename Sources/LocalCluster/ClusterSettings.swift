import Glibc

/// The server settings of a private cluster, as the lines of a configuration file.
enum ClusterSettings {
    /// Loses nothing that was committed; sized for a small machine that also runs the service.
    private static let durable: [String: String] = [
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": sharedBuffers,
        "wal_buffers": "16MB",
        // A quarter of an hour of writing at full speed fits, so that checkpoints follow the clock and each page is
        // written to the log in full only once in that time.
        "max_wal_size": "4GB",
        "min_wal_size": "512MB",
        "checkpoint_timeout": "15min",
        // With rare checkpoints few pages are logged in full: compressing them would cost processor time, which a small
        // machine lacks more than room on disk.
        "wal_compression": "off",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "effective_io_concurrency": "32",
        "random_page_cost": "1.1",
    ]

    /// A sixteenth of the machine's memory, between 128 MB and 1 GB: what the ledger writes in a minute at full speed stays
    /// in memory, and most of a small machine is left for others.
    private static var sharedBuffers: String {
        let megabytes = sysconf(Int32(_SC_PHYS_PAGES)) / 256
        return "\(max(128, min(1_024, megabytes / 16)))MB"
    }

    /// For tests: forgets everything when the machine stops, and does no work for the sake of a crash or a replica.
    private static let disposable: [String: String] = [
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "128MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "1h",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "random_page_cost": "1.1",
    ]

    /// Independent of durability; no key of these can be overridden by the caller's settings.
    private static func fixed(socketFolder: String, clusterName: String) -> [String: String] {
        [
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": socketFolder,
            "unix_socket_permissions": "0700",
            "cluster_name": clusterName,
            "logging_collector": "off",
            "log_destination": "stderr",
        ]
    }

    private static let common: [String: String] = [
        "max_connections": "100",
        "jit": "off",  // Statements here are short: compiling one takes longer than running it.
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%a %d ",
        "lc_messages": "C",
    ]

    /// The lines of the configuration file, in the order of their names.
    static func configuration(
        durable isDurable: Bool,
        overrides: [String: String],
        socketFolder: String,
        clusterName: String
    ) throws(LocalClusterError) -> String {
        let fixed = fixed(socketFolder: socketFolder, clusterName: clusterName)
        var settings = common.merging(isDurable ? durable : disposable) { $1 }
        for (name, value) in overrides {
            guard !name.isEmpty, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_.".contains($0)) }),
                fixed[name] == nil, !value.contains(where: \.isNewline)
            else {
                throw LocalClusterError(
                    .invalidSetting,
                    "The setting `\(name)` can't be given to a private cluster.",
                    advice: "Remove it: PostgreSQL's settings are taken, other than those of its socket and log."
                )
            }
            settings[name] = value
        }
        settings.merge(fixed) { $1 }
        let lines = settings.sorted { $0.key < $1.key }.map { name, value in
            let parts = value.split(separator: "'", omittingEmptySubsequences: false)
            return "\(name) = '\(parts.joined(separator: "''"))'"
        }
        return "# Written at every start: change nothing here.\n" + lines.joined(separator: "\n") + "\n"
    }
}
