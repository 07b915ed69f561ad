//! What a self-test case is.

use super::Fixture;
use crate::recording::Recording;
use crate::stream::Distribution;

/// What a case does: makes its buffers, returns the recording to run, whose read-backs are compared.
pub type Build = Box<dyn Fn(&mut Fixture<'_>) -> Recording + Send + Sync>;

/// One comparison of a device with the CPU twins.
pub struct Case {
    /// Kernel and what is special about the case.
    pub name: String,
    /// Largest relative L2 error of a read-back; 0: bit for bit.
    pub tolerance: f64,
    /// Whether it takes a second or more on a software adapter.
    pub large: bool,
    /// Makes the buffers and the recording.
    pub build: Build,
}

impl Case {
    /// A case whose read-backs are within `tolerance` of the twins'.
    pub fn new(
        name: impl Into<String>,
        tolerance: f64,
        build: impl Fn(&mut Fixture<'_>) -> Recording + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), tolerance, large: false, build: Box::new(build) }
    }

    /// The same, marked as large.
    pub fn large(self) -> Self {
        Self { large: true, ..self }
    }
}

/// Rounding error of `operations` f32 operations in a row, relative: the worst case, each half a unit in the last place.
pub fn rounding(operations: u32) -> f64 {
    f64::from(operations) * 2f64.powi(-24)
}

/// What kernels that perturb weights are tried with.
pub const PERTURBED: [Option<Distribution>; 5] = [
    None,
    Some(Distribution::Rademacher),
    Some(Distribution::Binomial),
    Some(Distribution::Gaussian),
    Some(Distribution::Uniform),
];

/// The distribution in the name of a case.
pub fn perturbation(how: Option<Distribution>) -> &'static str {
    how.map_or("plain", Distribution::name)
}

/// The error of a sum of `depth` products with perturbed weights, and a bias: a perturbed weight rounds twice more, and a gaussian
/// element is only within 1e-5.
pub fn product_tolerance(how: Option<Distribution>, depth: u32) -> f64 {
    rounding(depth + 4) + if how == Some(Distribution::Gaussian) { 2e-5 } else { 0.0 }
}

/// What a perturbation adds to the error of a norm: the gaussian's own bound is 1e-5 of z, an eighth of which is added.
pub fn gaussian_share(how: Option<Distribution>) -> f64 {
    if how == Some(Distribution::Gaussian) { 2e-6 } else { 0.0 }
}
