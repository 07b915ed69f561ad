//! Buffers and ranges of them, as handles.

/// Handle of a device buffer; made by [`crate::device::Device::create_buffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(pub u32);

/// A byte range of a buffer, as a kernel binds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The buffer.
    pub buffer: BufferId,
    /// First byte; a multiple of the device's storage alignment where a kernel binds it.
    pub offset: u64,
    /// Length in bytes, a multiple of 4.
    pub bytes: u64,
}

impl Span {
    /// The first `bytes` bytes of `buffer`.
    pub fn of(buffer: BufferId, bytes: u64) -> Self {
        Self { buffer, offset: 0, bytes }
    }

    /// The same up to the end of its last 16 bytes.
    pub fn whole_quads(self) -> Self {
        Self { bytes: self.bytes.next_multiple_of(16), ..self }
    }
}
