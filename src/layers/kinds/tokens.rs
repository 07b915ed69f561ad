//! Token embeddings: patches to tokens with positions, behind a class token.

use crate::kernels::tokens::{self, Params};
use crate::kernels::{tokens_grad, tokens_grad_params};
use crate::layers::{Backward, Forward, Image, Kind, LaneTables, Mode};
use crate::recording::Recording;

/// `[dim, h, w]` to tokens `[h w + 1, dim]`: the class token, then the pixels row by row, each plus its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// Values of a token.
    pub dim: usize,
    /// Pixels.
    pub patches: usize,
    /// Offset of the class token `[dim]`.
    pub class: usize,
    /// Offset of the positions `[patches + 1, dim]`.
    pub position: usize,
}

impl Tokens {
    fn params(&self, accumulate: bool) -> Params {
        Params {
            dim: self.dim as u32,
            patches: self.patches as u32,
            class_offset: self.class as u32,
            position_offset: self.position as u32,
            accumulate: u32::from(accumulate),
        }
    }
}

impl Kind for Tokens {
    fn name(&self) -> &'static str {
        "tokens"
    }

    fn mixes_places(&self) -> bool {
        true
    }

    fn images(&self) -> Option<(Image, Image)> {
        Some((Image { channels: self.dim, pixels: self.patches }, Image::flat(self.output_len())))
    }

    fn input_len(&self) -> usize {
        self.dim * self.patches
    }

    fn output_len(&self) -> usize {
        (self.patches + 1) * self.dim
    }

    fn output_shape(&self, _input: &[usize]) -> Vec<usize> {
        vec![self.patches + 1, self.dim]
    }

    fn tensors(&self) -> Vec<usize> {
        vec![self.class, self.position]
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        let params = self.params(false);
        tokens::record(rec, &lanes.samples, mode.product.perturbed, mode.layout, &params, io.weights, io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        let (lanes, params) = (&lanes.samples, self.params(io.accumulate));
        tokens_grad_params::record(rec, lanes, &params, io.dy, io.target.gradients);
        if let Some(dx) = io.dx {
            tokens_grad::record(rec, lanes, io.how.layout, &params, io.dy, dx);
        }
    }
}
