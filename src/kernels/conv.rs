//! Convolutions, forward.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use crate::reference;

/// `y = act(W * x + b)`, perturbed on load.
pub static KERNEL: Kernel = Kernel { name: "conv", twin: reference::conv::conv };

/// Uniform block of `conv`. Constants of its variant: `CHANNELS`, `IN_H`, `IN_W`, `OUT_H`, `OUT_W`, `KERNEL_H`, `KERNEL_W`,
/// `STRIDE`, `PAD`, `RELU` (0, 1), `PERTURB` ([`super::params::perturb`]).
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Flat index of the weight [outputs][channels][kernel][kernel].
    pub weight_offset: u32,
    /// Flat index of the bias, or [`super::params::ABSENT`].
    pub bias_offset: u32,
    /// 1: the input is the batch of samples, rows from `x_row`; 0: an activation, rows from `row0`.
    pub from_batch: u32,
    /// Output channels.
    pub outputs: u32,
}
