//! The structs that cross from host to shader. A test compares each with the layout that naga reads from the shaders.

use bytemuck::{Pod, Zeroable};

/// One lane of a chunk: a (client, probe, sign) evaluation, or a client with weights of its own.
///
/// All kernels that read weights or rows of a chunk take an array of these.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct Lane {
    /// f32 index of the lane's weight vector in the weights binding: slot x stride, 0 for shared weights.
    pub weight_base: u32,
    /// Low word of the probe's seed.
    pub seed_lo: u32,
    /// High word of the probe's seed.
    pub seed_hi: u32,
    /// Signed size of the perturbation: +-(epsilon x tau x scale) as f32; ignored without perturbation.
    pub coef: f32,
    /// First row of the lane in the batch of input samples, which probes and signs of a client share.
    pub x_row: u32,
    /// First row of the lane in the chunk's activation buffers.
    pub row0: u32,
    /// Rows (samples).
    pub rows: u32,
    /// First row of the lane in per-sample output buffers (losses), which outlive the chunk.
    pub out_row: u32,
}

/// Gradients of weights are sums over blocks of this many samples, added in order: a batch may be cut between blocks.
pub const SAMPLE_BLOCK: u32 = 8;
