//! The estimator lab: the zeroth-order estimate beside the true gradient.
//!
//! With client losses `L_k`, shares `s_k = n_k / N` and true gradients `G_k`, `G = sum s_k G_k`, an estimate of S probes a client is
//! `g = sum_k s_k / S sum_p dl_kp / (2 eps) z_kp` (`dl / eps` with one side). Every distribution has `E z z^T = tau^2 I`, so that
//! `E g = tau^2 G` up to `O(eps^2)`. docs/probe.md says what each figure is and how it is estimated.
//!
//! `truth` computes gradients by backprop, `readings` probes at a setting, `directions` adds up on the host what the probes make up,
//! `measure` puts them in order.

mod directions;
mod measure;
mod parallel;
mod readings;
mod report;
mod request;
mod subject;
mod suggest;
mod truth;

pub use directions::{Directions, Moments};
pub use measure::measure;
pub use report::{Hessian, LayerRow, Report, Row, Suggestion};
pub use request::{Axes, Point, Request, Setting};
pub use subject::{At, Subject};

#[cfg(test)]
mod tests;
