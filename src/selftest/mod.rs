//! Every kernel against its CPU twin on an adapter: what `zowarmup selftest` and the tests run.
//!
//! A case makes buffers with deterministic content on any device, and a recording whose read-backs are compared between the
//! adapter and the reference device.

mod backward;
mod fixture;
mod forward;
mod norms;
mod products;
mod runner;
mod stream;
mod tokens;
mod updates;

pub use fixture::Fixture;
pub use runner::{Count, quick, run, shaders};

use serde::Serialize;

use crate::caps::{AdapterInfo, Limits};
use crate::device::{Device, DeviceError, PlanningDevice, ReferenceDevice};
use crate::recording::Recording;

/// What a case builds on: `Ok` is the recording to run.
pub type Build = Box<dyn Fn(&mut Fixture<'_>) -> Result<Recording, DeviceError> + Send + Sync>;

/// One comparison.
pub struct Case {
    /// Kernel and what is special about the case.
    pub name: String,
    /// Largest relative L2 error of a read-back; 0: bit for bit.
    pub tolerance: f64,
    /// Makes the buffers and the recording.
    pub build: Build,
}

impl Case {
    fn new(
        name: &str,
        tolerance: f64,
        build: impl Fn(&mut Fixture<'_>) -> Result<Recording, DeviceError> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.to_owned(), tolerance, build: Box::new(build) }
    }
}

/// What came of a case.
#[derive(Clone, Debug, Serialize)]
pub struct CheckResult {
    /// The case's name.
    pub name: String,
    /// Whether the error is within the tolerance.
    pub passed: bool,
    /// The largest relative L2 error of its read-backs; infinite where the case could not run.
    pub error: f64,
    /// The case's tolerance.
    pub tolerance: f64,
    /// Why it could not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Rounding error of `operations` f32 operations in a row, relative: the worst case, each half a unit in the last place.
pub(crate) fn rounding(operations: u32) -> f64 {
    f64::from(operations) * 2f64.powi(-24)
}

/// All cases.
pub fn cases() -> Vec<Case> {
    [
        forward::cases(),
        products::cases(),
        norms::cases(),
        tokens::cases(),
        backward::cases(),
        updates::cases(),
        stream::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Cases of vectors as long as a large model's, a second or two each on a software adapter.
pub fn large_cases() -> Vec<Case> {
    stream::large_cases()
}

/// Runs a case on a device and on the CPU twins.
pub fn check(device: &mut dyn Device, case: &Case) -> CheckResult {
    let (error, failure) = match compare(device, case) {
        Ok(error) => (error, None),
        Err(failure) => (f64::INFINITY, Some(failure.to_string())),
    };
    let passed = error <= case.tolerance;
    CheckResult { name: case.name.clone(), passed, error, tolerance: case.tolerance, failure }
}

/// What a case records on an adapter like this.
fn recorded(info: &AdapterInfo, case: &Case) -> Result<Recording, DeviceError> {
    let mut device = PlanningDevice::of(info.clone(), Limits { memory: u64::MAX, ..Limits::webgpu_default() });
    (case.build)(&mut Fixture::new(&mut device))
}

fn compare(device: &mut dyn Device, case: &Case) -> Result<f64, DeviceError> {
    let ours = read(device, case)?;
    let expected = read(&mut ReferenceDevice::new(None), case)?;
    let difference = |(a, b): (&Vec<u8>, &Vec<u8>)| if case.tolerance == 0.0 { bits(a, b) } else { relative(a, b) };
    Ok(ours.iter().zip(&expected).map(difference).fold(0.0, f64::max))
}

fn read(device: &mut dyn Device, case: &Case) -> Result<Vec<Vec<u8>>, DeviceError> {
    let mut fixture = Fixture::new(device);
    let recording = (case.build)(&mut fixture)?;
    fixture.run(&recording)
}

/// The share of words that differ.
fn bits(a: &[u8], b: &[u8]) -> f64 {
    let differing = a.chunks(4).zip(b.chunks(4)).filter(|(a, b)| a != b).count();
    differing as f64 / (b.len().max(4) / 4) as f64
}

/// ||a - b|| / ||b|| of f32 values; infinite where they can't be compared.
pub(crate) fn relative(a: &[u8], b: &[u8]) -> f64 {
    let (a, b) = (crate::device::as_f32(a), crate::device::as_f32(b));
    let square = |v: f64| v * v;
    let difference: f64 = a.iter().zip(&b).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let size: f64 = b.iter().map(|b| square(f64::from(*b))).sum();
    let error = if difference == 0.0 { 0.0 } else { (difference / size).sqrt() };
    if error.is_finite() && a.len() == b.len() { error } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_seen() {
        let bytes = |v: &[f32]| bytemuck::cast_slice::<f32, u8>(v).to_vec();
        assert_eq!(relative(&bytes(&[3.0, 4.0]), &bytes(&[3.0, 4.0])), 0.0);
        assert!((relative(&bytes(&[3.0, 4.5]), &bytes(&[3.0, 4.0])) - 0.1).abs() < 1e-9);
        assert_eq!(relative(&bytes(&[f32::NAN]), &bytes(&[1.0])), f64::INFINITY);
        assert_eq!(bits(&bytes(&[1.0, 2.0]), &bytes(&[1.0, 2.5])), 0.5);
    }
}
