//! Activations that are f16 in memory: two in a word, rows of whole eights. A plan says which they are; kernels that can't read or write them
//! see f32.

use crate::recording::kernel::{Call, Variant};
use crate::shaders::{IN_HALVES, OUT_HALVES, RESIDUAL_HALVES};

/// Which of a launch's operands are f16 in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Halves {
    /// The input.
    pub x: bool,
    /// What is added.
    pub residual: bool,
    /// The output.
    pub y: bool,
}

impl Halves {
    /// The defines of a kernel.
    pub fn variant(self, variant: Variant) -> Variant {
        let all = [(self.x, IN_HALVES), (self.residual, RESIDUAL_HALVES), (self.y, OUT_HALVES)];
        all.into_iter().filter(|(is, _)| *is).fold(variant, |variant, (_, define)| variant.define(define))
    }

    /// Whether rows of so many values can be f16.
    pub const fn fit(values: usize) -> bool {
        values.is_multiple_of(8)
    }
}

/// Bytes of so many values.
pub fn bytes(values: u64, halves: bool) -> u64 {
    if halves { 2 * values } else { 4 * values }
}

/// For twins: the values of a binding that is f16 in memory where the launch has this define.
pub fn read(call: &Call<'_>, binding: usize, define: &str) -> Vec<f32> {
    if call.variant.defines().contains(&define) {
        call.read::<u16>(binding).iter().map(|bits| half::f16::from_bits(*bits).to_f32()).collect()
    } else {
        call.read::<f32>(binding).to_vec()
    }
}

/// For twins: calls `fill` with the values of a binding that it writes, and rounds them where they are f16 in memory.
pub fn write(call: &Call<'_>, binding: usize, fill: impl FnOnce(&mut [f32])) {
    if call.variant.defines().contains(&OUT_HALVES) {
        let mut halves = call.write::<u16>(binding);
        let mut values: Vec<f32> = halves.iter().map(|bits| half::f16::from_bits(*bits).to_f32()).collect();
        fill(&mut values);
        for (half, value) in halves.iter_mut().zip(values) {
            *half = half::f16::from_f32(value).to_bits();
        }
    } else {
        fill(&mut call.write::<f32>(binding));
    }
}
