//! Activation functions.

use super::fold_grid;
use super::values;
use crate::recording::kernel::{Kernel, params};
use crate::recording::{Recording, Span};
use crate::reference::activation as twins;

/// An activation function.
pub static ACTIVATION: Kernel = values::kernel::<Params>("activation", twins::activation);

/// Its gradient.
pub static ACTIVATION_GRAD: Kernel = values::kernel::<Params>("activation_grad", twins::activation_grad);

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// max(x, 0); its gradient needs the output.
    Relu,
    /// The exact gelu, by erf; its gradient needs the input.
    Gelu,
    /// tanh; its gradient needs the output.
    Tanh,
}

params! {
    /// Uniform block of both kernels.
    pub struct Params {
        /// Values.
        pub count: u32,
    }
}

/// Records `y = f(x)` over `count` values.
pub fn record(rec: &mut Recording, kind: Kind, count: u32, x: Span, y: Span) {
    let items = u64::from(count);
    let (variant, width) = values::of(items);
    let grid = fold_grid(items / u64::from(width), 64);
    let variant = variant.with("KIND", kind as u32);
    rec.dispatch(&ACTIVATION, variant, &Params { count }, &[x, y], grid, 10 * items);
}

/// Records `dx` from `dy` and what the kind's gradient needs of the forward pass (`saved`).
pub fn record_grad(rec: &mut Recording, kind: Kind, count: u32, saved: Span, dy: Span, dx: Span) {
    let items = u64::from(count);
    let (variant, width) = values::of(items);
    let grid = fold_grid(items / u64::from(width), 64);
    let variant = variant.with("KIND", kind as u32);
    rec.dispatch(&ACTIVATION_GRAD, variant, &Params { count }, &[saved, dy, dx], grid, 10 * items);
}
