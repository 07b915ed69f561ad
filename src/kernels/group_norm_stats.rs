//! Statistics and coefficients of group norm.

use super::lib::norm::{Params, SPEED, Spans, Statistics, mean_and_rstd, mean_and_squares, store_groups};
use super::lib::norm_cases::{self, Norm, SHAPES};
use super::lib::params::{Lanes, perturb};
use super::lib::{Case, PERTURBED, values};
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = values::kernel_of_shapes::<Params>("group_norm_stats", twin).with_speed(SPEED);

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
    rec.dispatch(&KERNEL, variant, params, &bound, params.rows_grid(lanes), 8 * params.values(lanes));
}

/// Statistics and coefficients of group norm from its input.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    // Copied: what is stored may lie in the same buffer.
    let x = call.read::<f32>(3).to_vec();
    let count = (p.channels / p.groups * p.spatial) as usize;
    store_groups(call, &p, |slice| {
        let x = &x[slice * count..][..count];
        let (mean, squares) = mean_and_squares(count, |i| x[i]);
        mean_and_rstd(mean, squares / count as f32)
    });
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    SHAPES.into_iter().flat_map(|shape| PERTURBED.map(|how| case(shape, how))).collect()
}

fn case(shape: norm_cases::Shape, how: Option<Distribution>) -> Case {
    const KIND: Statistics = Statistics::Group;
    let (name, tolerance) = norm_cases::forward(KIND, shape, how);
    // One built for its sizes.
    let fitted = shape == SHAPES[3] && how == Some(Distribution::Rademacher);
    Case::new(name, tolerance, move |f| {
        let norm = Norm::new(f, KIND, shape);
        let spans = norm_cases::spans(f, KIND, shape);
        let mut rec = Recording::new();
        record(&mut rec, &norm.lanes, how, &norm.params, norm.weights, norm.x, &spans);
        rec.read_back(spans.stats);
        rec.read_back(spans.coefficients);
        rec
    })
    .fitted(fitted)
}
