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
        var string = string
        // Native strings are contiguous, so this copies straight from the string's storage.
        let end = string.withUTF8 { source in
            var end = cursor
            put(raw: UnsafeRawBufferPointer(source), at: &end)
            return end
        }
        cursor = end
    }
}
