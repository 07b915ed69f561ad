//! Multi-head attention of the tokens of a sample among each other. Scores never leave the registers.

use super::params::Lanes;
use super::values;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference::attention as twins;

/// The forward pass.
pub static ATTENTION: Kernel = values::kernel::<Params>("attention", twins::attention);

/// Gradients: a launch each for queries, keys and values.
pub static ATTENTION_GRAD: Kernel = values::kernel::<Params>("attention_grad", twins::attention_grad);

/// Most tokens of a workgroup, a thread each.
const THREADS: u32 = 128;

params! {
    /// Uniform block of both kernels.
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

    fn of(&self, lanes: &Lanes) -> (Variant, [u32; 3]) {
        let head = self.dim / self.heads;
        let (variant, width) = values::of(u64::from(head));
        let groups = self.tokens.div_ceil(THREADS);
        let threads = self.tokens.div_ceil(groups.max(1)).next_multiple_of(8);
        let variant =
            variant.with("THREADS", threads).with("HEAD", head / width).with("FACTOR", self.factor().to_bits());
        (variant, lanes.grid(self.heads * groups, lanes.max_rows.min(65_535)))
    }

    /// Products of a token with every other one, over all rows.
    fn products(&self, lanes: &Lanes) -> u64 {
        lanes.rows * u64::from(self.tokens) * u64::from(self.tokens) * u64::from(self.dim)
    }
}

/// Records `y`, `[row][token][dim]` with the heads side by side, and `lse`, the f32 logarithm of the sum of the exponentials of the
/// scores per (row, head, token). Rows of `qkv` are `[row][token][q, k, v][dim]`. Lanes count samples.
pub fn record(rec: &mut Recording, lanes: &Lanes, params: &Params, qkv: Span, y: Span, lse: Span) {
    let (variant, grid) = params.of(lanes);
    rec.dispatch(&ATTENTION, variant, params, &[lanes.table, qkv, y, lse], grid, 6 * params.products(lanes));
}

/// Records the gradient of `qkv` from what the forward pass read and wrote, and `dy`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record_grad(
    rec: &mut Recording,
    lanes: &Lanes,
    params: &Params,
    qkv: Span,
    y: Span,
    lse: Span,
    dy: Span,
    dqkv: Span,
) {
    let bound = [lanes.table, qkv, dy, y, lse, dqkv];
    for part in 0..3 {
        let (variant, grid) = params.of(lanes);
        rec.dispatch(&ATTENTION_GRAD, variant.with("PART", part), params, &bound, grid, 7 * params.products(lanes));
    }
}
