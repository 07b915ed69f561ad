//! Multi-head attention of tokens.

use crate::kernels::attention::{self, Params};
use crate::kernels::attention_grad;
use crate::layers::{Backward, Footprint, Forward, Images, Keeps, Kind, LaneTables, Mode, Sizes};
use crate::recording::Recording;

/// Multi-head attention: tokens `[tokens, 3 dim]` (q, k, v) to `[tokens, dim]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Tokens.
    pub tokens: usize,
    /// Heads; they divide `dim`.
    pub heads: usize,
    /// Values of a token after.
    pub dim: usize,
}

impl Attention {
    fn params(&self) -> Params {
        Params { tokens: self.tokens as u32, heads: self.heads as u32, dim: self.dim as u32 }
    }
}

impl Kind for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn mixes_places(&self) -> bool {
        true
    }

    fn images(&self) -> Images {
        let len = self.tokens * self.dim;
        Images::flat(self.input_parts() * len, len)
    }

    /// q, k and v.
    fn input_parts(&self) -> usize {
        3
    }

    fn output_shape(&self, _input: &[usize]) -> Vec<usize> {
        vec![self.tokens, self.dim]
    }

    fn flops_forward(&self) -> u64 {
        4 * (self.tokens * self.tokens) as u64 * self.dim as u64
    }

    fn summands(&self) -> usize {
        self.tokens + self.dim / self.heads + 40
    }

    fn keeps(&self) -> Keeps {
        Keeps { saved: Footprint { row: self.tokens * self.heads, lane: 0 }, ..Keeps::default() }
    }

    fn product(&self) -> Option<Sizes> {
        let Params { tokens, heads, dim } = self.params();
        Some(Sizes::Attention { tokens, heads, dim })
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        attention::record(rec, &lanes.samples, mode.product.way, &self.params(), io.x, io.y, io.saved);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            attention_grad::record(rec, &lanes.samples, &self.params(), io.x, io.y, io.saved, io.dy, dx);
        }
    }
}
