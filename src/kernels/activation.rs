//! Activation functions.

use super::fold_grid;
use super::values::ValueKernel;
use crate::recording::kernel::{Variant, params};
use crate::recording::{Recording, Span};
use crate::reference::activation as twins;

/// An activation function.
pub static ACTIVATION: ValueKernel = ValueKernel::new::<Params>("activation", "activation_scalar", twins::activation);

/// Its gradient.
pub static ACTIVATION_GRAD: ValueKernel =
    ValueKernel::new::<Params>("activation_grad", "activation_grad_scalar", twins::activation_grad);

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

fn variant(kind: Kind) -> Variant {
    Variant::plain().with("KIND", kind as u32)
}

/// Records `y = f(x)` over `count` values.
pub fn record(rec: &mut Recording, kind: Kind, count: u32, x: Span, y: Span) {
    let items = u64::from(count);
    let (kernel, width) = ACTIVATION.of(items);
    let grid = fold_grid(items / u64::from(width), 64);
    rec.dispatch(kernel, variant(kind), &Params { count }, &[x, y], grid, 10 * items);
}

/// Records `dx` from `dy` and what the kind's gradient needs of the forward pass (`saved`).
pub fn record_grad(rec: &mut Recording, kind: Kind, count: u32, saved: Span, dy: Span, dx: Span) {
    let items = u64::from(count);
    let (kernel, width) = ACTIVATION_GRAD.of(items);
    let grid = fold_grid(items / u64::from(width), 64);
    rec.dispatch(kernel, variant(kind), &Params { count }, &[saved, dy, dx], grid, 10 * items);
}
