//! Norms over images: which kernels a kind of statistics takes.

use crate::kernels::lib::moments::{Moments, Parts};
use crate::kernels::lib::params::Lanes;
use crate::kernels::{
    batch_norm_grad, batch_norm_moments, batch_norm_stats, group_norm_grad, group_norm_moments, group_norm_stats,
    running_norm_stats,
};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

pub use crate::kernels::lib::norm::{Params, SpanSizes, Spans, Statistics, Uniforms, span_sizes};
pub use crate::kernels::norm_apply::record as record_apply;
pub use crate::kernels::norm_grad_params::record as record_grad_params;
pub use crate::kernels::running_update::record as record_running_update;

/// Records statistics and coefficients of `x`, with scale and bias perturbed by the lanes' seeds where a distribution is given.
/// `running`: where `Running` finds its statistics, which may be `weights`; any span else.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record_statistics(
    rec: &mut Recording,
    lanes: &Lanes,
    statistics: Statistics,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    running: Span,
    x: Span,
    spans: &Spans,
) {
    match statistics {
        Statistics::Group => group_norm_stats::record(rec, lanes, distribution, params, weights, x, spans),
        Statistics::Batch => {
            let moments = batch_norm_stats::record(rec, lanes, params, x, spans.parts);
            record_from_moments(rec, lanes, distribution, params, weights, (moments, spans.parts), spans);
        }
        Statistics::Running => running_norm_stats::record(rec, lanes, distribution, params, weights, running, spans),
    }
}

/// Records statistics and coefficients from the moments of parts of `x`, as [`record_statistics`] leaves them.
pub fn record_from_moments(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    (moments, values): (Moments, Span),
    spans: &Spans,
) {
    match moments.parts {
        Parts::Groups { count, values: of_part, .. } => {
            group_norm_moments::record(rec, lanes, distribution, params, weights, (count, of_part), values, spans);
        }
        Parts::Channels { columns } | Parts::Own { columns } => {
            batch_norm_moments::record(rec, lanes, distribution, params, weights, columns, values, spans);
        }
    }
}

/// Records the gradient of the input; see [`batch_norm_grad::record`] for `gradients`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record_grad(
    rec: &mut Recording,
    lanes: &Lanes,
    statistics: Statistics,
    params: &Params,
    weights: Span,
    x: Span,
    dy: Span,
    stats: Span,
    gradients: Span,
    dx: Span,
) {
    match statistics {
        Statistics::Group => group_norm_grad::record(rec, lanes, params, weights, x, dy, stats, dx),
        Statistics::Batch | Statistics::Running => {
            batch_norm_grad::record(rec, lanes, statistics, params, weights, x, dy, stats, gradients, dx);
        }
    }
}
