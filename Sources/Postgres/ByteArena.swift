/// An array of bytes used as an arena: allocated and zeroed ahead of a cursor, so that a value is one unaligned store.
extension [UInt8] {
    /// Makes room for `byteCount` bytes at the cursor, at least doubling when it must grow.
    @inlinable
    mutating func makeRoom(_ byteCount: Int, at cursor: Int) {
        if cursor + byteCount > count { grow(byteCount, at: cursor) }
    }

    @inlinable
    @inline(never)
    mutating func grow(_ byteCount: Int, at cursor: Int) {
        var larger = [UInt8](repeating: 0, count: Swift.max(count * 2, cursor + byteCount))
        larger.withUnsafeMutableBytes { target in
            self.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<cursor])) }
        }
        self = larger
    }

    /// Writes an integer in network order and moves the cursor behind it.
    @inlinable
    mutating func put<Value: FixedWidthInteger>(_ value: Value, at cursor: inout Int) {
        makeRoom(MemoryLayout<Value>.size, at: cursor)
        let offset = cursor
        withUnsafeMutableBytes { $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self) }
        cursor = offset + MemoryLayout<Value>.size
    }

    /// Copies memory and moves the cursor behind it.
    @inlinable
    mutating func put(raw source: UnsafeRawBufferPointer, at cursor: inout Int) {
        makeRoom(source.count, at: cursor)
        let offset = cursor
        withUnsafeMutableBytes { target in
            UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + source.count]).copyMemory(from: source)
        }
        cursor = offset + source.count
    }

    /// Copies the UTF-8 of a string and moves the cursor behind it.
    @inlinable
    mutating func put(utf8 string: String, at cursor: inout Int) {
        let size = string.utf8.count
        makeRoom(size, at: cursor)
        let offset = cursor
        withUnsafeMutableBytes { target in string.copyUTF8(to: target, at: offset, size: size) }
        cursor = offset + size
    }
}

extension String {
    /// Copies the UTF-8, whose size is known, into memory that has room for it.
    @inlinable
    func copyUTF8(to target: UnsafeMutableRawBufferPointer, at offset: Int, size: Int) {
        let target = UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + size])
        // Native strings are contiguous, so this is one copy; bridged ones go byte by byte.
        let copied: Void? = utf8.withContiguousStorageIfAvailable {
            target.copyMemory(from: UnsafeRawBufferPointer($0))
        }
        if copied == nil { target.copyBytes(from: utf8) }
    }
}
