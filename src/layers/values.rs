//! What functions of single values share: one pair of kernels.

use super::passes::{Backward, Forward, LaneTables, count};
use crate::kernels::activation::{self, Function};
use crate::kernels::activation_grad;
use crate::recording::{Recording, Span};

/// Records `y = f(x)` for so many values of each row.
pub(super) fn forward(rec: &mut Recording, function: Function, lanes: &LaneTables, len: usize, io: &Forward) {
    activation::record(rec, function, count(lanes, len), io.x, io.y);
}

/// Records the slope of the input, where it is wanted. `from` is what the function's slope is computed from, its input or its output.
pub(super) fn back(rec: &mut Recording, function: Function, lanes: &LaneTables, len: usize, from: Span, io: &Backward) {
    if let Some(dx) = io.dx {
        activation_grad::record(rec, function, count(lanes, len), from, io.dy, dx);
    }
}
