//! Simulates federated learning with ZOWarmUp on any vendor's GPU: a thin scheduler over hand-written WGSL kernels.
#![warn(missing_docs)]

pub mod bench;
pub mod caps;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod data;
pub mod device;
pub mod engine;
pub mod fed;
pub mod files;
pub mod golden;
pub mod kernels;
pub mod lab;
pub mod layers;
pub mod ledger;
pub mod model;
pub mod recording;
pub mod report;
pub mod rng;
pub mod rule;
pub mod selftest;
pub mod shaders;
pub mod split;
pub mod stream;
pub mod tune;
pub mod verify;
pub mod weights;
