//! Gradients of group norms' inputs.

use super::lib::geometry::layout_of;
use super::lib::norm::{Params, SPEED, Statistics, Uniforms, slice_channel, slice_place, slices, span_sizes};
use super::lib::norm_cases::{self, Norm, TOTAL};
use super::lib::params::{Lane, Lanes};
use super::lib::tree::tree_sum;
use super::lib::{Case, rounding, values};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel_of_shapes::<Uniforms>("group_norm_grad", twin).with_speed(SPEED);

/// Records the gradient of the input from the forward pass's input `x`, its statistics, and `dy`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    params: &Params,
    weights: Span,
    x: Span,
    dy: Span,
    stats: Span,
    dx: Span,
) {
    let bound = [lanes.table, weights, x, dy, stats, dx];
    rec.dispatch(&KERNEL, params.variant(), &params.sizes, &bound, params.rows_grid(lanes), 14 * params.values(lanes));
}

/// Gradient of group norm's input.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (lanes, weights, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (dy, stats) = (call.read::<f32>(4), call.read::<[f32; 2]>(5));
    let mut dx = call.write::<f32>(6);
    let layout = layout_of(call);
    let (count, spatial) = ((p.channels / p.groups * p.spatial) as usize, p.spatial as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let scale = &weights[lane.weight_base.wrapping_add(p.scale_offset) as usize..];
        for slice in slices(lane, p.groups) {
            let at = |i| slice_place(layout, &p, slice, i);
            let channel0 = slice % p.groups as usize * (count / spatial);
            let [mean, rstd] = stats[slice];
            let u = |i: usize| dy[at(i)] * scale[channel0 + slice_channel(layout, &p, i)];
            let h = |i: usize| (x[at(i)] - mean) * rstd;
            let mean_u = tree_sum(count, u) / count as f32;
            let mean_uh = tree_sum(count, |i| u(i) * h(i)) / count as f32;
            for i in 0..count {
                dx[at(i)] = rstd * (u(i) - mean_u - h(i) * mean_uh);
            }
        }
    }
}

/// Self-test cases; one built for its sizes.
pub fn cases() -> Vec<Case> {
    const KIND: Statistics = Statistics::Group;
    let case = |(layout, shape, fitted): (Layout, norm_cases::Shape, bool)| {
        // Sums subtracted from each other.
        let tolerance = rounding(2 * norm_cases::additions(KIND, shape) + 20);
        Case::new(norm_cases::name("backward", KIND, layout, shape), tolerance, move |f| {
            let norm = Norm::new(f, KIND, layout, shape);
            let stats = span_sizes(KIND, shape.0, norm.params.groups).stats as usize;
            let (stats, dy) = (f.random("stats", TOTAL as usize * stats), f.random("dy", norm.values()));
            let dx = f.blank("dx", norm.values());
            let mut rec = Recording::new();
            record(&mut rec, &norm.lanes, &norm.params, norm.weights, norm.x, dy, stats, dx);
            rec.read_back(dx);
            rec
        })
        .fitted(fitted)
    };
    norm_cases::shapes().map(case).collect()
}
