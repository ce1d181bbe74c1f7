import Glibc

/// A TCP port of the loopback address that nothing listens on now.
///
/// Another process may take it before the caller does: a service that fails to listen should be started once more.
public func freePort() -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
            bind(descriptor, general, length) == 0 ? getsockname(descriptor, general, &length) : -1
        }
    }
    precondition(result == 0, "the loopback address has no free port")
    return Int(UInt16(bigEndian: address.sin_port))
}
