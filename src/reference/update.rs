//! Twins of `sgd`, `average` and `server_step`.

use crate::kernels::params::Lane;
use crate::kernels::update::{AverageParams, StepParams};
use crate::recording::kernel::Call;

/// `w -= lr g` for each lane's weights.
pub fn sgd(call: &Call<'_>) {
    let p: StepParams = call.params();
    let (lanes, mut weights, gradients) = (call.read::<Lane>(1), call.write::<f32>(2), call.read::<f32>(3));
    for lane in &lanes[..call.grid[2] as usize] {
        let base = lane.weight_base as usize;
        for i in base..base + p.count as usize {
            weights[i] -= p.lr * gradients[i];
        }
    }
}

/// `acc = (first ? 0 : acc) + sum of share[c] w[c]`.
pub fn average(call: &Call<'_>) {
    let p: AverageParams = call.params();
    let (share, weights, mut acc) = (call.read::<f32>(1), call.read::<f32>(2), call.write::<f32>(3));
    for (i, acc) in acc[..p.count as usize].iter_mut().enumerate() {
        let mut total = if p.first != 0 { 0.0 } else { *acc };
        for c in 0..p.clients as usize {
            total += share[c] * weights[c * p.stride as usize + i];
        }
        *acc = total;
    }
}

/// `w += lr (acc - w)`, exactly `acc` where `lr` is 1.
pub fn server_step(call: &Call<'_>) {
    let p: StepParams = call.params();
    let (acc, mut weights) = (call.read::<f32>(1), call.write::<f32>(2));
    for (w, &mean) in weights[..p.count as usize].iter_mut().zip(&*acc) {
        *w = if p.lr == 1.0 { mean } else { *w + p.lr * (mean - *w) };
    }
}
