//! Twins of the kernels of token embeddings.

use super::layer_norm::rows;
use super::linear_grad::blocks;
use super::weight::weights;
use crate::kernels::params::Lane;
use crate::kernels::tokens::{ClassParams, Params};
use crate::recording::kernel::Call;

/// Class token and patches, with positions.
pub fn tokens(call: &Call<'_>) {
    let p: Params = call.params();
    let perturb = call.variant.get("PERTURB", 0);
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut y = call.write::<f32>(4);
    let (dim, patches) = (p.dim as usize, p.patches as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let class = weights(&all, lane, perturb, p.class_offset, p.dim);
        let position = weights(&all, lane, perturb, p.position_offset, (1 + p.patches) * p.dim);
        for row in rows(lane) {
            for token in 0..=patches {
                for d in 0..dim {
                    let own = if token == 0 { class[d] } else { x[(row * dim + d) * patches + token - 1] };
                    y[(row * (1 + patches) + token) * dim + d] = own + position[token * dim + d];
                }
            }
        }
    }
}

/// Gradient of the image.
pub fn tokens_grad(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, dy) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut dx = call.write::<f32>(3);
    let (dim, patches) = (p.dim as usize, p.patches as usize);
    for row in lanes[..call.grid[2] as usize].iter().flat_map(rows) {
        for d in 0..dim {
            for patch in 0..patches {
                dx[(row * dim + d) * patches + patch] = dy[(row * (1 + patches) + 1 + patch) * dim + d];
            }
        }
    }
}

/// Gradients of positions and class token.
pub fn tokens_grad_params(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, dy) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut gradients = call.write::<f32>(3);
    let (dim, elements) = (p.dim as usize, ((1 + p.patches) * p.dim) as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        for element in 0..elements {
            let position = lane.weight_base.wrapping_add(p.position_offset) as usize + element;
            let class = (element < dim).then_some(lane.weight_base.wrapping_add(p.class_offset) as usize + element);
            for at in [Some(position), class].into_iter().flatten() {
                if p.accumulate == 0 {
                    gradients[at] = 0.0;
                }
                for block in blocks(0..lane.rows as usize) {
                    gradients[at] += block.fold(0.0, |sum, r| sum + dy[(lane.row0 as usize + r) * elements + element]);
                }
            }
        }
    }
}

/// The first token of each row.
pub fn class_token(call: &Call<'_>) {
    let p: ClassParams = call.params();
    let x = call.read::<f32>(1);
    let mut y = call.write::<f32>(2);
    let (dim, width) = (p.dim as usize, (p.tokens * p.dim) as usize);
    for row in 0..p.rows as usize {
        y[row * dim..][..dim].copy_from_slice(&x[row * width..][..dim]);
    }
}

/// Its gradient: zero for other tokens.
pub fn class_token_grad(call: &Call<'_>) {
    let p: ClassParams = call.params();
    let dy = call.read::<f32>(1);
    let mut dx = call.write::<f32>(2);
    let (dim, width) = (p.dim as usize, (p.tokens * p.dim) as usize);
    for row in 0..p.rows as usize {
        dx[row * width..][..width].fill(0.0);
        dx[row * width..][..dim].copy_from_slice(&dy[row * dim..][..dim]);
    }
}
