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

/// An arena and the place in it where the next value goes.
public struct ByteArena: Sendable {
    @usableFromInline var bytes: [UInt8]
    @usableFromInline var cursor: Int

    @inlinable
    init(bytes: [UInt8] = [], cursor: Int) {
        self.bytes = bytes
        self.cursor = cursor
    }

    /// Writes an integer in network order.
    @inlinable
    mutating func put<Value: FixedWidthInteger>(_ value: Value) { bytes.put(value, at: &cursor) }

    /// Writes an integer behind its length.
    @inlinable
    mutating func putSized<Value: FixedWidthInteger>(_ value: Value) {
        let size = MemoryLayout<Value>.size
        let offset = cursor
        bytes.makeRoom(4 + size, at: offset)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: Int32(size).bigEndian, toByteOffset: offset, as: Int32.self)
            $0.storeBytes(of: value.bigEndian, toByteOffset: offset + 4, as: Value.self)
        }
        cursor = offset + 4 + size
    }

    /// Writes two integers of 64 bits behind their length.
    @inlinable
    mutating func putSized(_ high: UInt64, _ low: UInt64) {
        let offset = cursor
        bytes.makeRoom(20, at: offset)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: Int32(16).bigEndian, toByteOffset: offset, as: Int32.self)
            $0.storeBytes(of: high.bigEndian, toByteOffset: offset + 4, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: offset + 12, as: UInt64.self)
        }
        cursor = offset + 20
    }

    /// Writes the UTF-8 of a text behind its length, and before that a byte if one is given.
    @inlinable
    mutating func putSized(_ text: String, behind prefix: UInt8? = nil) {
        let size = text.utf8.count + (prefix == nil ? 0 : 1)
        bytes.makeRoom(4 + size, at: cursor)
        bytes.put(Int32(size), at: &cursor)
        if let prefix { bytes.put(prefix, at: &cursor) }
        bytes.put(utf8: text, at: &cursor)
    }

    /// Copies memory behind its length.
    @inlinable
    mutating func putSized(raw source: UnsafeRawBufferPointer) {
        bytes.makeRoom(4 + source.count, at: cursor)
        bytes.put(Int32(source.count), at: &cursor)
        bytes.put(raw: source, at: &cursor)
    }
}
