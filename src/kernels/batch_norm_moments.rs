//! Statistics, coefficients and moments of batch norm from the moments of parts of its input.

use super::lib::geometry::Geometry;
use super::lib::halves::Halves;
use super::lib::moments::{Moments, Parts};
use super::lib::norm::{Params, SPEED, Spans, Statistics, Uniforms, store_channels};
use super::lib::norm_cases::{self, Norm, ROWS, SHAPES, TOTAL};
use super::lib::params::{ABSENT, Lanes, perturb};
use super::lib::tiling::{Operands, Product};
use super::lib::way::{Way, in_ways};
use super::lib::{Case, PERTURBED};
use super::{batch_norm_stats, conv, norm_apply};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};
use crate::shaders::ANY_SHAPE;
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel =
    Kernel::new::<Uniforms>("batch_norm_moments", twin).with_defines(&[ANY_SHAPE]).with_speed(SPEED);

/// Records statistics, coefficients and moments from the moments of parts of `columns` values of a channel.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    columns: u32,
    moments: Span,
    spans: &Spans,
) {
    let variant = Variant::plain()
        .with("CHANNELS", params.channels)
        .with("PERTURB", perturb(distribution))
        .with("PIXELS", params.spatial)
        .with("PART_COLUMNS", columns);
    let bound = [lanes.table, weights, moments, spans.stats, spans.coefficients, spans.moments];
    let cost = 8 * lanes.rows * u64::from(params.channels) * u64::from(params.spatial.div_ceil(columns));
    rec.dispatch(&KERNEL, variant, &params.sizes, &bound, lanes.grid(params.channels, 1), cost);
}

/// Statistics, coefficients and moments of batch norm from the moments of parts.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let moments = call.read::<[f32; 2]>(3).to_vec();
    let columns = call.variant.get("PART_COLUMNS", 1);
    store_channels(call, &p, |lane, c| {
        let values = lane.rows * p.spatial;
        let parts = values.div_ceil(columns) as usize;
        let first = (lane.row0 * p.spatial.div_ceil(columns) * p.channels) as usize + c * parts;
        let of = |i: usize| (moments[first + i], columns.min(values - i as u32 * columns) as f32);
        let mean = (0..parts).map(of).map(|([mean, _], n)| mean * n).sum::<f32>() / values as f32;
        let about = |([of, squares], n): ([f32; 2], f32)| squares + n * (of - mean) * (of - mean);
        (mean, (0..parts).map(of).map(about).sum())
    });
}

const KIND: Statistics = Statistics::Batch;

/// Self-test cases: of parts that a batch norm takes itself, and of those that a convolution left, before the elementwise pass.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        cases.extend(SHAPES.map(|shape| of_input(shape, how)));
        cases.extend(norm_cases::convolutions().map(|(geometry, _)| behind_conv(geometry, how, Way::Shuffle)));
        // Rows that don't fill the tile; more parts than threads.
        for (input, channels) in [([3, 5, 5], 7), ([1, 70, 70], 3)] {
            let layout = Layout::ChannelsFirst;
            let geometry =
                Geometry { input, output: [channels, input[1], input[2]], kernel: 3, stride: 1, padding: 1, layout };
            cases.push(behind_conv(geometry, how, Way::Shuffle));
        }
    }
    let by_tiles = |((geometry, _), way)| behind_conv(norm_cases::channels_last(geometry), None, way);
    cases.extend(in_ways(&norm_cases::convolutions()).into_iter().map(by_tiles));
    cases
}

fn of_input(shape: norm_cases::Shape, how: Option<Distribution>) -> Case {
    let (name, tolerance) = norm_cases::forward(KIND, Layout::ChannelsFirst, shape, how);
    Case::new(name, tolerance, move |f| {
        let norm = Norm::new(f, KIND, Layout::ChannelsFirst, shape);
        let spans = norm_cases::spans(f, KIND, norm_cases::grouped(KIND, shape));
        let mut rec = Recording::new();
        let Norm { lanes, params, weights, x, .. } = norm;
        if let Parts::Own { columns } = batch_norm_stats::record(&mut rec, &lanes, &params, x, spans.parts).parts {
            record(&mut rec, &lanes, how, &params, weights, columns, spans.parts, &spans);
        }
        for span in [spans.stats, spans.coefficients, spans.moments] {
            rec.read_back(span);
        }
        rec
    })
}

fn behind_conv(g: Geometry, how: Option<Distribution>, way: Way) -> Case {
    let shape = (g.output[0], 1, g.pixels());
    let (name, tolerance) = norm_cases::behind_conv(&g, KIND, 1, how, way);
    // Built for their sizes: two, with signs that a subgroup shares.
    let fitted = how == Some(Distribution::Rademacher) && g.output[0] >= 32;
    Case::new(name, tolerance, move |f| {
        let (params, stride) = norm_cases::params_behind_conv(&g, 1);
        let lanes = f.lanes(&ROWS, stride);
        let weights = f.random("weights", ROWS.len() * stride as usize);
        let mut blank = |name, values: u32| f.blank(name, (TOTAL * values) as usize);
        let (y, normed) = (blank("y", shape.0 * shape.2), blank("normed", shape.0 * shape.2));
        let spans = norm_cases::spans(f, KIND, shape);
        let product = Product { way: way.on(f.info()), ..Product::by_shuffles(f.best_tiling(), how) };
        let moments = Moments::of_channels(&product, &g);
        let left = f.blank("moments of parts", (TOTAL * moments.row) as usize);
        let x = f.random("x", (TOTAL * g.input.iter().product::<u32>()) as usize);
        let io = Operands { weights, x, y, room: f.conv_room(way, &g, &lanes) };
        let mut rec = Recording::new();
        let conv = conv::Params { weight_offset: 0, bias_offset: ABSENT, from_batch: 1, relu: 0 };
        conv::record(&mut rec, &lanes, &product, &g, &conv, &io, Some((moments, left)));
        rec.read_back(y);
        if let Parts::Channels { columns } = moments.parts {
            record(&mut rec, &lanes, how, &params, weights, columns, left, &spans);
        }
        rec.read_back(spans.moments);
        norm_apply::record(&mut rec, &lanes, KIND, &params, y, spans.coefficients, None, normed, Halves::default());
        rec.read_back(normed);
        rec
    })
    .fitted(fitted)
    .by(way, how)
}
