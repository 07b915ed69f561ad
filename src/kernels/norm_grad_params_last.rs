//! Gradients of the scales and biases of norms over images whose channels are last.

use super::lib::geometry::layout_of;
use super::lib::norm::{Params, SPEED};
use super::lib::params::Lane;
use super::lib::parts::{self, Sum, SumSplit, work};
use super::lib::tree::team_sum;
use super::lib::{Case, values};
use super::norm_grad_params::{How, Uniforms, of_layout};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};

/// The kernel.
pub static KERNEL: Kernel = values::kernel_of_shapes::<Uniforms>("norm_grad_params_last", twin).with_speed(SPEED);

impl Params {
    /// Teams that share the pixels of a part, and workgroups of a lane or part: more of both where a sum is too short to be split.
    fn teams_and_groups(&self) -> (u32, u32) {
        let [columns, _] = self.in_values();
        let teams = if self.split_last().is_some() { parts::pixel_teams(columns) } else { parts::MOST_TEAMS };
        (teams, columns.div_ceil(64 / teams))
    }

    /// How the sums for scale and bias are split where channels are last.
    pub fn split_last(&self) -> Option<SumSplit> {
        let [columns, _] = self.in_values();
        let groups = columns.div_ceil(64 / parts::pixel_teams(columns));
        let (row, wanted, least) = (self.spatial, parts::WORKGROUPS, parts::TEAM_ROWS);
        Sum { sample_rows: 1, row, terms: 1, whole: groups, split: groups, wanted, least, multiple: 1 }.splitting()
    }
}

/// How the sums are launched.
pub fn how(params: &Params) -> How {
    let (teams, groups) = params.teams_and_groups();
    let (split, row) = (params.split_last(), params.spatial);
    How { kernel: &KERNEL, variant: params.ungrouped().with("ROW_TEAMS", teams), split, row, groups }
}

/// Gradients of scale and bias, by parts.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (by_row, teams) = (call.variant.get("BY_ROW", 1) == 1, call.variant.get("ROW_TEAMS", 1) as usize);
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let stats = call.read::<[f32; 2]>(4);
    let mut gradients = call.write::<f32>(5);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    debug_assert_eq!(layout_of(call), Layout::ChannelsLast);
    for work in work(&p.cut, &lanes, call.grid[2], 2 * p.channels) {
        for c in 0..channels {
            let group = c / (channels / p.groups as usize);
            let scale_at = work.base.wrapping_add(p.scale_offset) as usize + c;
            let bias_at = work.base.wrapping_add(p.bias_offset) as usize + c;
            let mut total = if p.accumulate != 0 { [gradients[scale_at], gradients[bias_at]] } else { [0.0; 2] };
            for part in &work.parts {
                let pixel = |i: usize| work.lane.row0 as usize * spatial + part.start + i;
                let at = |i: usize| pixel(i) * channels + c;
                total[0] += team_sum(teams, part.len(), |i| {
                    let of_row = pixel(i) / spatial * p.groups as usize + group;
                    let [mean, rstd] = stats[if by_row { of_row } else { work.index * channels + c }];
                    dy[at(i)] * ((x[at(i)] - mean) * rstd)
                });
                total[1] += team_sum(teams, part.len(), |i| dy[at(i)]);
            }
            [gradients[scale_at], gradients[bias_at]] = total;
        }
    }
}

/// Self-test cases; one of each kind built for its sizes.
pub fn cases() -> Vec<Case> {
    of_layout(Layout::ChannelsLast)
}
