//! Kernels that are written once over `Value`s (`shaders/lib/value.wgsl`) and built twice: over quads, for rows whose length is a multiple
//! of 4, and over single f32, for any.

use crate::recording::kernel::{Kernel, Params, Twin, Variant};
use crate::shaders::QUADS;

/// How such a kernel is built for rows of `length` f32, and how many f32 its `Value`s hold.
pub fn of(length: u64) -> (Variant, u32) {
    if length.is_multiple_of(4) { (Variant::plain().define(QUADS), 4) } else { (Variant::plain(), 1) }
}

/// The row of such a kernel.
pub const fn kernel<P: Params>(name: &'static str, twin: Twin) -> Kernel {
    Kernel::new::<P>(name, twin).with_defines(&[QUADS])
}

/// A kernel over quads and the same kernel over single f32.
#[derive(Debug)]
pub struct ValueKernel {
    /// Over quads.
    pub quad: Kernel,
    /// Over single f32; its name ends in `_scalar`.
    pub scalar: Kernel,
}

impl ValueKernel {
    /// A row of the table for each, with the twin they share.
    pub const fn new<P: Params>(quad: &'static str, scalar: &'static str, twin: Twin) -> Self {
        Self { quad: Kernel::new::<P>(quad, twin), scalar: Kernel::new::<P>(scalar, twin) }
    }

    /// The kernel for rows of `length` f32, and how many f32 its `Value`s hold.
    pub fn of(&'static self, length: u64) -> (&'static Kernel, u32) {
        if length.is_multiple_of(4) { (&self.quad, 4) } else { (&self.scalar, 1) }
    }
}
