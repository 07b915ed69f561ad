//! Moments of parts of batch norm's input.

use super::batch_norm_stats_last;
use super::lib::moments::{Moments, Parts};
use super::lib::norm::{Params, SPEED, Statistics, Uniforms, mean_and_squares};
use super::lib::norm_cases::{self, Norm, TOTAL};
use super::lib::params::{Lane, Lanes};
use super::lib::parts::ROW_TEAMS;
use super::lib::{Case, rounding, values};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel_of_shapes::<Uniforms>("batch_norm_stats", twin).with_speed(SPEED);

/// Records the moments of parts of `x` ([`Moments::of_rows`], which it gives) into `parts`.
pub fn record(rec: &mut Recording, lanes: &Lanes, params: &Params, x: Span, parts: Span) -> Moments {
    let moments = Moments::of_rows(params.channels, params.spatial);
    if params.layout == Layout::ChannelsLast {
        batch_norm_stats_last::record(rec, lanes, params, moments, x, parts);
    } else if let Parts::Own { columns } = moments.parts {
        let count = (u64::from(lanes.max_rows) * u64::from(params.spatial)).div_ceil(u64::from(columns));
        let grid = lanes.grid(count as u32, params.channels);
        let variant = params.variant().with("PART_COLUMNS", columns);
        rec.dispatch(&KERNEL, variant, &params.sizes, &[lanes.table, x, parts], grid, 8 * params.values(lanes));
    }
    moments
}

/// Moments of parts of batch norm's input.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (lanes, x) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut out = call.write::<[f32; 2]>(3);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    let columns = call.variant.get("PART_COLUMNS", 4) as usize;
    for lane in &lanes[..call.grid[2] as usize] {
        let (row0, values) = (lane.row0 as usize, lane.rows as usize * spatial);
        let parts = values.div_ceil(columns);
        for (c, part) in (0..channels).flat_map(|c| (0..parts).map(move |part| (c, part))) {
            let first = part * columns;
            let value = |i: usize| x[((row0 + (first + i) / spatial) * channels + c) * spatial + (first + i) % spatial];
            let (mean, squares) = mean_and_squares(columns.min(values - first), value);
            out[row0 * spatial.div_ceil(columns) * channels + c * parts + part] = [mean, squares];
        }
    }
}

/// Self-test cases; one built for its sizes.
pub fn cases() -> Vec<Case> {
    of_layout(Layout::ChannelsFirst)
}

/// Cases of a layout.
pub fn of_layout(layout: Layout) -> Vec<Case> {
    const KIND: Statistics = Statistics::Batch;
    let case = |(layout, shape, fitted): (Layout, norm_cases::Shape, bool)| {
        let teams = if layout == Layout::ChannelsLast { 9 * shape.2 / ROW_TEAMS } else { 0 };
        let tolerance = rounding(2 * (norm_cases::additions(KIND, shape) + teams) + 20);
        Case::new(norm_cases::name("parts", KIND, layout, shape), tolerance, move |f| {
            let norm = Norm::new(f, KIND, layout, shape);
            let parts = f.blank("parts", (TOTAL * Moments::of_rows(shape.0, shape.2).row) as usize);
            let mut rec = Recording::new();
            record(&mut rec, &norm.lanes, &norm.params, norm.x, parts);
            rec.read_back(parts);
            rec
        })
        .fitted(fitted)
    };
    norm_cases::shapes().filter(|of| of.0 == layout).map(case).collect()
}
