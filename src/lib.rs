//! Simulates federated learning with ZOWarmUp on any vendor's GPU: a thin scheduler over hand-written WGSL kernels.
#![warn(missing_docs)]

pub mod files;
pub mod golden;
pub mod ledger;
pub mod model;
pub mod rng;
pub mod stream;
pub mod weights;
