//! Twins of `softmax_xent` and `softmax_xent_grad`.

use super::math::{exp_f32, log1p_f32};
use crate::kernels::params::Lane;
use crate::kernels::softmax_xent::Params;
use crate::recording::kernel::Call;

/// The first maximum's class and, over the other classes, the sum of `exp(logit - maximum)`.
fn best_and_sum(logits: &[f32]) -> (usize, f32) {
    let best = (1..logits.len()).fold(0, |best, c| if logits[c] > logits[best] { c } else { best });
    let mut sum = 0.0;
    for (c, &l) in logits.iter().enumerate() {
        if c != best {
            sum += exp_f32(l - logits[best]);
        }
    }
    (best, sum)
}

/// Loss and hit per row.
pub fn softmax_xent(call: &Call<'_>) {
    let classes = call.params::<Params>().classes as usize;
    let (lanes, logits, labels) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<u32>(3));
    let (mut loss, mut correct) = (call.write::<f32>(4), call.write::<u32>(5));
    for lane in &lanes[..call.grid[2] as usize] {
        for r in 0..lane.rows as usize {
            let logits = &logits[(lane.row0 as usize + r) * classes..][..classes];
            let label = labels[lane.x_row as usize + r] as usize;
            let (best, sum) = best_and_sum(logits);
            loss[lane.out_row as usize + r] = (logits[best] - logits[label]) + log1p_f32(sum);
            correct[lane.out_row as usize + r] = u32::from(best == label);
        }
    }
}

/// Gradient of the logits.
pub fn softmax_xent_grad(call: &Call<'_>) {
    let classes = call.params::<Params>().classes as usize;
    let (lanes, logits, labels) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<u32>(3));
    let mut dlogits = call.write::<f32>(4);
    for lane in &lanes[..call.grid[2] as usize] {
        for r in 0..lane.rows as usize {
            let first = (lane.row0 as usize + r) * classes;
            let logits = &logits[first..][..classes];
            let label = labels[lane.x_row as usize + r] as usize;
            let (best, sum) = best_and_sum(logits);
            let whole = 1.0 + sum;
            for c in 0..classes {
                let p = if c == best { 1.0 } else { exp_f32(logits[c] - logits[best]) };
                let d = match (c == label, c == best) {
                    (false, _) => p / whole,
                    (true, true) => -sum / whole,
                    (true, false) => p / whole - 1.0,
                };
                dlogits[first + c] = d * lane.coef;
            }
        }
    }
}
