//! Activation functions.

use bytemuck::{Pod, Zeroable};

use super::{Kernel, Variant, fold_grid};
use crate::plan::{Recording, Span};
use crate::reference;

/// An activation function.
pub static ACTIVATION: Kernel = Kernel { name: "activation", twin: reference::activation::activation };

/// Its gradient.
pub static ACTIVATION_GRAD: Kernel = Kernel { name: "activation_grad", twin: reference::activation::activation_grad };

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

/// Uniform block of both kernels.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Values.
    pub count: u32,
}

fn variant(kind: Kind) -> Variant {
    Variant::plain().with("KIND", kind as u32)
}

/// Records `y = f(x)` over `count` values.
pub fn record(rec: &mut Recording, kind: Kind, count: u32, x: Span, y: Span) {
    let items = u64::from(count);
    rec.dispatch(&ACTIVATION, variant(kind), &Params { count }, &[x, y], fold_grid(items, 64), 10 * items);
}

/// Records `dx` from `dy` and what the kind's gradient needs of the forward pass (`saved`).
pub fn record_grad(rec: &mut Recording, kind: Kind, count: u32, saved: Span, dy: Span, dx: Span) {
    let items = u64::from(count);
    let bound = [saved, dy, dx];
    rec.dispatch(&ACTIVATION_GRAD, variant(kind), &Params { count }, &bound, fold_grid(items, 64), 10 * items);
}
