//! Token embeddings: patches to tokens with positions, behind a class token.

use crate::kernels::tokens::{self, Params};
use crate::kernels::{tokens_grad, tokens_grad_params};
use crate::layers::{Backward, Forward, Images, Kind, LaneTables, Mode, Shape};
use crate::recording::Recording;

/// `[dim, h, w]` to tokens `[h w + 1, dim]`: the class token, then the pixels row by row, each plus its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// `[dim, h, w]`: a pixel a patch.
    pub patches: Shape,
    /// Offset of the class token `[dim]`.
    pub class: usize,
    /// Offset of the positions `[h w + 1, dim]`.
    pub position: usize,
}

impl Tokens {
    fn params(&self, accumulate: bool) -> Params {
        Params {
            dim: self.patches.c as u32,
            patches: self.patches.spatial() as u32,
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

    fn images(&self) -> Images {
        Images::Of(self.patches, Shape::features(self.patches.len() + self.patches.c))
    }

    fn output_shape(&self, _input: &[usize]) -> Vec<usize> {
        vec![self.patches.spatial() + 1, self.patches.c]
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
