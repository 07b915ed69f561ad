//! Images of patches to tokens with positions and a class token, and back.

use super::fold_grid;
use super::params::{Lanes, perturb};
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference::tokens as twins;
use crate::stream::Distribution;

/// Tokens out of the patches' image.
pub static TOKENS: Kernel = Kernel::new::<Params>("tokens", twins::tokens);

/// Gradient of the image.
pub static TOKENS_GRAD: Kernel = Kernel::new::<Params>("tokens_grad", twins::tokens_grad);

/// Gradients of positions and class token.
pub static TOKENS_GRAD_PARAMS: Kernel = Kernel::new::<Params>("tokens_grad_params", twins::tokens_grad_params);

/// The first token of each row.
pub static CLASS_TOKEN: Kernel = Kernel::new::<ClassParams>("class_token", twins::class_token);

/// Its gradient.
pub static CLASS_TOKEN_GRAD: Kernel = Kernel::new::<ClassParams>("class_token_grad", twins::class_token_grad);

/// Rows of a thread: for so many its weights are perturbed once.
const ROWS: u32 = 8;

params! {
    /// Uniform block of the kernels of embeddings.
    pub struct Params {
        /// f32 of a token.
        pub dim: u32,
        /// Patches of an image, the pixels of the patches' convolution.
        pub patches: u32,
        /// Flat index of the class token `[dim]`.
        pub class_offset: u32,
        /// Flat index of the positions `[1 + patches][dim]`.
        pub position_offset: u32,
        /// 1: the gradients of positions and class token go on from what is there.
        pub accumulate: u32,
    }
}

params! {
    /// Uniform block of `class_token` and `class_token_grad`.
    pub struct ClassParams {
        /// Tokens of a row.
        pub tokens: u32,
        /// f32 of a token.
        pub dim: u32,
        /// Rows.
        pub rows: u32,
    }
}

impl Params {
    fn elements(&self) -> u32 {
        (1 + self.patches) * self.dim
    }

    fn values(&self, lanes: &Lanes) -> u64 {
        lanes.rows * u64::from(self.elements())
    }

    fn grid(&self, lanes: &Lanes, elements: u32) -> [u32; 3] {
        lanes.grid(elements.div_ceil(64), lanes.max_rows.div_ceil(ROWS).min(65_535))
    }
}

/// Records `y[row][0] = class + position[0]` and `y[row][1 + p][d] = x[row][d][p] + position[1 + p][d]`, with weights perturbed where
/// a distribution is given: `x` `[row][dim][patches]`, `y` `[row][1 + patches][dim]`.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    x: Span,
    y: Span,
) {
    let variant = Variant::plain().with("PERTURB", perturb(distribution));
    let bound = [lanes.table, weights, x, y];
    rec.dispatch(&TOKENS, variant, params, &bound, params.grid(lanes, params.elements()), 12 * params.values(lanes));
}

/// Records `dx[row][d][p] = dy[row][1 + p][d]`.
pub fn record_grad(rec: &mut Recording, lanes: &Lanes, params: &Params, dy: Span, dx: Span) {
    let grid = params.grid(lanes, params.patches * params.dim);
    let bound = [lanes.table, dy, dx];
    rec.dispatch(&TOKENS_GRAD, Variant::plain(), params, &bound, grid, 12 * params.values(lanes));
}

/// Records the gradients of positions and class token, by blocks of samples.
pub fn record_grad_params(rec: &mut Recording, lanes: &Lanes, params: &Params, dy: Span, gradients: Span) {
    let grid = lanes.grid(params.elements().div_ceil(64), 1);
    let bound = [lanes.table, dy, gradients];
    rec.dispatch(&TOKENS_GRAD_PARAMS, Variant::plain(), params, &bound, grid, 4 * params.values(lanes));
}

/// Records `y[row][d] = x[row][0][d]` for all rows of a chunk, `tokens` of `dim` f32 each.
pub fn record_class_token(rec: &mut Recording, lanes: &Lanes, tokens: u32, dim: u32, x: Span, y: Span) {
    let params = ClassParams { tokens, dim, rows: lanes.rows as u32 };
    let items = lanes.rows * u64::from(dim);
    rec.dispatch(&CLASS_TOKEN, Variant::plain(), &params, &[x, y], fold_grid(items, 64), 8 * items);
}

/// Records `dx[row][0][d] = dy[row][d]` and 0 for the other tokens.
pub fn record_class_token_grad(rec: &mut Recording, lanes: &Lanes, tokens: u32, dim: u32, dy: Span, dx: Span) {
    let params = ClassParams { tokens, dim, rows: lanes.rows as u32 };
    let items = lanes.rows * u64::from(dim) * u64::from(tokens);
    rec.dispatch(&CLASS_TOKEN_GRAD, Variant::plain(), &params, &[dy, dx], fold_grid(items, 64), 8 * items);
}
