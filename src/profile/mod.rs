//! Where the time of a run's rounds goes: device time of each kernel, the host's between them.
//!
//! `measure` runs a few rounds of each phase on a device that notes when each command runs, `rows` adds up what was alike, `shape` says
//! what a launch works on, `trace` writes it all as a trace that viewers open.

mod measure;
mod rows;
mod shape;
mod trace;

pub use measure::{Phase, Profile, Request, measure};
pub use rows::{KernelRow, rows};
pub use shape::{shape, way};
pub use trace::trace;
