//! Devices on wgpu: the only code that imports it.
//!
//! `adapters` finds, `open` opens (with `request`), `device` is what is open, `faults` what drivers report; `compile` makes pipelines on all
//! cores, `pipelines` keeps them, `store` on disk; `buffers` pools, `texels` shadows operands, `staging` carries bytes to and fro, `execute`
//! encodes and submits, `stamps` notes when commands run.

mod adapters;
mod buffers;
mod compile;
mod device;
mod execute;
mod faults;
mod launch;
mod memory;
mod open;
mod pipelines;
mod request;
mod staging;
mod stamps;
mod store;
mod texels;
mod texture;

pub use adapters::{Candidate, candidates};
pub use device::GpuDevice;
pub use open::open;
