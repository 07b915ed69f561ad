//! Gradient of the image of patches that becomes tokens.

use super::lib::Case;
use super::lib::case::layout_name;
use super::lib::geometry::layout_of;
use super::lib::params::{Lane, Lanes};
use super::tokens::{CASE_ROWS, Params, SIZES};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("tokens_grad", twin);

/// Records `dx[row][d][p] = dy[row][1 + p][d]`.
pub fn record(rec: &mut Recording, lanes: &Lanes, layout: Layout, params: &Params, dy: Span, dx: Span) {
    let grid = params.grid(lanes, params.patches * params.dim);
    let bound = [lanes.table, dy, dx];
    rec.dispatch(
        &KERNEL,
        Variant::plain().with("CHANNELS_LAST", layout.last()),
        params,
        &bound,
        grid,
        12 * params.values(lanes),
    );
}

/// Gradient of the image.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, dy) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut dx = call.write::<f32>(3);
    let layout = layout_of(call);
    let (dim, patches) = (p.dim as usize, p.patches as usize);
    for row in lanes[..call.grid[2] as usize].iter().flat_map(Lane::chunk_rows) {
        for d in 0..dim {
            for patch in 0..patches {
                dx[row * dim * patches + layout.place(d, patch, dim, patches)] =
                    dy[(row * (1 + patches) + 1 + patch) * dim + d];
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(layout, (dim, patches))| {
        Case::new(format!("tokens_grad {patches} patches of {dim}{}", layout_name(layout)), 0.0, move |f| {
            let ((rows, total), (params, stride)) = (CASE_ROWS, Params::of_case(dim, patches));
            let lanes = f.lanes(&rows, stride);
            let dy = f.random("dy", (total * params.elements()) as usize);
            let dx = f.blank("dx", (total * dim * patches) as usize);
            let mut rec = Recording::new();
            record(&mut rec, &lanes, layout, &params, dy, dx);
            rec.read_back(dx);
            rec
        })
    };
    let first = SIZES.map(|size| (Layout::ChannelsFirst, size));
    first.into_iter().chain([(Layout::ChannelsLast, (67, 9))]).map(case).collect()
}
