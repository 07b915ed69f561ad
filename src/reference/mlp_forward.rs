//! Twin of `mlp_forward`.

use super::weight::weights;
use crate::kernels::mlp_forward::Params;
use crate::kernels::params::{ABSENT, Lane};
use crate::recording::kernel::Call;

/// `logits = W2 max(W1 x + b1, 0) + b2`, sums in ascending order, biases last; bindings: lanes, weights, x, logits.
pub fn mlp_forward(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut logits = call.write::<f32>(4);
    let perturb = call.variant.get("PERTURB", 0);
    let (inputs, classes) = (p.inputs as usize, p.classes as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let tensor = |offset: u32, len: u32| {
            if offset == ABSENT { vec![0.0; len as usize] } else { weights(&all, lane, perturb, offset, len) }
        };
        let (w1, b1) = (tensor(p.weight1, p.hidden * p.inputs), tensor(p.bias1, p.hidden));
        let (w2, b2) = (tensor(p.weight2, p.classes * p.hidden), tensor(p.bias2, p.classes));
        for r in 0..lane.rows as usize {
            let x = &x[(lane.x_row as usize + r) * inputs..][..inputs];
            let hidden: Vec<f32> = layer(&w1, &b1, x).into_iter().map(|v| v.max(0.0)).collect();
            logits[(lane.row0 as usize + r) * classes..][..classes].copy_from_slice(&layer(&w2, &b2, &hidden));
        }
    }
}

fn layer(w: &[f32], b: &[f32], x: &[f32]) -> Vec<f32> {
    let row = |(w, b): (&[f32], &f32)| w.iter().zip(x).fold(0.0, |sum, (w, x)| sum + x * w) + b;
    w.chunks_exact(x.len()).zip(b).map(row).collect()
}
