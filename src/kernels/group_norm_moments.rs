//! Statistics and coefficients of group norm from the moments that a convolution left of parts of its output.

use super::lib::geometry::Geometry;
use super::lib::halves::Halves;
use super::lib::moments::{Moments, Parts};
use super::lib::norm::{Params, SPEED, Spans, Statistics, Uniforms, mean_and_rstd, store_groups};
use super::lib::norm_cases::{self, ROWS, TOTAL};
use super::lib::params::{ABSENT, Lanes, perturb};
use super::lib::tiling::{Operands, Product};
use super::lib::way::{Way, in_ways};
use super::lib::{Case, PERTURBED};
use super::{conv, group_norm_stats, norm_apply};
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};
use crate::shaders::ANY_SHAPE;
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel =
    Kernel::new::<Uniforms>("group_norm_moments", twin).with_defines(&[ANY_SHAPE]).with_speed(SPEED);

/// Records statistics and coefficients from the moments of `count` parts a (row, group), of `values` values each.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    (count, values): (u32, u32),
    moments: Span,
    spans: &Spans,
) {
    let variant = Variant::plain()
        .with("CHANNELS", params.channels)
        .with("PERTURB", perturb(distribution))
        .with("PARTS", count)
        .with("PART_VALUES", values);
    let bound = [lanes.table, weights, moments, spans.stats, spans.coefficients];
    let cost = 8 * lanes.rows * u64::from(params.groups) * u64::from(count);
    rec.dispatch(&KERNEL, variant, &params.sizes, &bound, params.rows_grid(lanes), cost);
}

/// The same from the moments of parts.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let parts = call.read::<[f32; 2]>(3).to_vec();
    let (count, values) = (call.variant.get("PARTS", 1) as usize, call.variant.get("PART_VALUES", 1) as f32);
    store_groups(call, &p, |slice| {
        let parts = &parts[slice * count..][..count];
        let mean = parts.iter().map(|part| part[0]).sum::<f32>() / count as f32;
        let squares = |[of, squares]: &[f32; 2]| squares + values * (of - mean) * (of - mean);
        let variance = parts.iter().map(squares).sum::<f32>() / (count as f32 * values);
        mean_and_rstd(mean, variance)
    });
}

/// Self-test cases: behind a convolution that leaves moments where it can, and before the elementwise pass.
pub fn cases() -> Vec<Case> {
    let convolutions = norm_cases::convolutions();
    let of = |how| convolutions.map(|(geometry, groups)| case(geometry, groups, how, Way::Shuffle));
    let by_tiles = |((geometry, groups), way)| case(norm_cases::channels_last(geometry), groups, None, way);
    PERTURBED.into_iter().flat_map(of).chain(in_ways(&convolutions).into_iter().map(by_tiles)).collect()
}

fn case(g: Geometry, groups: u32, how: Option<Distribution>, way: Way) -> Case {
    const KIND: Statistics = Statistics::Group;
    let shape = (g.output[0], groups, g.pixels());
    let (name, tolerance) = norm_cases::behind_conv(&g, KIND, groups, how, way);
    // Built for their sizes: those that leave moments with each tiling, with signs that a subgroup shares.
    let fitted = how == Some(Distribution::Rademacher) && g.output[0] >= 32;
    Case::new(name, tolerance, move |f| {
        let (params, stride) = norm_cases::params_behind_conv(&g, groups);
        let lanes = f.lanes(&ROWS, stride);
        let weights = f.random("weights", ROWS.len() * stride as usize);
        let mut blank = |name, values: u32| f.blank(name, (TOTAL * values) as usize);
        let (y, normed) = (blank("y", shape.0 * shape.2), blank("normed", shape.0 * shape.2));
        let spans = norm_cases::spans(f, KIND, shape);
        let product = Product { way: way.on(f.info()), ..Product::by_shuffles(f.best_tiling(), how) };
        let moments = Moments::of_groups(&product, &g, groups);
        let moments = moments.map(|m| (m, f.blank("moments of parts", (TOTAL * m.row) as usize)));
        let x = f.random("x", (TOTAL * g.input.iter().product::<u32>()) as usize);
        let io = Operands { weights, x, y, room: f.conv_room(way, &g, &lanes) };
        let mut rec = Recording::new();
        let conv = conv::Params { weight_offset: 0, bias_offset: ABSENT, from_batch: 1, relu: 0 };
        conv::record(&mut rec, &lanes, &product, &g, &conv, &io, moments);
        rec.read_back(y);
        match moments {
            Some((Moments { parts: Parts::Groups { count, values, .. }, .. }, left)) => {
                record(&mut rec, &lanes, how, &params, weights, (count, values), left, &spans);
            }
            _ => group_norm_stats::record(&mut rec, &lanes, how, &params, weights, y, &spans),
        }
        norm_apply::record(&mut rec, &lanes, KIND, &params, y, spans.coefficients, None, normed, Halves::default());
        rec.read_back(normed);
        rec
    })
    .fitted(fitted)
    .by(way, how)
}
