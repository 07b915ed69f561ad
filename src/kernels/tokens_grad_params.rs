//! Gradients of positions and class token.

use super::lib::params::{Lane, Lanes, blocks};
use super::lib::{Case, rounding};
use super::tokens::{CASE_ROWS, Params, SIZES};
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("tokens_grad_params", twin);

/// Records the gradients of positions and class token, by blocks of samples.
pub fn record(rec: &mut Recording, lanes: &Lanes, params: &Params, dy: Span, gradients: Span) {
    let grid = lanes.grid(params.elements().div_ceil(64), 1);
    let bound = [lanes.table, dy, gradients];
    rec.dispatch(&KERNEL, Variant::plain(), params, &bound, grid, 4 * params.values(lanes));
}

/// Gradients of positions and class token.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, dy) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut gradients = call.write::<f32>(3);
    let (dim, elements) = (p.dim as usize, ((1 + p.patches) * p.dim) as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        for element in 0..elements {
            let position = lane.weight_base.wrapping_add(p.position_offset) as usize + element;
            let class = (element < dim).then_some(lane.weight_base.wrapping_add(p.class_offset) as usize + element);
            for at in [Some(position), class].into_iter().flatten() {
                if p.accumulate == 0 {
                    gradients[at] = 0.0;
                }
                for block in blocks(0..lane.rows as usize) {
                    gradients[at] += block.fold(0.0, |sum, r| sum + dy[(lane.row0 as usize + r) * elements + element]);
                }
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(dim, patches)| {
        // Up to 20 summands, run twice.
        Case::new(format!("tokens_grad_params {patches} patches of {dim}"), rounding(40), move |f| {
            let ((rows, total), (mut params, stride)) = (CASE_ROWS, Params::of_case(dim, patches));
            let lanes = f.lanes(&rows, stride);
            let dy = f.random("dy", (total * params.elements()) as usize);
            let gradients = f.random("gradients", rows.len() * stride as usize);
            let mut rec = Recording::new();
            for accumulate in [0, 1] {
                params.accumulate = accumulate;
                record(&mut rec, &lanes, &params, dy, gradients);
            }
            rec.read_back(gradients);
            rec
        })
    };
    SIZES.map(case).into()
}
