//! Simulates federated learning with ZOWarmUp on any vendor's GPU: a thin scheduler over hand-written WGSL kernels.
#![warn(missing_docs)]

pub mod config;
pub mod data;
pub mod rng;
pub mod split;
pub mod stream;
