//! Gradients of layer norms' scales and biases.

use super::layer_norm::Params;
use super::layer_norm_grad::{SIZES, case_rows};
use super::lib::params::{Lane, Lanes};
use super::lib::parts::{self, Cut, Sum, SumSplit, Target, Tensors, work};
use super::lib::tree::team_sum;
use super::lib::{Case, rounding, values};
use super::part_sums;
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Uniforms>("layer_norm_grad_params", twin);

params! {
    /// The uniform block.
    pub struct Uniforms {
        /// What the launch sums.
        pub cut: Cut,
        /// f32 of a row.
        pub dim: u32,
        /// Index of the scale in what is summed into.
        pub scale_offset: u32,
        /// Index of the bias in it.
        pub bias_offset: u32,
        /// 1: the sums go on from what is there.
        pub accumulate: u32,
    }
}

impl Params {
    /// Workgroups of a lane or part.
    fn groups(&self, row_teams: u32) -> u32 {
        (self.dim / values::of(u64::from(self.dim)).1).div_ceil(64 / row_teams)
    }

    /// How the sums for scale and bias are split for lanes of `sample_rows` rows a sample.
    pub fn split(&self, sample_rows: u32) -> Option<SumSplit> {
        let (whole, split, wanted) = (self.groups(1), self.groups(parts::ROW_TEAMS), parts::WORKGROUPS);
        let least = parts::TEAM_ROWS;
        Sum { sample_rows, row: 1, terms: 1, whole, split, wanted, least, multiple: 1 }.splitting()
    }

    /// What is summed for scale and bias.
    pub fn tensors(&self) -> Tensors {
        Tensors::two((self.scale_offset, self.dim), (self.bias_offset, self.dim))
    }
}

/// Records the gradients of scale and bias. Where rows are tokens, a cut between blocks of samples changes no bit.
pub fn record(rec: &mut Recording, lanes: &Lanes, params: &Params, x: Span, dy: Span, stats: Span, target: &Target) {
    let split = params.split(lanes.sample_rows);
    let row_teams = if split.is_some() { parts::ROW_TEAMS } else { 1 };
    let variant = values::of(u64::from(params.dim)).0.with("ROW_TEAMS", row_teams);
    let (tensors, dim, cost) = (params.tensors(), params.dim, 8 * params.values(lanes));
    part_sums::record(rec, lanes, split, 1, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let (scale_offset, bias_offset) = (tensors.first.0, tensors.second.0);
        let (cut, accumulate) = (launch.cut, launch.accumulate);
        let uniforms = Uniforms { cut, dim, scale_offset, bias_offset, accumulate };
        let bound = [lanes.table, x, dy, stats, launch.sums];
        let grid = [params.groups(row_teams), 1, launch.layers];
        rec.dispatch(&KERNEL, variant.clone(), &uniforms, &bound, grid, launch.cost);
    });
}

/// Gradients of scale and bias, by parts.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let teams = call.variant.get("ROW_TEAMS", 1) as usize;
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let stats = call.read::<[f32; 2]>(4);
    let mut gradients = call.write::<f32>(5);
    let dim = p.dim as usize;
    for work in work(&p.cut, &lanes, call.grid[2], 2 * p.dim) {
        for i in 0..dim {
            let scale_at = work.base.wrapping_add(p.scale_offset) as usize + i;
            let bias_at = work.base.wrapping_add(p.bias_offset) as usize + i;
            let mut total = if p.accumulate != 0 { [gradients[scale_at], gradients[bias_at]] } else { [0.0; 2] };
            for part in &work.parts {
                let row = |r: usize| work.lane.row0 as usize + part.start + r;
                total[0] += team_sum(teams, part.len(), |r| {
                    let [mean, rstd] = stats[row(r)];
                    dy[row(r) * dim + i] * ((x[row(r) * dim + i] - mean) * rstd)
                });
                total[1] += team_sum(teams, part.len(), |r| dy[row(r) * dim + i]);
            }
            [gradients[scale_at], gradients[bias_at]] = total;
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(dim, tokens): (u32, u32)| {
        // Up to nine blocks of 8 rows, or a row team's share of 67 to 130 rows and the parts of nine samples, run twice.
        let tolerance = rounding(2 * if tokens == 1 { 17 } else { 36 + 18 } + 20);
        Case::new(format!("layer_norm_grad_params {dim} {tokens} tokens"), tolerance, move |f| {
            let (rows, stride) = (case_rows(tokens), 2 * dim + 3);
            let lanes = f.lanes(&rows, stride).of_tokens(tokens);
            let (total, values) = (lanes.rows as usize, lanes.rows as usize * dim as usize);
            let (x, dy, stats) = (f.random("x", values), f.random("dy", values), f.random("stats", 2 * total));
            let target = f.target(rows.len() * stride as usize, 7 * 2 * dim);
            let mut rec = Recording::new();
            for accumulate in [0, 1] {
                let params = Params { dim, scale_offset: 3, bias_offset: 3 + dim, accumulate };
                record(&mut rec, &lanes, &params, x, dy, stats, &target);
            }
            rec.read_back(target.gradients);
            rec
        })
    };
    SIZES.map(case).into()
}
