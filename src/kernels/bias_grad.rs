//! Gradients of biases, of any layer.

use super::lib::case::layout_name;
use super::lib::params::{Lane, Lanes};
use super::lib::parts::{self, Cut, Sum, SumSplit, Target, Tensors, work};
use super::lib::tiling::quads;
use super::lib::tree::{team_sum, tree_sum};
use super::lib::{Case, rounding};
use super::part_sums;
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("bias_grad", twin).with_speed(&["DY_QUADS"]);

/// A layer whose bias's gradient is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Params {
    /// Output features or channels.
    pub outputs: u32,
    /// Pixels of a channel; 1 for linear layers.
    pub spatial: u32,
    /// How channels and pixels lie.
    pub layout: Layout,
    /// Flat index of the bias.
    pub bias_offset: u32,
    /// 1: the sum goes on from what is there.
    pub accumulate: u32,
}

params! {
    /// The uniform block.
    pub struct Uniforms {
        /// What the launch sums.
        pub cut: Cut,
        /// Output features or channels.
        pub outputs: u32,
        /// Pixels of a channel.
        pub spatial: u32,
        /// Index of the bias in what is summed into.
        pub bias_offset: u32,
        /// 1: the sum goes on from what is there.
        pub accumulate: u32,
    }
}

impl Params {
    /// Whether all outputs of a row, or of a pixel, lie beside each other.
    fn flat(&self) -> bool {
        self.spatial == 1 || self.layout == Layout::ChannelsLast
    }

    /// Units of a row.
    fn units(&self) -> u32 {
        if self.flat() { self.spatial } else { self.spatial.div_ceil(4) }
    }

    /// Teams that share a part's rows or pixels.
    fn teams(&self, split: bool) -> u32 {
        match (self.flat(), self.spatial) {
            (true, 1) if split => parts::ROW_TEAMS,
            (true, 1) | (false, _) => 1,
            (true, _) => parts::pixel_teams(self.outputs.div_ceil(4)),
        }
    }

    /// Workgroups of a lane or part.
    fn groups(&self, row_teams: u32) -> u32 {
        if self.flat() { self.outputs.div_ceil(4 * 64 / row_teams) } else { self.outputs }
    }

    /// How the sum is split for lanes of `sample_rows` rows a sample.
    pub fn split(&self, sample_rows: u32) -> Option<SumSplit> {
        let (terms, least) = if self.flat() { (1, parts::TEAM_ROWS) } else { (4, parts::TREE_TERMS) };
        let row = self.units();
        let (whole, split) = (self.groups(self.teams(false)), self.groups(self.teams(true)));
        Sum { sample_rows, row, terms, whole, split, wanted: parts::WORKGROUPS, least, multiple: 1 }.splitting()
    }
}

/// Records the sum of `dy` over rows and pixels into the lanes' gradients.
pub fn record(rec: &mut Recording, lanes: &Lanes, params: &Params, dy: Span, target: &Target) {
    let Params { outputs, spatial, .. } = *params;
    let split = params.split(lanes.sample_rows);
    let row_teams = params.teams(split.is_some());
    let row = if params.flat() { outputs } else { spatial };
    let variant = Variant::plain()
        .with("FLAT", u32::from(params.flat()))
        .with("DY_QUADS", quads(row))
        .with("ROW_TEAMS", row_teams);
    let units = params.units();
    let tensors = Tensors::one(params.bias_offset, outputs);
    let cost = lanes.rows * u64::from(outputs) * u64::from(spatial);
    part_sums::record(rec, lanes, split, units, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let (cut, bias_offset, accumulate) = (launch.cut, tensors.first.0, launch.accumulate);
        let uniforms = Uniforms { cut, outputs, spatial, bias_offset, accumulate };
        let grid = [params.groups(row_teams), 1, launch.layers];
        rec.dispatch(&KERNEL, variant.clone(), &uniforms, &[lanes.table, dy, launch.sums], grid, launch.cost);
    });
}

/// `db[o] = sum over rows and pixels of dy`, by parts.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (flat, teams) = (call.variant.get("FLAT", 0) == 1, call.variant.get("ROW_TEAMS", 1) as usize);
    let (lanes, dy) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut gradients = call.write::<f32>(3);
    let (outputs, spatial) = (p.outputs as usize, p.spatial as usize);
    let quads = spatial.div_ceil(4);
    for work in work(&p.cut, &lanes, call.grid[2], p.outputs) {
        for o in 0..outputs {
            let at = |s: usize| ((work.lane.row0 as usize + s) * outputs + o) * spatial;
            let quad = |u: usize| {
                let pixels = u % quads * 4..spatial.min(u % quads * 4 + 4);
                pixels.fold(0.0, |sum, pixel| sum + dy[at(u / quads) + pixel])
            };
            let total = &mut gradients[work.base.wrapping_add(p.bias_offset) as usize + o];
            if p.accumulate == 0 {
                *total = 0.0;
            }
            for part in &work.parts {
                *total += if flat {
                    let first = work.lane.row0 as usize * spatial + part.start;
                    team_sum(teams, part.len(), |i| dy[(first + i) * outputs + o])
                } else {
                    tree_sum(part.len(), |i| quad(part.start + i))
                };
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    // Outputs, tokens, pixels; where a block has many terms its sum is split, the last one's into several parts.
    let sizes = [(1, 1, 1), (67, 1, 1), (260, 1, 1), (5, 1, 49), (3, 1, 64), (67, 67, 1), (260, 130, 1), (3, 1, 517)];
    let first = sizes.map(|(outputs, tokens, spatial)| case(outputs, tokens, spatial, Layout::ChannelsFirst));
    let last = [(5, 49), (67, 517)].map(|(outputs, spatial)| case(outputs, 1, spatial, Layout::ChannelsLast));
    first.into_iter().chain(last).collect()
}

fn case(outputs: u32, tokens: u32, spatial: u32, layout: Layout) -> Case {
    let name = format!("bias_grad {outputs} outputs {tokens} tokens {spatial} pixels{}", layout_name(layout));
    // A thread's share of a part, the tree, the parts of 40 samples, twice.
    // With channels last a thread adds up to a block of rows.
    let block = if layout == Layout::ChannelsLast { 8 * spatial } else { 0 };
    Case::new(name, rounding(200 + block), move |f| {
        let lanes = f.lanes(&[17 * tokens, tokens, 40 * tokens], outputs + 2).of_tokens(tokens);
        let dy = f.random("dy", (58 * tokens * outputs * spatial) as usize);
        let target = f.target(3 * (outputs + 2) as usize, 7 * outputs);
        let mut rec = Recording::new();
        for accumulate in [0, 1] {
            record(&mut rec, &lanes, &Params { outputs, spatial, layout, bias_offset: 2, accumulate }, dy, &target);
        }
        rec.read_back(target.gradients);
        rec
    })
}
