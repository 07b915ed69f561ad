//! Statistics and coefficients of group norm.

use super::lib::geometry::layout_of;
use super::lib::norm::{
    Params, SPEED, Spans, Statistics, Uniforms, mean_and_rstd, mean_and_squares, slice_place, store_groups,
};
use super::lib::norm_cases::{self, LAST_SHAPES, Norm, SHAPES};
use super::lib::params::{Lanes, perturb};
use super::lib::{Case, PERTURBED, values};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = values::kernel_of_shapes::<Uniforms>("group_norm_stats", twin).with_speed(SPEED);

/// Records statistics and coefficients of `x`, with scale and bias perturbed by the lanes' seeds where a distribution is given.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    x: Span,
    spans: &Spans,
) {
    let variant = params.variant().with("PERTURB", perturb(distribution));
    let bound = [lanes.table, weights, x, spans.stats, spans.coefficients];
    rec.dispatch(&KERNEL, variant, &params.sizes, &bound, params.rows_grid(lanes), 8 * params.values(lanes));
}

/// Statistics and coefficients of group norm from its input.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    // Copied: what is stored may lie in the same buffer.
    let x = call.read::<f32>(3).to_vec();
    let layout = layout_of(call);
    let count = (p.channels / p.groups * p.spatial) as usize;
    store_groups(call, &p, |slice| {
        let (mean, squares) = mean_and_squares(count, |i| x[slice_place(layout, &p, slice, i)]);
        mean_and_rstd(mean, squares / count as f32)
    });
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let first = SHAPES.into_iter().flat_map(|shape| PERTURBED.map(|how| case(Layout::ChannelsFirst, shape, how)));
    let last = LAST_SHAPES.map(|shape| case(Layout::ChannelsLast, shape, Some(Distribution::Rademacher)));
    first.chain(last).collect()
}

fn case(layout: Layout, shape: norm_cases::Shape, how: Option<Distribution>) -> Case {
    const KIND: Statistics = Statistics::Group;
    let (name, tolerance) = norm_cases::forward(KIND, layout, shape, how);
    // One built for its sizes.
    let fitted = (shape == SHAPES[3] || shape == LAST_SHAPES[2]) && how == Some(Distribution::Rademacher);
    Case::new(name, tolerance, move |f| {
        let norm = Norm::new(f, KIND, layout, shape);
        let spans = norm_cases::spans(f, KIND, shape);
        let mut rec = Recording::new();
        record(&mut rec, &norm.lanes, how, &norm.params, norm.weights, norm.x, &spans);
        rec.read_back(spans.stats);
        rec.read_back(spans.coefficients);
        rec
    })
    .fitted(fitted)
}
