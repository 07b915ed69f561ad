//! Simulates federated learning with ZOWarmUp on any vendor's GPU: a thin scheduler over hand-written WGSL kernels.
#![warn(missing_docs)]

pub mod bench;
pub mod device;
pub mod kernels;
pub mod plan;
pub mod reference;
pub mod rng;
pub mod selftest;
pub mod stream;
