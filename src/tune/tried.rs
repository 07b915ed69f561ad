//! What came of trying ways.

use crate::kernels::way::Way;
use crate::layers::{Pass, Sizes};

/// A way of a pass, tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The way.
    pub way: Way,
    /// Relative error against the sum by shuffles, in the L2 norm.
    pub error: f64,
    /// Whether that is within what the order of a sum may make.
    pub passed: bool,
    /// Seconds of the pass; none where it failed the check or could not be run.
    pub seconds: Option<f64>,
}

/// The ways of a pass of a product.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The product.
    pub sizes: Sizes,
    /// The pass.
    pub pass: Pass,
    /// Lanes, and samples of each.
    pub lanes: (u32, u32),
    /// Operations of what was timed.
    pub operations: u64,
    /// The ways in the order tried.
    pub tried: Vec<Tried>,
}

impl Measured {
    /// The fastest way that passed.
    pub fn best(&self) -> Option<&Tried> {
        let passed = self.tried.iter().filter(|tried| tried.passed);
        passed
            .filter(|tried| tried.seconds.is_some())
            .min_by(|a, b| a.seconds.partial_cmp(&b.seconds).unwrap_or(std::cmp::Ordering::Equal))
    }
}
