//! Linear layers, forward.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use crate::reference;

/// `y = act(W x + b)`, perturbed on load.
pub static KERNEL: Kernel = Kernel { name: "linear", twin: reference::linear::linear };

/// Uniform block of `linear`. Constants of its variant: `RELU` (0, 1), `PERTURB` ([`super::params::perturb`]).
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Input features.
    pub inputs: u32,
    /// Output features.
    pub outputs: u32,
    /// Flat index of the weight [outputs][inputs].
    pub weight_offset: u32,
    /// Flat index of the bias, or [`super::params::ABSENT`].
    pub bias_offset: u32,
    /// 1: the input is the batch of samples, rows from `x_row`; 0: an activation, rows from `row0`.
    pub from_batch: u32,
}
