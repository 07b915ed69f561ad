//! Kernels that are written once over `Value`s (`shaders/lib/values.wgsl:value`) and built twice: over quads, for rows whose length is a multiple
//! of 4, and over single f32, for any.

use crate::recording::kernel::{Kernel, Params, Twin, Variant};
use crate::shaders::{ANY_SHAPE, QUADS};

/// How such a kernel is built for rows of `length` f32, and how many f32 its `Value`s hold.
pub fn of(length: u64) -> (Variant, u32) {
    if length.is_multiple_of(4) { (Variant::plain().define(QUADS), 4) } else { (Variant::plain(), 1) }
}

/// The row of such a kernel.
pub const fn kernel<P: Params>(name: &'static str, twin: Twin) -> Kernel {
    Kernel::new::<P>(name, twin).with_defines(&[QUADS])
}

/// The row of such a kernel with a shape in constants, which can be built for any.
pub const fn kernel_of_shapes<P: Params>(name: &'static str, twin: Twin) -> Kernel {
    Kernel::new::<P>(name, twin).with_defines(&[QUADS, ANY_SHAPE])
}
