//! What drivers report: errors of calls, and what callbacks say.

use std::sync::{Mutex, MutexGuard};

use crate::device::DeviceError;

/// What a driver's callbacks have reported.
#[derive(Default)]
pub(super) struct Failure {
    /// The device is gone, and stays so.
    pub lost: Option<String>,
    /// An error outside any scope.
    pub error: Option<DeviceError>,
}

/// A lock that a panic elsewhere doesn't spoil.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Runs `work` inside error scopes of the calling thread and turns what they catch into a typed error.
pub(super) fn scoped<T>(device: &wgpu::Device, work: impl FnOnce() -> T) -> Result<T, DeviceError> {
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let value = work();
    let caught =
        [pollster::block_on(validation.pop()), pollster::block_on(internal.pop()), pollster::block_on(memory.pop())];
    match caught.into_iter().flatten().next() {
        None => Ok(value),
        Some(error) => Err(typed(error)),
    }
}

/// A wgpu error as ours.
pub(super) fn typed(error: wgpu::Error) -> DeviceError {
    match error {
        wgpu::Error::OutOfMemory { source } => DeviceError::OutOfMemory(source.to_string()),
        other => DeviceError::Internal(other.to_string()),
    }
}
