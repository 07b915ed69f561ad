//! Moments of parts of batch norm's input where channels are last.

use super::batch_norm_stats::of_layout;
use super::lib::geometry::layout_of;
use super::lib::moments::{Moments, Parts};
use super::lib::norm::{Params, SPEED, Uniforms};
use super::lib::params::{Lane, Lanes};
use super::lib::tree::team_sum;
use super::lib::{Case, parts, values};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel_of_shapes::<Uniforms>("batch_norm_stats_last", twin).with_speed(SPEED);

/// Records the moments of parts of `x` ([`Moments::of_rows`]) into `parts`.
pub fn record(rec: &mut Recording, lanes: &Lanes, params: &Params, moments: Moments, x: Span, parts: Span) {
    let Parts::Own { columns } = moments.parts else { return };
    let count = (u64::from(lanes.max_rows) * u64::from(params.spatial)).div_ceil(u64::from(columns));
    let [channels, _] = params.in_values();
    let teams = parts::pixel_teams(channels);
    let grid = lanes.grid(count as u32, channels.div_ceil(64 / teams));
    let variant = params.ungrouped().with("PART_COLUMNS", columns).with("ROW_TEAMS", teams);
    rec.dispatch(&KERNEL, variant, &params.sizes, &[lanes.table, x, parts], grid, 8 * params.values(lanes));
}

/// Moments of parts of batch norm's input.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (lanes, x) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut out = call.write::<[f32; 2]>(3);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    let [columns, teams] = [("PART_COLUMNS", 4), ("ROW_TEAMS", 1)].map(|(name, v)| call.variant.get(name, v) as usize);
    debug_assert_eq!(layout_of(call), Layout::ChannelsLast);
    for lane in &lanes[..call.grid[2] as usize] {
        let (row0, values) = (lane.row0 as usize, lane.rows as usize * spatial);
        let parts = values.div_ceil(columns);
        for (c, part) in (0..channels).flat_map(|c| (0..parts).map(move |part| (c, part))) {
            let (first, count) = (part * columns, columns.min(values - part * columns));
            let value = |i: usize| x[(row0 * spatial + first + i) * channels + c];
            let mean = team_sum(teams, count, value) / count as f32;
            let squares = team_sum(teams, count, |i| (value(i) - mean) * (value(i) - mean));
            out[row0 * spatial.div_ceil(columns) * channels + c * parts + part] = [mean, squares];
        }
    }
}

/// Self-test cases; one built for its sizes.
pub fn cases() -> Vec<Case> {
    of_layout(Layout::ChannelsLast)
}
