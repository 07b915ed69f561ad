//! Coefficients of batch norm from running statistics.

use super::lib::norm::{Params, SPEED, Spans, Statistics, Uniforms, affine, mean_and_rstd, scale_and_bias, store};
use super::lib::norm_cases::{self, Norm, SHAPES};
use super::lib::params::{Lane, Lanes, perturb};
use super::lib::{Case, PERTURBED};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};
use crate::shaders::ANY_SHAPE;
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel =
    Kernel::new::<Uniforms>("running_norm_stats", twin).with_defines(&[ANY_SHAPE]).with_speed(SPEED);

/// Records (mean, rstd) and coefficients from the statistics in `running`, which may be `weights`.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    running: Span,
    spans: &Spans,
) {
    let variant = Variant::plain().with("CHANNELS", params.channels).with("PERTURB", perturb(distribution));
    let bound = [lanes.table, weights, running, spans.stats, spans.coefficients];
    let cost = 200 * u64::from(lanes.count) * u64::from(params.channels);
    rec.dispatch(&KERNEL, variant, &params.sizes, &bound, params.channels_grid(lanes), cost);
}

/// Statistics and coefficients per lane and channel from the running statistics.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (lanes, all, running) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (mut stats, mut coefficients) = (Vec::new(), Vec::new());
    let channels = p.channels as usize;
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
        let [scale, bias] = scale_and_bias(call, &p, &all, lane);
        for c in 0..channels {
            let of = |offset: u32| running[lane.weight_base.wrapping_add(offset) as usize + c];
            let stat = mean_and_rstd(of(p.mean_offset), of(p.variance_offset));
            stats.push((l * channels + c, stat));
            coefficients.push((l * channels + c, affine(stat, scale[c], bias[c])));
        }
    }
    drop((lanes, all, running));
    store(call, 4, &stats);
    store(call, 5, &coefficients);
}

/// Self-test cases; one built for its sizes.
pub fn cases() -> Vec<Case> {
    SHAPES.into_iter().flat_map(|shape| PERTURBED.map(|how| case(shape, how))).collect()
}

fn case(shape: norm_cases::Shape, how: Option<Distribution>) -> Case {
    const KIND: Statistics = Statistics::Running;
    let (name, tolerance) = norm_cases::forward(KIND, Layout::ChannelsFirst, shape, how);
    let fitted = shape == SHAPES[3] && how == Some(Distribution::Rademacher);
    Case::new(name, tolerance, move |f| {
        let norm = Norm::new(f, KIND, Layout::ChannelsFirst, shape);
        let spans = norm_cases::spans(f, KIND, norm_cases::grouped(KIND, shape));
        let mut rec = Recording::new();
        record(&mut rec, &norm.lanes, how, &norm.params, norm.weights, norm.running, &spans);
        rec.read_back(spans.stats);
        rec.read_back(spans.coefficients);
        rec
    })
    .fitted(fitted)
}
