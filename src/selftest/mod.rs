//! The self-test: every kernel on an adapter against its CPU twin.

mod check;
pub mod stream;

pub use check::{Build, Check, check};

use crate::device::{Device, DeviceError};

/// Runs every case on a device.
///
/// # Errors
/// A failing device.
pub fn run(device: &mut dyn Device) -> Result<Vec<Check>, DeviceError> {
    stream::cases().iter().map(|case| check(device, &case.name, case.tolerance, &*case.build)).collect()
}
