//! Multi-head attention of the tokens of a sample among each other. Scores never leave the registers.

use super::lib::math::{exp_f32, log_f32};
use super::lib::params::{Lane, Lanes};
use super::lib::values;
use super::lib::way::Way;
use super::lib::{Case, Fixture, rounding};
use super::tiled_attention;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("attention", twin);

/// Most tokens of a workgroup, a thread each.
const THREADS: u32 = 128;

params! {
    /// Uniform block of this kernel and its gradient.
    pub struct Params {
        /// Tokens of a sample.
        pub tokens: u32,
        /// Heads; they divide the dimension.
        pub heads: u32,
        /// f32 of a token, dim / heads a head.
        pub dim: u32,
    }
}

impl Params {
    /// The factor of the scores, 1 / sqrt(dim / heads).
    pub fn factor(&self) -> f32 {
        1.0 / ((self.dim / self.heads) as f32).sqrt()
    }

    /// Constants and grid of this kernel or its gradient.
    pub fn launch(&self, lanes: &Lanes) -> (Variant, [u32; 3]) {
        let head = self.dim / self.heads;
        let (variant, width) = values::of(u64::from(head));
        let groups = self.tokens.div_ceil(THREADS);
        let threads = self.tokens.div_ceil(groups.max(1)).next_multiple_of(8);
        let variant =
            variant.with("THREADS", threads).with("HEAD", head / width).with("FACTOR", self.factor().to_bits());
        (variant, lanes.grid(self.heads * groups, lanes.max_rows.min(65_535)))
    }

    /// Products of a token with every other one, over all rows.
    pub fn products(&self, lanes: &Lanes) -> u64 {
        lanes.rows * u64::from(self.tokens) * u64::from(self.tokens) * u64::from(self.dim)
    }
}

/// Records `y`, `[row][token][dim]` with the heads side by side, and `lse`, the f32 logarithm of the sum of the exponentials of the
/// scores per (row, head, token). Rows of `qkv` are `[row][token][q, k, v][dim]`. Lanes count samples.
pub fn record(rec: &mut Recording, lanes: &Lanes, way: Way, params: &Params, qkv: Span, y: Span, lse: Span) {
    if let Way::Heads(heads) = way {
        return tiled_attention::record(rec, lanes, &heads, params, qkv, y, lse);
    }
    let (variant, grid) = params.launch(lanes);
    rec.dispatch(&KERNEL, variant, params, &[lanes.table, qkv, y, lse], grid, 4 * params.products(lanes));
}

/// Where things lie, for the twins.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Tokens of a row.
    pub tokens: usize,
    /// Heads of a token.
    pub heads: usize,
    /// f32 of a head.
    pub head: usize,
}

impl Shape {
    /// Of a launch.
    pub fn of(p: &Params) -> Self {
        Self { tokens: p.tokens as usize, heads: p.heads as usize, head: (p.dim / p.heads) as usize }
    }

    /// First element of the query (0), key (1) or value (2) of a token.
    pub fn qkv(&self, row: usize, token: usize, part: usize, head: usize) -> usize {
        (((row * self.tokens + token) * 3 + part) * self.heads + head) * self.head
    }

    /// First element of a token's output.
    pub fn y(&self, row: usize, token: usize, head: usize) -> usize {
        ((row * self.tokens + token) * self.heads + head) * self.head
    }

    /// Place of the logarithm of a query's sum.
    pub fn lse(&self, row: usize, token: usize, head: usize) -> usize {
        (row * self.heads + head) * self.tokens + token
    }

    /// Product of two heads' vectors.
    pub fn dot(&self, a: &[f32], i: usize, b: &[f32], j: usize) -> f32 {
        (0..self.head).fold(0.0, |sum, c| sum + a[i + c] * b[j + c])
    }
}

/// Attention, and the logarithms of the sums of exponentials.
pub(super) fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, qkv) = (call.read::<Lane>(1), call.read::<f32>(2));
    let (mut y, mut lse) = (call.write::<f32>(3), call.write::<f32>(4));
    let s = Shape::of(&p);
    for row in lanes[..call.grid[2] as usize].iter().flat_map(Lane::chunk_rows) {
        for head in 0..s.heads {
            for i in 0..s.tokens {
                let query = s.qkv(row, i, 0, head);
                let score = |j: usize| s.dot(&qkv, query, &qkv, s.qkv(row, j, 1, head)) * p.factor();
                let scores: Vec<f32> = (0..s.tokens).map(score).collect();
                let most = scores.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
                let weights: Vec<f32> = scores.iter().map(|v| exp_f32(v - most)).collect();
                let sum = weights.iter().fold(0.0, |a, b| a + b);
                for c in 0..s.head {
                    let products = weights.iter().enumerate().map(|(j, w)| w * qkv[s.qkv(row, j, 2, head) + c]);
                    y[s.y(row, i, head) + c] = products.fold(0.0, |a, b| a + b) / sum;
                }
                lse[s.lse(row, i, head)] = most + log_f32(sum);
            }
        }
    }
}

/// Sizes of cases, (tokens, heads, dim), of this kernel and its gradient.
pub const SIZES: [(u32, u32, u32); 5] = [(1, 1, 1), (5, 2, 6), (17, 3, 24), (65, 2, 128), (150, 1, 20)];

/// The error that the forward pass may have: scores below 4 are sums over a head, whose error exp multiplies by as much; then sums over
/// the tokens.
pub fn tolerance(tokens: u32, head: u32) -> f64 {
    4.0 * rounding(head + 40) + rounding(2 * tokens + head)
}

/// What a case of the forward pass and of its gradient begins with: lanes, and the buffers of [`record`].
pub fn forward(f: &mut Fixture<'_>, params: &Params) -> (Recording, Lanes, [Span; 3]) {
    forward_in(f, params, Way::Shuffle)
}

/// The same in a way.
pub fn forward_in(f: &mut Fixture<'_>, params: &Params, way: Way) -> (Recording, Lanes, [Span; 3]) {
    let lanes = f.lanes(&[3, 1, 0, 2], 0);
    let values = (6 * params.tokens * params.dim) as usize;
    let qkv = f.random("qkv", 3 * values);
    let (y, lse) = (f.blank("y", values), f.blank("lse", (6 * params.heads * params.tokens) as usize));
    let mut rec = Recording::new();
    record(&mut rec, &lanes, way, params, qkv, y, lse);
    (rec, lanes, [qkv, y, lse])
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(tokens, heads, dim)| {
        let (params, head) = (Params { tokens, heads, dim }, dim / heads);
        let name = format!("attention {tokens} tokens {heads} heads of {head}");
        Case::new(name, tolerance(tokens, head), move |f| {
            let (mut rec, _, [_, y, lse]) = forward(f, &params);
            rec.read_back(y);
            rec.read_back(lse);
            rec
        })
    };
    SIZES.map(case).into()
}
