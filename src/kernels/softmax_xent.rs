//! Softmax and cross-entropy.

use super::params::Lanes;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// Loss and hit per row.
pub static SOFTMAX_XENT: Kernel = Kernel::new::<Params>("softmax_xent", reference::softmax_xent::softmax_xent);

/// Gradient of the logits.
pub static SOFTMAX_XENT_GRAD: Kernel =
    Kernel::new::<Params>("softmax_xent_grad", reference::softmax_xent::softmax_xent_grad);

params! {
    /// Uniform block of both kernels.
    pub struct Params {
        /// Classes.
        pub classes: u32,
    }
}

fn launch(lanes: &Lanes, classes: u32, per_value: u64) -> ([u32; 3], u64) {
    (lanes.grid(lanes.max_rows.div_ceil(64).min(65_535), 1), lanes.rows * u64::from(classes) * per_value)
}

/// Records `loss` (f32) and `correct` (u32, 0 or 1) at the lanes' `out_row`s; `labels` (u32) are indexed from `x_row`.
pub fn record(rec: &mut Recording, lanes: &Lanes, classes: u32, logits: Span, labels: Span, loss: Span, correct: Span) {
    let (grid, cost) = launch(lanes, classes, 25);
    let bound = [lanes.table, logits, labels, loss, correct];
    rec.dispatch(&SOFTMAX_XENT, Variant::plain(), &Params { classes }, &bound, grid, cost);
}

/// Records `dlogits = (softmax - onehot) * coef`, with `coef` of the lane.
pub fn record_grad(rec: &mut Recording, lanes: &Lanes, classes: u32, logits: Span, labels: Span, dlogits: Span) {
    let (grid, cost) = launch(lanes, classes, 50);
    let bound = [lanes.table, logits, labels, dlogits];
    rec.dispatch(&SOFTMAX_XENT_GRAD, Variant::plain(), &Params { classes }, &bound, grid, cost);
}
