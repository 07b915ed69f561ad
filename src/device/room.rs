//! What buffers take, and whether there is room for one.

use super::error::DeviceError;
use crate::caps::Limits;

/// The size of a buffer in whole quads: kernels read and write those, and so do the copies into texels.
pub(super) fn whole_quads(bytes: u64) -> u64 {
    bytes.max(16).next_multiple_of(16)
}

/// Checks that a buffer of `bytes` may be made within `limits` beside `allocated` bytes.
pub(super) fn admit(limits: &Limits, name: &str, bytes: u64, allocated: u64) -> Result<(), DeviceError> {
    if bytes > limits.buffer {
        return Err(DeviceError::BufferTooLarge { name: name.to_owned(), bytes, limit: limits.buffer });
    }
    if allocated.saturating_add(bytes) > limits.memory {
        return Err(DeviceError::OverBudget { name: name.to_owned(), bytes, allocated, budget: limits.memory });
    }
    Ok(())
}
