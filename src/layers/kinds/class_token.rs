//! The first of the tokens.

use crate::kernels::{class_token, class_token_grad};
use crate::layers::{Backward, Forward, Images, Kind, LaneTables, Mode};
use crate::recording::Recording;

/// The first of the tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassToken {
    /// Tokens.
    pub tokens: usize,
    /// Values of a token.
    pub dim: usize,
}

impl Kind for ClassToken {
    fn name(&self) -> &'static str {
        "classtoken"
    }

    fn images(&self) -> Images {
        Images::flat(self.tokens * self.dim, self.dim)
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        class_token::record(rec, &lanes.samples, self.tokens as u32, self.dim as u32, io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            class_token_grad::record(rec, &lanes.samples, self.tokens as u32, self.dim as u32, io.dy, dx);
        }
    }
}
