//! What a self-test case is.

use super::Fixture;
use super::fixture::Buffer;
use super::matrix::matrix_tolerance;
use super::way::Way;
use crate::caps::{AdapterInfo, AdapterKind, Layout};
use crate::recording::{Dispatch, Recording};
use crate::shaders::ANY_SHAPE;
use crate::stream::Distribution;

/// What a case does: makes its buffers, returns the recording to run, whose read-backs are compared.
pub type Build = Box<dyn Fn(&mut Fixture<'_>) -> Recording + Send + Sync>;

/// One comparison of a device with the CPU twins.
pub struct Case {
    /// Kernel and what is special about the case.
    pub name: String,
    /// Largest relative L2 error of a read-back; 0: bit for bit.
    pub tolerance: f64,
    /// Whether kernels are built for the case's sizes; else for any, so that cases share pipelines.
    pub fitted: bool,
    /// Whether it takes a second or more on a software adapter.
    pub large: bool,
    /// Makes the buffers and the recording.
    pub build: Build,
}

/// A case for an adapter.
pub struct Built {
    /// Its buffers; the place of one is its handle in the recordings.
    pub buffers: Vec<Buffer>,
    /// What the adapter runs.
    pub recording: Recording,
    /// What the twins run.
    pub expected: Recording,
}

impl Case {
    /// A case whose read-backs are within `tolerance` of the twins'.
    pub fn new(
        name: impl Into<String>,
        tolerance: f64,
        build: impl Fn(&mut Fixture<'_>) -> Recording + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), tolerance, fitted: false, large: false, build: Box::new(build) }
    }

    /// The same, if so with kernels built for its sizes, as the engine builds them.
    pub fn fitted(self, fitted: bool) -> Self {
        Self { fitted, ..self }
    }

    /// The same of a product that is computed in a way, with weights that are perturbed so.
    pub fn by(self, way: Way, how: Option<Distribution>) -> Self {
        match way {
            Way::Shuffle | Way::Block(_) | Way::Heads(_) => self,
            Way::Matrix(matrix) => Self { tolerance: matrix_tolerance(&matrix, how, self.tolerance), ..self },
        }
    }

    /// The same with results that are f16 in memory: where they lie between two of these, either is as right, one unit apart.
    pub fn in_halves(self, results: bool) -> Self {
        Self { tolerance: self.tolerance + if results { 2f64.powi(-10) } else { 0.0 }, ..self }
    }

    /// The case on an adapter like this.
    pub fn on(&self, info: &AdapterInfo) -> Built {
        self.made(Fixture::new(info, self.fitted))
    }

    /// The same with buffers that have no contents: what it launches is the same.
    pub fn planned(&self, info: &AdapterInfo) -> Built {
        self.made(Fixture::new(info, self.fitted).unfilled())
    }

    fn made(&self, mut fixture: Fixture<'_>) -> Built {
        let info = fixture.info().clone();
        let expected = (self.build)(&mut fixture);
        // The twins know one way of being built: they take sizes from the constants.
        let as_is = self.fitted || info.kind == AdapterKind::Reference;
        let recording = if as_is { expected.clone() } else { for_any_shape(&expected) };
        Built { buffers: fixture.into_buffers(), recording, expected }
    }

    /// The same, marked as large.
    pub fn large(self) -> Self {
        Self { large: true, ..self }
    }
}

/// The same launches of kernels without what is constant only for speed.
fn for_any_shape(recording: &Recording) -> Recording {
    let launch = |launch: &Dispatch| {
        let mut variant = launch.variant.clone().without(launch.kernel.speed);
        if launch.kernel.defines.contains(&ANY_SHAPE) {
            variant = variant.define(ANY_SHAPE);
        }
        Dispatch { variant, ..launch.clone() }
    };
    recording.map(|span| span, launch)
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

/// The layout in the name of a case: nothing where channels are first.
pub fn layout_name(layout: Layout) -> &'static str {
    match layout {
        Layout::ChannelsFirst => "",
        Layout::ChannelsLast => " channels last",
    }
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
