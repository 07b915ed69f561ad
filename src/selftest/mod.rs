//! Every kernel against its CPU twin on an adapter: what `zowarmup selftest` and the tests run.
//!
//! A case ([`Case`], beside its kernel) makes buffers with deterministic content and a recording, whose read-backs are compared between
//! the adapter and the reference device. On the adapter each buffer lies between borders of NaN (`place.rs`).

#[cfg(test)]
mod golden;
mod place;
mod runner;
mod select;

pub use crate::kernels::lib::{Case, Fixture};
pub use runner::{Count, run};
pub use select::{of_each_choice, quick, shaders, suited};

use serde::Serialize;

use crate::device::{Device, ReferenceDevice};
use crate::kernels;
use crate::kernels::lib::case::Built;
pub(crate) use crate::kernels::lib::rounding;

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
    /// Why it could not run, or what it did beside computing wrong numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// All cases but the large ones.
pub fn cases() -> Vec<Case> {
    kernels::cases().into_iter().filter(|case| !case.large).collect()
}

/// Cases of vectors as long as a large model's, a second or two each on a software adapter.
pub fn large_cases() -> Vec<Case> {
    kernels::cases().into_iter().filter(|case| case.large).collect()
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

fn compare(device: &mut dyn Device, case: &Case) -> Result<f64, place::Failure> {
    let Built { buffers, recording, expected } = case.on(&device.info().clone());
    let ours = place::run_between_borders(device, &buffers, &recording)?;
    let expected = place::run(&mut ReferenceDevice::new(None), &buffers, &expected)?;
    place::check_not_a_number(&ours, &expected)?;
    let difference = |(a, b): (&Vec<u8>, &Vec<u8>)| if case.tolerance == 0.0 { bits(a, b) } else { relative(a, b) };
    Ok(ours.iter().zip(&expected).map(difference).fold(0.0, f64::max))
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
